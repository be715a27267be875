"""Tier 5 as an actor: marks equity to market, checks every entry, and holds the kill switch."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import AccountType, TradingState
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.position import Position

from helios_nautilus.amounts import exact
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.portfolio.guardian import (
    Check,
    EntryRequest,
    Exposure,
    GuardianRules,
    PortfolioView,
    RecentEntry,
    check_entry,
)
from helios_nautilus.domain.portfolio.kill_switch import (
    KillState,
    KillStatus,
    KillStore,
    KillSwitch,
    KillSwitchRules,
    MemoryKillStore,
)
from helios_nautilus.domain.portfolio.valuation import (
    EquityMark,
    EquityTracker,
    MarginPosition,
    value_cash,
    value_margin,
)
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC, parse_timeframe
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import CheckResult, EquityRecord, GuardianRecord, KillSwitchRecord
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_PIPELINE,
    TOPIC_PORTFOLIO,
    Dossier,
    KillSwitchChanged,
    PipelineEvent,
    PortfolioState,
    Stage,
    StageReply,
    StageRequest,
)


class RiskSwitch(Protocol):
    """What Guardian needs of the engine's own risk engine: the second wall."""

    def set_trading_state(self, state: TradingState) -> None:
        """Set the engine's trading state."""
        ...


class GuardianConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `Guardian`.

    Parameters
    ----------
    instrument_ids
        The traded instruments, all of one venue and quoted in the account currency.
    venue
        The venue of the account.
    account_currency
        Currency equity is marked in.
    base, decision
        Lengths of the recorded bars and of the decision bars.
    rules, kill_switch
        The domain's limits.

    """

    instrument_ids: tuple[InstrumentId, ...]
    venue: Venue
    account_currency: str = "ZAR"
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

    """

    def __init__(
        self,
        config: GuardianConfig,
        journal: Journal,
        store: KillStore | None = None,
        histories: Mapping[str, MarketHistory] | None = None,
        risk_switch: RiskSwitch | None = None,
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self.kill_switch = KillSwitch(config.kill_switch, store or MemoryKillStore())
        self._histories = dict(histories or {})
        self._risk_switch = risk_switch
        self._equity = EquityTracker()
        self._currency = Currency.from_str(config.account_currency)
        self._decision_ns = parse_timeframe(config.decision)
        self._prices: dict[str, float] = {}
        self._newest_ns: dict[str, int] = {}
        self._recent: list[RecentEntry] = []
        self._is_engine_halted = False

    def on_start(self) -> None:
        """Follow the bars, mark the starting equity and open the endpoint."""
        for instrument_id in self.config.instrument_ids:
            self._histories.setdefault(instrument_id.value, MarketHistory(self._decision_ns))
            self.subscribe_bars(bar_type(instrument_id, self.config.base, self.config.base))
        self.msgbus.subscribe(TOPIC_PIPELINE, self._on_pipeline)
        self.msgbus.register(Stage.GUARDIAN.endpoint, self.on_request)
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

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Close the endpoint: entries fail closed from here on."""
        self.msgbus.deregister(Stage.GUARDIAN.endpoint, self.on_request)
        self.msgbus.unsubscribe(TOPIC_PIPELINE, self._on_pipeline)

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
        positions = self._positions()
        if positions or is_decision or self._equity.last is None:
            mark = self.mark(event.ts_event)
            if mark is not None:
                self._publish(mark, positions, journal=is_decision)
                self._obey(self.kill_switch.on_equity(mark))
        if positions:
            self._obey(self._check_age(positions, event.ts_event))
        elif self.kill_switch.state is KillState.HALT:
            self._halt_engine()

    def _halt_engine(self) -> None:
        """Close the second wall, once nothing is held and nothing works: it would refuse exits, too."""
        works = self.cache.orders_open_count() + self.cache.orders_inflight_count() + self.cache.orders_emulated_count()
        if self._risk_switch is not None and not self._is_engine_halted and not works:
            self._risk_switch.set_trading_state(TradingState.HALTED)
            self._is_engine_halted = True

    def mark(self, ts_ns: int) -> EquityMark | None:
        """Equity now, or None while a price or the account is unknown."""
        account = self.cache.account_for_venue(self.config.venue)
        if account is None:
            return None
        if account.type == AccountType.CASH:
            balances = {currency.code: money.as_double() for currency, money in account.balances_total().items()}
            equity = value_cash(balances, self._base_prices(), self._currency.code)
        else:
            balance = account.balance_total(self._currency)
            positions = [self._margin_position(position) for position in self._positions()]
            equity = value_margin(None if balance is None else balance.as_double(), positions)
        return self._equity.update(equity, ts_ns)

    def _base_prices(self) -> dict[str, float | None]:
        return {
            self.cache.instrument(instrument_id).base_currency.code: self._prices.get(instrument_id.value)
            for instrument_id in self.config.instrument_ids
        }

    def _margin_position(self, position: Position) -> MarginPosition:
        return MarginPosition(
            instrument_id=position.instrument_id.value,
            quantity=position.signed_qty,
            entry_price=position.avg_px_open,
            price=self._prices.get(position.instrument_id.value),
        )

    def _publish(self, mark: EquityMark, positions: list[Position], *, journal: bool) -> None:
        gross = sum(abs(exposure.notional) for exposure in map(self._exposure, positions))
        exposure = gross / mark.equity if mark.equity > 0 else float("inf")
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
        dossier = request.dossier
        now_ns = self.clock.timestamp_ns()
        entry = self._entry_request(dossier, now_ns)
        checks = check_entry(entry, self.view(dossier.proposal.instrument_id, now_ns), self.config.rules)
        passed = all(check.passed for check in checks)
        self.journal.append(
            GuardianRecord(
                ts_ns=now_ns,
                decision_id=dossier.proposal.decision_id,
                instrument_id=entry.instrument_id,
                passed=passed,
                checks=tuple(map(_result, checks)),
            )
        )
        if passed:
            self._recent.append(RecentEntry(instrument_id=entry.instrument_id, side=entry.side, ts_ns=now_ns))
        failed = next((check.name for check in checks if not check.passed), "")
        request.reply(StageReply(stage=Stage.GUARDIAN, dossier=dossier, approved=passed, reason=failed))

    def _entry_request(self, dossier: Dossier, now_ns: int) -> EntryRequest:
        proposal, terms = dossier.proposal, dossier.known_terms
        return EntryRequest(
            instrument_id=proposal.instrument_id.value,
            base=self.cache.instrument(proposal.instrument_id).base_currency.code,
            side=proposal.side,
            notional=terms.notional,
            price=proposal.price,
            leverage=terms.leverage,
            ts_ns=now_ns,
        )

    def view(self, instrument_id: InstrumentId, now_ns: int) -> PortfolioView:
        """What the checks are told of the portfolio."""
        quote = self.cache.quote_tick(instrument_id)
        self._recent = [entry for entry in self._recent if now_ns - entry.ts_ns <= self._memory_ns]
        return PortfolioView(
            kill_state=self.kill_switch.state,
            mark=self._equity.last,
            positions=tuple(map(self._exposure, self._positions())),
            pending=self._pending(),
            returns=self._daily_returns(now_ns),
            last_price=self._prices.get(instrument_id.value),
            bid=None if quote is None else quote.bid_price.as_double(),
            ask=None if quote is None else quote.ask_price.as_double(),
            recent=tuple(self._recent),
        )

    @property
    def _memory_ns(self) -> int:
        return max(NS_PER_MIN, int(self.config.rules.cooldown_secs * NS_PER_SEC))

    def _positions(self) -> list[Position]:
        """The open positions; the cache keeps them in an order that differs from run to run, and sums with it."""
        return sorted(self.cache.positions_open(), key=lambda position: position.id.value)

    def _exposure(self, position: Position) -> Exposure:
        name = position.instrument_id.value
        price = self._prices.get(name, position.avg_px_open)
        return Exposure(
            instrument_id=name,
            base=position.base_currency.code if position.base_currency else name,
            notional=position.signed_qty * price,
        )

    def _pending(self) -> tuple[Exposure, ...]:
        """Entries that may still fill: neither closed nor reducing, by the tag their strategy gave them."""
        orders = [*self.cache.orders_open(), *self.cache.orders_inflight()]
        unique = {order.client_order_id: order for order in orders if order.tags and "ENTRY" in order.tags}
        return tuple(
            Exposure(
                instrument_id=order.instrument_id.value,
                base=self.cache.instrument(order.instrument_id).base_currency.code,
                notional=order.leaves_qty.as_double() * order.price.as_double() * (1 if order.is_buy else -1),
            )
            for _, order in sorted(unique.items(), key=lambda item: item[0].value)
        )

    def _daily_returns(self, now_ns: int) -> dict[str, Floats]:
        days = self.config.rules.correlation_days
        closes = {name: history.daily_closes(now_ns)[-days - 1 :] for name, history in self._histories.items()}
        return {name: np.diff(close) / close[:-1] for name, close in closes.items() if len(close) == days + 1}

    # Kill switch

    def operate(self, state: KillState, who: str, why: str) -> None:
        """An operator tightens the switch."""
        self._obey(self.kill_switch.stop(state, who=who, why=why, ts_ns=self.clock.timestamp_ns()))

    def clear(self, who: str, why: str) -> None:
        """An operator lets trading go on."""
        status = self.kill_switch.clear(who=who, why=why, ts_ns=self.clock.timestamp_ns())
        if self._risk_switch is not None and self._is_engine_halted:
            self._risk_switch.set_trading_state(TradingState.ACTIVE)
            self._is_engine_halted = False
        self._announce(status)

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
        self.msgbus.publish(
            TOPIC_KILL_SWITCH,
            KillSwitchChanged(
                ts_ns=now_ns,
                entries_allowed=status.state is KillState.NORMAL,
                flatten=status.state is KillState.HALT,
                words=status.words,
            ),
        )


def _result(check: Check) -> CheckResult:
    return CheckResult(name=check.name, passed=check.passed, value=check.value, limit=check.limit, words=check.words)
