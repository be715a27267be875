"""Walks a proposal through the tiers: Aether, the gate, Guardian; a rebalancing's past the gate.

The pattern of every entry: hold the proposal by its id, ask the first stage, move on with each answer, and refuse on
anything else. An answer from another stage than the one asked, or to a proposal no longer held, is ignored; an
exception, a missing stage or a time-out is a refusal. Entries fail closed.
"""

from collections.abc import Callable
from typing import Protocol

from helios_nautilus.messages import Dossier, PipelineEvent, Proposal, Stage, StageReply, StageRequest


class Bus(Protocol):
    """What the walk needs of Nautilus's message bus."""

    def endpoints(self) -> list[str]:
        """Names of the endpoints that are there."""
        ...

    def send(self, endpoint: str, msg: object) -> None:
        """Deliver a message to an endpoint."""
        ...


class Timer(Protocol):
    """What the walk needs of Nautilus's clock."""

    @property
    def timer_names(self) -> list[str]:
        """Names of the alerts still to come."""
        ...

    def timestamp_ns(self) -> int:
        """The time now."""
        ...

    def set_time_alert_ns(self, name: str, alert_time_ns: int, callback: Callable[[object], None]) -> None:
        """Call back once at a time."""
        ...

    def cancel_timer(self, name: str) -> None:
        """Forget an alert."""
        ...


class Pipeline:
    """Holds the proposals under way.

    Parameters
    ----------
    bus, clock
        The message bus and the clock of the owning strategy.
    ttl_ns
        How long a proposal may be under way.
    on_passed
        Called with the dossier inside Guardian's own answer, so that nothing can come between check and order.
    on_ended
        Called at the end of every walk: the dossier, the stage that ended it, a reason, and whether the walk was
        proper (a stage's no is proper; an exception, a missing stage or a time-out is not).

    """

    STAGES = (Stage.AETHER, Stage.GATE, Stage.GUARDIAN)
    GATE_FREE = (Stage.AETHER, Stage.GUARDIAN)

    def __init__(
        self,
        bus: Bus,
        clock: Timer,
        ttl_ns: int,
        on_passed: Callable[[Dossier], None],
        on_ended: Callable[[Dossier, Stage, str, PipelineEvent], None],
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._ttl_ns = ttl_ns
        self._on_passed = on_passed
        self._on_ended = on_ended
        self._pending: dict[str, tuple[Stage, Dossier]] = {}

    def is_pending(self, instrument_id: object) -> bool:
        """Whether a proposal on the instrument is under way."""
        return any(dossier.proposal.instrument_id == instrument_id for _, dossier in self._pending.values())

    def propose(self, proposal: Proposal) -> None:
        """Start a walk."""
        decision_id = proposal.decision_id
        self._ask(Stage.AETHER, Dossier(proposal=proposal))
        if decision_id in self._pending:  # some stage takes its time
            self._clock.set_time_alert_ns(
                _alert_name(decision_id),
                self._clock.timestamp_ns() + self._ttl_ns,
                lambda _event: self._expire(decision_id),
            )

    def abandon(self, reason: str) -> None:
        """End every walk under way, properly."""
        for stage, dossier in list(self._pending.values()):
            self._end(dossier, stage, reason, ok=True)

    def _ask(self, stage: Stage, dossier: Dossier) -> None:
        self._pending[dossier.proposal.decision_id] = (stage, dossier)
        if stage.endpoint not in self._bus.endpoints():
            self._end(dossier, stage, f"{stage.value}_missing", ok=False)
            return
        try:
            self._bus.send(stage.endpoint, StageRequest(dossier=dossier, reply=self._reply))
        except Exception as error:  # whatever a tier throws, the entry is refused and trading goes on
            if dossier.proposal.decision_id not in self._pending:
                raise  # the walk had ended: the error is the order's, not the tier's
            self._end(dossier, stage, f"{stage.value}_error", ok=False, words=f"{type(error).__name__}: {error}")

    def _reply(self, reply: StageReply) -> None:
        held = self._pending.get(reply.dossier.proposal.decision_id)
        if held is None or held[0] is not reply.stage:
            return
        if not reply.approved:
            self._end(reply.dossier, reply.stage, reply.reason, ok=True)
        elif reply.stage is self.STAGES[-1]:
            self._end(reply.dossier, reply.stage, "passed", ok=True)
            self._on_passed(reply.dossier)
        else:
            stages = self.STAGES if reply.dossier.proposal.wanted is None else self.GATE_FREE
            self._ask(stages[stages.index(reply.stage) + 1], reply.dossier)

    def _expire(self, decision_id: str) -> None:
        # A backtest's clock lets no alert be cancelled that lies before the next data: it may come after the end.
        held = self._pending.get(decision_id)
        if held is not None:
            self._end(held[1], held[0], f"{held[0].value}_late", ok=False)

    def _end(self, dossier: Dossier, stage: Stage, reason: str, *, ok: bool, words: str = "") -> None:
        decision_id = dossier.proposal.decision_id
        if self._pending.pop(decision_id, None) is None:
            return
        if _alert_name(decision_id) in self._clock.timer_names:
            self._clock.cancel_timer(_alert_name(decision_id))
        now_ns = self._clock.timestamp_ns()
        event = PipelineEvent(decision_id=decision_id, ts_ns=now_ns, stage=stage, ok=ok, words=words or reason)
        self._on_ended(dossier, stage, reason, event)


def _alert_name(decision_id: str) -> str:
    return f"HELIOS-TTL-{decision_id}"
