import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from helios_nautilus.actors.consult import Beside, OnTheSpot
from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.llm.off import OffProvider
from helios_nautilus.llm.reply import GateReply
from helios_nautilus.llm.rules import RulesProvider
from tests.unit.domain.decision.test_sections import CONTEXT

REPLY = OffProvider().ask(CONTEXT)


class Remote:
    """A provider that answers when it is told to, and remembers the thread it was asked on."""

    name = "remote"

    def __init__(self, error: Exception | None = None, closing: Exception | None = None) -> None:
        self.may_answer = threading.Event()
        self.was_asked = threading.Event()
        self.threads: list[threading.Thread] = []
        self.was_cancelled = self.is_closed = False
        self._error, self._closing = error, closing

    async def ask(self, context: GateContext) -> GateReply:
        self.threads.append(threading.current_thread())
        self.was_asked.set()
        if self._error is not None:
            raise self._error
        try:
            while not self.may_answer.is_set():
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return REPLY

    async def close(self) -> None:
        self.is_closed = True
        if self._closing is not None:
            raise self._closing


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def test_on_the_spot_the_answer_is_there_when_the_question_was_put() -> None:
    replies: list[GateReply] = []
    OnTheSpot(RulesProvider(GateRules()))(CONTEXT, replies.append)
    assert [reply.provider for reply in replies] == ["rules"]


def test_beside_the_engine_the_loop_goes_on_and_hears_the_answer_on_its_own_thread() -> None:
    async def engine() -> None:
        remote = Remote()
        consult = Beside(remote, asyncio.get_running_loop())
        heard: list[tuple[GateReply, threading.Thread]] = []
        try:
            consult(CONTEXT, lambda reply: heard.append((reply, threading.current_thread())))
            await until(remote.was_asked.is_set)
            assert heard == []
            remote.may_answer.set()
            await until(lambda: heard)
        finally:
            consult.close()
        assert heard == [(REPLY, threading.current_thread())]
        assert threading.current_thread() not in remote.threads

    asyncio.run(engine())


def test_two_questions_are_under_way_at_once() -> None:
    async def engine() -> None:
        remote, heard = Remote(), []
        consult = Beside(remote, asyncio.get_running_loop())
        try:
            consult(CONTEXT, heard.append)
            consult(CONTEXT, heard.append)
            await until(lambda: len(remote.threads) == 2)
            remote.may_answer.set()
            await until(lambda: len(heard) == 2)
        finally:
            consult.close()

    asyncio.run(engine())


def test_a_provider_that_breaks_gives_no_answer_and_the_loop_hears_why() -> None:
    async def engine() -> None:
        told: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: told.append(context))
        heard: list[GateReply] = []
        consult = Beside(Remote(ValueError("broken")), loop)
        try:
            consult(CONTEXT, heard.append)
            await until(lambda: told)
        finally:
            consult.close()
        assert heard == []
        assert str(told[0]["exception"]) == "broken"

    asyncio.run(engine())


def test_closing_gives_up_what_is_under_way_and_closes_the_provider() -> None:
    async def engine() -> None:
        remote, heard = Remote(), []
        consult = Beside(remote, asyncio.get_running_loop())
        consult(CONTEXT, heard.append)
        await until(remote.was_asked.is_set)

        consult.close()

        await asyncio.sleep(0)
        assert (remote.was_cancelled, remote.is_closed, heard) == (True, True, [])

    asyncio.run(engine())


def test_a_connection_that_cannot_be_closed_leaves_no_thread_behind() -> None:
    async def engine() -> None:
        remote = Remote(closing=OSError("broken"))
        remote.may_answer.set()
        consult = Beside(remote, asyncio.get_running_loop())
        consult(CONTEXT, lambda _reply: None)
        await until(remote.was_asked.is_set)
        with pytest.raises(OSError, match="broken"):
            consult.close()
        assert not remote.threads[0].is_alive()

    asyncio.run(engine())
