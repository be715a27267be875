"""Opens and closes entries in a backtest when they were open and closed in the run that it repeats."""

from collections.abc import Sequence

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig

from helios_nautilus.messages import TOPIC_READINESS, ReadinessChanged


class ReplayedReadinessConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `ReplayedReadiness`.

    Parameters
    ----------
    until_ns
        Changes after this moment are nobody's business.

    """

    until_ns: int


class ReplayedReadiness(Actor):
    """Publishes recorded changes of readiness at their times; those from before the start are the state it begins in.

    Parameters
    ----------
    config
        See `ReplayedReadinessConfig`.
    changes
        What the run journalled, oldest first.

    """

    def __init__(self, config: ReplayedReadinessConfig, changes: Sequence[ReadinessChanged]) -> None:
        super().__init__(config)
        self._changes = changes

    def on_start(self) -> None:
        """Set an alert for each change."""
        now_ns = self.clock.timestamp_ns()
        for number, change in enumerate(self._changes):
            if change.ts_ns <= self.config.until_ns:
                due_ns = max(change.ts_ns, now_ns + number)  # strategies start after the actors: none would hear it now
                self.clock.set_time_alert_ns(f"HELIOS-READY-{number}", due_ns, self._say(change))

    def _say(self, change: ReadinessChanged) -> object:
        def say(_event: TimeEvent) -> None:
            self.msgbus.publish(TOPIC_READINESS, change)

        return say
