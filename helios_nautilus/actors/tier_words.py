"""What each tier said last, heard on the bus."""

from nautilus_trader.common.component import MessageBus

from helios_nautilus.journal.commands import Tier
from helios_nautilus.journal.status import TierStatus
from helios_nautilus.messages import (
    TOPIC_CONTROLS,
    TOPIC_PIPELINE,
    TOPIC_PREDICTIONS,
    ControlsChanged,
    PipelineEvent,
    Prediction,
    Stage,
)

_STAGES: tuple[Tier, ...] = ("aether", "gate", "guardian")
_TIERS: tuple[Tier, ...] = ("prediction", *_STAGES)


class TierWords:
    """Listens from `join` to `leave`; failures are counted from the first time on."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._last_ns: dict[str, int] = {}
        self._errors = dict.fromkeys(_TIERS, 0)
        self.controls = ControlsChanged(ts_ns=0, entries_on=True)
        """The operator's switches as last told; without a word everything is on."""

    def join(self, bus: MessageBus) -> None:
        """Begin to listen."""
        bus.subscribe(TOPIC_PREDICTIONS, self.on_prediction)
        bus.subscribe(TOPIC_PIPELINE, self.on_walk)
        bus.subscribe(TOPIC_CONTROLS, self.on_controls)

    def leave(self, bus: MessageBus) -> None:
        """Listen no more."""
        bus.unsubscribe(TOPIC_PREDICTIONS, self.on_prediction)
        bus.unsubscribe(TOPIC_PIPELINE, self.on_walk)
        bus.unsubscribe(TOPIC_CONTROLS, self.on_controls)

    def all(self) -> tuple[TierStatus, ...]:
        """Every tier, in the order of a decision's way."""
        return tuple(
            TierStatus(
                tier=tier,
                is_on=tier not in self.controls.off,
                last_ns=self._last_ns.get(tier, 0),
                words=self._words.get(tier, ""),
                errors=self._errors[tier],
            )
            for tier in _TIERS
        )

    def on_prediction(self, prediction: Prediction) -> None:
        """The model has spoken."""
        chances = f"buy {prediction.p_buy:.0%}, sell {prediction.p_sell:.0%}, hold {prediction.p_hold:.0%}"
        words = f"{prediction.instrument_id}: {prediction.veto or chances}"
        self._say("prediction", prediction.ts_init, words)

    def on_walk(self, event: PipelineEvent) -> None:
        """A walk ended at a stage: those before it have let it pass."""
        passed = _STAGES[: list(Stage).index(event.stage)]
        for tier in passed:
            self._say(tier, event.ts_ns, f"{event.decision_id}: passed")
        last = _STAGES[len(passed)]
        self._say(last, event.ts_ns, f"{event.decision_id}: {event.words}")
        self._errors[last] += not event.ok

    def on_controls(self, controls: ControlsChanged) -> None:
        """The operator's switches."""
        self.controls = controls

    def _say(self, tier: Tier, ts_ns: int, words: str) -> None:
        self._words[tier], self._last_ns[tier] = words, ts_ns
