"""Tier 5 as an actor: marks equity to market, checks every entry, and holds the kill switch."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.model.data import Bar, QuoteTick
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.position import Position

from helios_nautilus.actors.entry_checks import EntryChecks
from helios_nautilus.actors.equity import Equity, EquityConfig
from helios_nautilus.actors.exposures import closable_positions, exposure_of
from helios_nautilus.actors.second_wall import RiskSwitch, SecondWall
from helios_nautilus.amounts import exact
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.portfolio.guardian import GuardianRules
from helios_nautilus.domain.portfolio.kill_switch import (
    KillState,
    KillStatus,
    KillStore,
    KillSwitch,
    KillSwitchRules,
    MemoryKillStore,
    Trigger,
)
from helios_nautilus.domain.portfolio.valuation import EquityMark, EquityStore
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC, parse_timeframe
from helios_nautilus.domain.watchdog import Vitals
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EquityRecord, EventRecord, GuardianRecord, KillSwitchRecord
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_MISMATCH,
    TOPIC_PIPELINE,
    TOPIC_PORTFOLIO,
    TOPIC_VITALS,
    KillSwitchChanged,
    Mismatch,
    PipelineEvent,
    PortfolioState,
    Stage,
    StageReply,
    StageRequest,
)

_INSIST_SECS: Final = 5.0


class GuardianConfig(EquityConfig, frozen=True, kw_only=True):
    """Configuration of `Guardian`, beside what it has of `EquityConfig`.

    Parameters
    ----------
    base, decision
        Lengths of the recorded bars and of the decision bars.
    rules, kill_switch
        The domain's limits.

    """

    base: str = "1m"
    decision: str = "5m"
    rules: GuardianRules = GuardianRules()
    kill_switch: KillSwitchRules = KillSwitchRules()


class Guardian(Actor):
    """Answers `StageRequest` in the same call, so that nothing can come between its check and the order.

    Parameters
    ----------
    config
        See `GuardianConfig`.
    journal
        Takes every check, every mark at a decision bar and every move of the kill switch.
    store
        Where the kill switch survives a restart.
    histories
        The longer past of each instrument by id, for correlations; missing ones start empty.
    risk_switch
        The engine's own risk engine; halted once everything is flat.
    equity_store
        Where peak and day's start survive a restart.

    """

    def __init__(
        self,
        config: GuardianConfig,
        journal: Journal,
        store: KillStore | None = None,
        histories: Mapping[str, MarketHistory] | None = None,
        risk_switch: RiskSwitch | None = None,
        equity_store: EquityStore | None = None,
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self.kill_switch = KillSwitch(config.kill_switch, store or MemoryKillStore())
        self._histories = dict(histories or {})
        self._wall = SecondWall(risk_switch)
        self._crossed: frozenset[Trigger] = frozenset()
        self._currency = Currency.from_str(config.account_currency)
        self._decision_ns = parse_timeframe(config.decision)
        self._prices: dict[str, float] = {}
        self._equity = Equity(self, config, self._prices, equity_store)
        self._checks = EntryChecks(self, config.rules, self._prices, self._histories)
        self._newest_ns: dict[str, int] = {}
        self._started_ns = 0
        self._said_ns = 0

    @property
    def last_mark(self) -> EquityMark | None:
        """The newest mark of equity; None while there is none."""
        return self._equity.last

    def on_start(self) -> None:
        """Follow the bars, mark the starting equity and open the endpoint."""
        for instrument_id in self.config.instrument_ids:
            self._histories.setdefault(instrument_id.value, MarketHistory(self._decision_ns))
            self.subscribe_bars(bar_type(instrument_id, self.config.base, self.config.base))
        self.msgbus.subscribe(TOPIC_PIPELINE, self._on_pipeline)
        self.msgbus.register(Stage.GUARDIAN.endpoint, self.on_request)
        self._started_ns = self.clock.timestamp_ns()
        if self.config.is_live:
            self._follow_live()
        self.clock.set_timer_ns(
            name="HELIOS-GUARDIAN",
            interval_ns=NS_PER_MIN,
            start_time_ns=self.clock.timestamp_ns() // NS_PER_MIN * NS_PER_MIN,
            stop_time_ns=0,
            callback=self._on_timer,
        )
        if self.kill_switch.state is not KillState.NORMAL:
            # Strategies start after the actors: said at once, nobody would hear it.
            self.clock.set_time_alert_ns(
                "HELIOS-LATCHED", self.clock.timestamp_ns(), lambda _event: self._announce(self.kill_switch.status)
            )

    def _follow_live(self) -> None:
        for instrument_id in self.config.instrument_ids:
            self.subscribe_quote_ticks(instrument_id)
        for topic, handler in self._live_topics.items():
            self.msgbus.subscribe(topic, handler)

    @property
    def _live_topics(self) -> dict[str, Callable[[Any], None]]:
        return {
            "events.account.*": self._on_account_change,
            "events.position.*": self._on_account_change,
            TOPIC_VITALS: self._on_vitals,
            TOPIC_MISMATCH: self._on_mismatch,
        }

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Close the endpoint: entries fail closed from here on."""
        self.msgbus.deregister(Stage.GUARDIAN.endpoint, self.on_request)
        self.msgbus.unsubscribe(TOPIC_PIPELINE, self._on_pipeline)
        if self.config.is_live:
            for topic, handler in self._live_topics.items():
                self.msgbus.unsubscribe(topic, handler)

    # Marking to market

    def on_bar(self, bar: Bar) -> None:
        """Take a price; once per close, with all of its bars in, `_on_timer` marks equity."""
        name = bar.bar_type.instrument_id.value
        close = exact(bar.close)
        self._prices[name] = close
        self._newest_ns[name] = bar.ts_event
        if bar.ts_event % self._decision_ns == 0:
            self._histories[name].update(bar.ts_event, close, exact(bar.volume))

    def _on_timer(self, event: TimeEvent) -> None:
        is_decision = event.ts_event % self._decision_ns == 0
        positions = closable_positions(self.cache)
        if positions or is_decision or self._equity.last is None:
            mark = self.mark(event.ts_event)
            if mark is not None:
                self._publish(mark, positions, journal=is_decision)
                self._obey(self.kill_switch.on_equity(mark))
                self._crossed &= self.kill_switch.crossed(mark)
        if positions and not self.config.is_live:
            self._obey(self._check_age(positions, event.ts_event))
        self._look_behind()
        self._equity.keep()

    def _look_behind(self) -> None:
        if self.kill_switch.state is KillState.HALT:
            self._wall.look(self.cache)

    def _insist(self, now_ns: int) -> None:
        """Halted, say it again as long as anything is held: it may have come only after the halt."""
        is_due = now_ns - self._said_ns >= _INSIST_SECS * NS_PER_SEC
        if self.kill_switch.state is KillState.HALT and is_due and closable_positions(self.cache):
            self._tell(self.kill_switch.status)

    def mark(self, ts_ns: int) -> EquityMark | None:
        """See `Equity.mark`."""
        return self._equity.mark(ts_ns)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Mark equity by the price between the best quotes; past a limit, stop at once and journal the mark."""
        mark = self._equity.mark_quote(tick)
        crossed = None if mark is None else self.kill_switch.crossed(mark)
        if mark is None or not crossed:
            return
        if not crossed <= self._crossed:
            self._crossed |= crossed
            self._publish(mark, closable_positions(self.cache), journal=True)
        self._obey(self.kill_switch.on_equity(mark))

    def _on_account_change(self, _event: object) -> None:
        self._equity.change(self.clock.timestamp_ns())

    def _publish(self, mark: EquityMark, positions: list[Position], *, journal: bool) -> None:
        gross = sum(abs(exposure_of(position, self._prices).notional) for position in positions)
        exposure = gross / mark.equity if mark.equity > 0 else None
        state = PortfolioState(
            ts_ns=mark.ts_ns,
            equity=mark.equity,
            peak=mark.peak,
            drawdown=mark.drawdown,
            daily_loss=mark.daily_loss,
            exposure=exposure,
            open_positions=len(positions),
        )
        self.msgbus.publish(TOPIC_PORTFOLIO, state)
        if journal:
            self.journal.append(
                EquityRecord(
                    ts_ns=mark.ts_ns,
                    equity=mark.equity,
                    peak=mark.peak,
                    drawdown=mark.drawdown,
                    exposure=exposure,
                    open_positions=len(positions),
                )
            )

    # Checks

    def on_request(self, request: StageRequest) -> None:
        """Run all checks and answer at once."""
        dossier, now_ns = request.dossier, self.clock.timestamp_ns()
        checks = self._checks.run(dossier, self.kill_switch.state, self._equity.last, now_ns)
        failed = [check.name for check in checks if not check.passed]
        self.journal.append(
            GuardianRecord(
                ts_ns=now_ns,
                decision_id=dossier.proposal.decision_id,
                instrument_id=dossier.proposal.instrument_id.value,
                passed=not failed,
                checks=checks,
            )
        )
        request.reply(
            StageReply(stage=Stage.GUARDIAN, dossier=dossier, approved=not failed, reason=failed[0] if failed else "")
        )

    # Kill switch

    def operate(self, state: KillState, who: str, why: str) -> None:
        """An operator tightens the switch."""
        self._obey(self.kill_switch.stop(state, who=who, why=why, ts_ns=self.clock.timestamp_ns()))

    def clear(self, who: str, why: str, *, rebase: bool = False) -> None:
        """An operator lets trading go on; with ``rebase``, peak and day's start are set to the equity of now.

        Raises as `KillSwitch.clear` does; nothing has changed then.
        """
        status = self.kill_switch.clear(who=who, why=why, ts_ns=self.clock.timestamp_ns())
        if rebase:
            self._rebase(who, why)
        self._wall.open()
        self._announce(status)

    def _rebase(self, who: str, why: str) -> None:
        self._equity.rebase()
        self._crossed = frozenset()
        mark = self._equity.last
        if mark is not None:
            words = f"peak and day's start are {mark.equity:,.2f} {self._currency} from now on, by {who}: {why}"
            self.journal.append(EventRecord(ts_ns=self.clock.timestamp_ns(), kind="rebased", words=words))

    def _on_mismatch(self, mismatch: Mismatch) -> None:
        self._obey(self.kill_switch.on_mismatch(mismatch.words, mismatch.ts_ns))

    def _on_vitals(self, vitals: Vitals) -> None:
        """What is held is as stale as its market is silent, and never fresher than the loop is late."""
        held = {each.instrument_id.value for each in closable_positions(self.cache)}
        if held:
            waited = (vitals.ts_ns - self._started_ns) / NS_PER_SEC
            oldest = max(vitals.loop_lag_ms / 1e3, *(vitals.data_age_secs(name, waited) for name in held))
            self._obey(self.kill_switch.on_data_age(oldest, has_positions=True, ts_ns=vitals.ts_ns))
        self._insist(vitals.ts_ns)
        self._look_behind()

    def _on_pipeline(self, event: PipelineEvent) -> None:
        if not event.ok:
            self._obey(self.kill_switch.on_pipeline_error(event.words, event.ts_ns))
        elif event.stage is Stage.GUARDIAN:  # what an earlier tier declined says nothing of the tiers behind it
            self.kill_switch.on_pipeline_ok()

    def _check_age(self, positions: list[Position], now_ns: int) -> KillStatus | None:
        names = {position.instrument_id.value for position in positions}
        ages = [(now_ns - ts_ns) / NS_PER_SEC for name, ts_ns in self._newest_ns.items() if name in names]
        age = max(ages) if len(ages) == len(names) else None
        return self.kill_switch.on_data_age(age, has_positions=True, ts_ns=now_ns)

    def _obey(self, status: KillStatus | None) -> None:
        if status is not None:
            self._announce(status)

    def _announce(self, status: KillStatus) -> None:
        now_ns = self.clock.timestamp_ns()
        self.log.warning(f"Kill switch {status.state}: {status.words}")
        self.journal.append(
            KillSwitchRecord(
                ts_ns=now_ns,
                state=status.state.value,
                trigger=status.trigger.value if status.trigger else "",
                words=status.words,
            )
        )
        self._tell(status)

    def _tell(self, status: KillStatus) -> None:
        now_ns = self._said_ns = self.clock.timestamp_ns()
        self.msgbus.publish(
            TOPIC_KILL_SWITCH,
            KillSwitchChanged(
                ts_ns=now_ns,
                entries_allowed=status.state is KillState.NORMAL,
                flatten=status.state is KillState.HALT,
                words=status.words,
            ),
        )
