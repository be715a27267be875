"""Tells how far a run has come, once a simulated day."""

from collections.abc import Callable

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig

from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.messages import TOPIC_PORTFOLIO, PortfolioState

type Progress = Callable[[int, float | None], None]
"""Called with the time reached (nanoseconds UTC) and the equity then, None while unknown."""


class ProgressConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `ProgressActor`: ``end_ns`` is where the run ends."""

    end_ns: int


class ProgressActor(Actor):
    """Calls ``report`` at every midnight UTC."""

    def __init__(self, config: ProgressConfig, report: Progress) -> None:
        super().__init__(config)
        self._report = report
        self._equity: float | None = None

    def on_start(self) -> None:
        """Set the clock."""
        self.msgbus.subscribe(TOPIC_PORTFOLIO, self._on_portfolio)
        midnight_ns = self.clock.timestamp_ns() // NS_PER_DAY * NS_PER_DAY
        if midnight_ns + NS_PER_DAY > self.config.end_ns:
            return
        self.clock.set_timer_ns(
            name="HELIOS-PROGRESS",
            interval_ns=NS_PER_DAY,
            start_time_ns=midnight_ns,
            stop_time_ns=self.config.end_ns,
            callback=self._on_timer,
        )

    def _on_portfolio(self, state: PortfolioState) -> None:
        self._equity = state.equity

    def _on_timer(self, event: TimeEvent) -> None:
        self._report(event.ts_event, self._equity)
