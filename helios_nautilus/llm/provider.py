"""Who may answer a gate's question: the two shapes of a gate, and the model behind a network that one of them asks."""

from typing import Protocol

from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.llm.prompt import Prompt
from helios_nautilus.llm.reply import GateReply, ModelReply
from helios_nautilus.llm.request import GateRequest, RemoteName


class GateProvider(Protocol):
    """Answers at once, from the context alone, the same each time.

    In a backtest the caller delivers the answer ``latency_ms`` of simulated time after the question.
    """

    @property
    def name(self) -> str:
        """How the journal calls it."""
        ...

    def ask(self, context: GateContext) -> GateReply:
        """The answer and its source; must not raise for any context."""
        ...


class RemoteGateProvider(Protocol):
    """Answers later, over a network.

    It keeps the deadline itself: the answer is there ``deadline_ms`` after the question at the latest, made by
    ``on_failure`` where no model gave one. The caller runs it off the hot path and may cancel it at any time.
    """

    @property
    def name(self) -> str:
        """How the journal calls it."""
        ...

    async def ask(self, context: GateContext) -> GateReply:
        """The answer, its source and every call made for it.

        Raises nothing but its cancellation, and `GateError` if it is to record and cannot.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class RemoteModel(Protocol):
    """One model behind one provider's API. It words, sends and reads; it decides nothing and never retries."""

    @property
    def name(self) -> RemoteName:
        """The provider."""
        ...

    @property
    def model(self) -> str:
        """The model asked for."""
        ...

    def request(self, prompt: Prompt) -> GateRequest:
        """The question as a value."""
        ...

    async def send(self, request: GateRequest, timeout_secs: float) -> ModelReply:
        """The model's reply; `CallFailed`, without a key anywhere in it, if there is none."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
