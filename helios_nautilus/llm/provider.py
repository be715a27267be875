"""Who may answer a gate's question: the two shapes of a provider, and what is owed to either."""

from typing import Protocol

from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.schema import GateAnswer


class GateProvider(Protocol):
    """Answers at once, from the context alone, the same each time.

    In a backtest the caller delivers the answer ``latency_ms`` of simulated time after the question.
    """

    @property
    def name(self) -> str:
        """How the journal calls it."""
        ...

    def answer(self, context: GateContext) -> GateAnswer:
        """The answer; must not raise for any context."""
        ...


class RemoteGateProvider(Protocol):
    """Answers later, over a network, or not at all.

    The caller runs it off the hot path, cancels it ``deadline_ms`` after the question, and never waits longer; retries
    are the provider's own affair within that time. Every failure, from a refused key to a spent budget, is an
    exception: a provider never makes up an answer. On an exception or the deadline the caller takes
    `chain.answer_failure`. A reply that came but cannot be read is an answer, and `decode_answer` makes it a REJECT.
    """

    @property
    def name(self) -> str:
        """How the journal calls it."""
        ...

    async def answer(self, context: GateContext) -> GateAnswer:
        """The decoded reply; raises if there is none."""
        ...
