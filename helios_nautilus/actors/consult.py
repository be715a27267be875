"""How the gate's actor gets an answer: on the spot, or from a network without the engine waiting for it."""

import asyncio
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Protocol

from helios_nautilus.actors.offload import hand_back, tell_loop
from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.llm.provider import GateProvider, RemoteGateProvider
from helios_nautilus.llm.reply import GateReply

type Answered = Callable[[GateReply], None]


class Consult(Protocol):
    """Puts a context before a provider and hands its reply to ``done`` on the engine's thread, at once or later."""

    def __call__(self, context: GateContext, done: Answered) -> None:
        """Ask; ``done`` is called at most once."""
        ...


class OnTheSpot:
    """For a provider that needs no network: a backtest's, whose time stands still meanwhile, or the rules'."""

    def __init__(self, provider: GateProvider) -> None:
        self._provider = provider

    def __call__(self, context: GateContext, done: Answered) -> None:
        """See `Consult`."""
        done(self._provider.ask(context))


class Beside:
    """For a live node: the provider lives on an event loop of its own, in a thread of its own.

    The engine's loop only hands over the question and is handed the reply; however slow a connection is, no order waits
    for it. A provider that breaks gives no reply: the proposal then runs out of time, which refuses the entry.
    """

    def __init__(self, provider: RemoteGateProvider, loop: AbstractEventLoop) -> None:
        self._provider = provider
        self._engine_loop = loop
        self._own_loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._own_loop.run_forever, name="helios-gate", daemon=True)
        self._thread.start()

    def __call__(self, context: GateContext, done: Answered) -> None:
        """See `Consult`. The engine's loop hears of an error through its exception handler."""
        question = asyncio.run_coroutine_threadsafe(self._provider.ask(context), self._own_loop)
        hand_back(question, self._engine_loop, done, tell_loop(self._engine_loop, "The gate's provider broke"))

    def close(self, timeout_secs: float = 5.0) -> None:
        """Give up what is under way, close the connections and end the thread; to be called once.

        The thread ends whatever becomes of the connections; what they raise is raised.
        """
        try:
            asyncio.run_coroutine_threadsafe(self._wind_up(), self._own_loop).result(timeout_secs)
        finally:
            self._own_loop.call_soon_threadsafe(self._own_loop.stop)
            self._thread.join(timeout_secs)
            self._own_loop.close()

    async def _wind_up(self) -> None:
        questions = asyncio.all_tasks() - {asyncio.current_task()}
        for question in questions:
            question.cancel()
        await asyncio.gather(*questions, return_exceptions=True)
        await self._provider.close()
