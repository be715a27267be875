"""The rebalancer: holds the portfolio against its Black-Litterman targets and asks for what brings it nearer.

It looks at each UTC day's first decision, and at once when risk jumps; what its orders become is the strategy's part.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.exposures import exposure_of, open_positions, pending_entries
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.payoff import PayoffTable
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.portfolio.black_litterman import View
from helios_nautilus.domain.portfolio.covariance import ledoit_wolf
from helios_nautilus.domain.portfolio.risk_events import RiskEvents
from helios_nautilus.domain.portfolio.targets import (
    Comparison,
    Holding,
    Market,
    RebalanceSettings,
    compare,
    view_of,
)
from helios_nautilus.domain.risk.volatility import VolatilityForecast
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_SEC, parse_timeframe
from helios_nautilus.errors import DataError
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord, RebalanceRecord, WeightChange
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_PORTFOLIO,
    TOPIC_PREDICTIONS,
    TOPIC_REBALANCE,
    KillSwitchChanged,
    PortfolioState,
    Prediction,
    Rebalance,
    WeightOrder,
)

_TIMER: Final = "HELIOS-REBALANCER"
_AT_ONCE: Final = "HELIOS-RISK-EVENT"


class RebalancerConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `Rebalancer`.

    Parameters
    ----------
    instrument_ids
        The assets; all are quoted in the account's currency, so that their traded values are of one.
    decision
        Length of the decision bars.
    plan
        The exit plan whose return a prediction stands for.
    max_drawdown
        The kill switch's limit, a share of which is a risk event.
    settings
        When and how far.

    """

    instrument_ids: tuple[InstrumentId, ...]
    decision: str = "5m"
    plan: ExitPlan = ExitPlan()
    max_drawdown: float = 0.15
    settings: RebalanceSettings = RebalanceSettings(mode="trim")


class Rebalancer(Actor):
    """Publishes a `Rebalance` where there is something to trade, and journals every comparison.

    Parameters
    ----------
    config
        See `RebalancerConfig`.
    journal
        Takes the comparisons, and a note of what keeps them from being made.
    histories
        The longer past of each instrument by id, kept up to date by its owner.
    payoff_at
        The payoff table of the model in charge at a stamp; without one predictions stand for nothing.
    forecast
        The newest volatility of an instrument by id.

    """

    def __init__(
        self,
        config: RebalancerConfig,
        journal: Journal,
        histories: Mapping[str, MarketHistory],
        payoff_at: Callable[[int], PayoffTable | None],
        forecast: Callable[[str], VolatilityForecast | None],
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self._histories = histories
        self._payoff_at = payoff_at
        self._forecast = forecast
        self._names = [instrument_id.value for instrument_id in config.instrument_ids]
        self._decision_ns = parse_timeframe(config.decision)
        self._settle_ns = int(config.settings.settle_secs * NS_PER_SEC)
        self._risk = RiskEvents(config.settings.drawdown_share * config.max_drawdown)
        self._predictions: dict[str, Prediction] = {}
        self._portfolio: PortfolioState | None = None
        self._is_halted = False
        self._due_ns: int | None = None
        self._lacking = ""

    def on_start(self) -> None:
        """Follow equity, predictions and the kill switch; look a little after every decision's close."""
        for topic, handler in self._topics.items():
            self.msgbus.subscribe(topic, handler)
        since_close_ns = (self.clock.timestamp_ns() - self._settle_ns) % self._decision_ns
        self.clock.set_timer_ns(
            name=_TIMER,
            interval_ns=self._decision_ns,
            start_time_ns=self.clock.timestamp_ns() - since_close_ns,
            stop_time_ns=0,
            callback=self._on_timer,
        )

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Stop listening."""
        for topic, handler in self._topics.items():
            self.msgbus.unsubscribe(topic, handler)

    @property
    def _topics(self) -> dict[str, Callable[..., None]]:
        return {
            TOPIC_PORTFOLIO: self._on_portfolio,
            TOPIC_PREDICTIONS: self._on_prediction,
            TOPIC_KILL_SWITCH: self._on_kill_switch,
        }

    # What it hears

    def _on_prediction(self, prediction: Prediction) -> None:
        self._predictions[prediction.instrument_id.value] = prediction

    def _on_portfolio(self, state: PortfolioState) -> None:
        self._portfolio = state
        self._alarm(self._risk.on_drawdown(state.drawdown, state.ts_ns))

    def _on_kill_switch(self, change: KillSwitchChanged) -> None:
        self._is_halted = change.flatten
        self._alarm(self._risk.on_kill_switch(entries_allowed=change.entries_allowed))

    def _alarm(self, words: str | None) -> None:
        """Look at once, but after everybody has heard what this comes from."""
        if words is None:
            return
        self._tell("risk_event", words)
        if _AT_ONCE not in self.clock.timer_names:
            self.clock.set_time_alert_ns(_AT_ONCE, self.clock.timestamp_ns(), self._on_risk_event)

    def _on_risk_event(self, event: TimeEvent) -> None:
        self._rebalance(event.ts_event, is_risk_event=True)

    def _on_timer(self, event: TimeEvent) -> None:
        """An alarm's comparison stands for the day's: two at once would be in each other's way."""
        close_ns = event.ts_event - self._settle_ns
        for name in sorted({each.instrument_id.value for each in open_positions(self.cache)} & set(self._names)):
            forecast = self._forecast(name)
            self._alarm(self._risk.on_regime(name, None if forecast is None else forecast.regime))
        is_first = close_ns % NS_PER_DAY == self._decision_ns % NS_PER_DAY
        if is_first and _AT_ONCE not in self.clock.timer_names:
            self._rebalance(event.ts_event, is_risk_event=False)

    # The comparison

    def _rebalance(self, now_ns: int, *, is_risk_event: bool) -> None:
        """Compare and conclude; a halt closes all there is, and then there is nothing to weigh."""
        if self._is_halted or self._portfolio is None or not self._portfolio.equity > 0.0:
            return
        equity, views = self._portfolio.equity, self._views(now_ns)
        holding, market = self._holding(equity), self._market(now_ns)
        if market is None:
            return
        try:
            found = compare(
                holding,
                market,
                [view for view in views if view is not None],
                cost=self.config.plan.costs.of("taker"),
                last_ns=self._due_ns,
                now_ns=now_ns,
                is_risk_event=is_risk_event,
                settings=self.config.settings,
            )
        except DataError as error:
            self._lack(f"no target weights: {error}")
            return
        self._lacking = ""
        self._conclude(found, holding, views, equity, now_ns)

    def _conclude(
        self, found: Comparison, holding: Holding, views: Sequence[View | None], equity: float, now_ns: int
    ) -> None:
        if found.is_due:
            self._due_ns = now_ns
        changes = tuple(
            WeightChange(
                instrument_id=name,
                current=float(holding.weights[at]),
                target=float(found.target[at]),
                change=float(found.change[at]),
                view=None if view is None else view.expected_return * NS_PER_DAY / view.horizon_ns,
            )
            for at, (name, view) in enumerate(zip(self._names, views, strict=True))
        )
        self.journal.append(
            RebalanceRecord(ts_ns=now_ns, reason=found.reason.value, equity=equity, changes=changes, cash=found.cash)
        )
        orders = tuple(self._order(change, equity, now_ns) for change in changes if change.change)
        if orders:
            self.msgbus.publish(TOPIC_REBALANCE, Rebalance(ts_ns=now_ns, reason=found.reason, orders=orders))

    def _order(self, change: WeightChange, equity: float, now_ns: int) -> WeightOrder:
        return WeightOrder(
            instrument_id=InstrumentId.from_str(change.instrument_id),
            weight=change.current,
            target=change.target,
            change=change.change,
            value=abs(change.change) * equity,
            prediction=self._newest(change.instrument_id, now_ns),
        )

    def _newest(self, name: str, now_ns: int) -> Prediction | None:
        """The prediction of the last close, if something may be made of it."""
        said = self._predictions.get(name)
        is_fresh = said is not None and now_ns - said.ts_event < self._decision_ns + self._settle_ns
        return said if said is not None and is_fresh and not said.veto else None

    def _views(self, now_ns: int) -> list[View | None]:
        """What each asset's newest prediction stands for."""
        table = self._payoff_at(now_ns)
        said = [self._newest(name, now_ns) for name in self._names]
        return [
            None if each is None or table is None else view_of(at, each.p_buy, each.p_sell, table, self.config.plan)
            for at, each in enumerate(said)
        ]

    def _holding(self, equity: float) -> Holding:
        """A maker's entry that still works is a bet as well."""
        closes = {name: price for name in self._names if (price := self._close(name)) is not None}
        values = dict.fromkeys(self._names, 0.0)
        bets = {entry.instrument_id for entry in pending_entries(self.cache)}
        for position in open_positions(self.cache):
            exposure = exposure_of(position, closes)
            bets.add(exposure.instrument_id)
            if exposure.instrument_id in values:
                values[exposure.instrument_id] += exposure.notional
        weights = np.maximum(np.array(list(values.values())) / equity, 0.0)
        return Holding(weights=weights, has_bet=np.array([name in bets for name in self._names]))

    def _close(self, name: str) -> float | None:
        history = self._histories.get(name)
        return None if history is None else history.price

    def _market(self, now_ns: int) -> Market | None:
        """Of the last whole days; None, and told once, where one of the assets has too short a past."""
        days = self.config.settings.history_days
        returns, traded = [], []
        for name in self._names:
            history = self._histories.get(name)
            closes = np.empty(0) if history is None else history.daily_closes(now_ns)[-days - 1 :]
            value = None if history is None else history.traded_value(days)
            if value is None or len(closes) <= days:
                self._lack(f"no target weights: {name} has no {days} whole days of bars yet")
                return None
            returns.append(closes[1:] / closes[:-1] - 1.0)
            traded.append(value)
        return Market(covariance=ledoit_wolf(np.array(returns).T).covariance, traded_value=np.array(traded))

    # Journal

    def _lack(self, words: str) -> None:
        """Say why nothing is compared, once."""
        if words != self._lacking:
            self._lacking = words
            self._tell("not_rebalanced", words)

    def _tell(self, kind: str, words: str) -> None:
        self.log.warning(words)
        self.journal.append(EventRecord(ts_ns=self.clock.timestamp_ns(), kind=kind, words=words))
