"""The whole way of a live question: from the engine's loop to a client package on a loop of its own, and back."""

import asyncio
import threading

from helios_nautilus.actors.consult import Beside
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.llm.chain import build_remote
from helios_nautilus.llm.reply import GateReply
from tests.integration.llm.apis import Wire, calling
from tests.integration.llm.gates import CONTEXT, ENVIRON, answer, settings
from tests.integration.llm.server import ModelServer


def test_a_live_answer_comes_back_on_the_engines_thread_while_its_loop_goes_on(server: ModelServer) -> None:
    server.reply(calling("anthropic", answer()), calling("anthropic", answer(decision="REJECT")))
    remote = build_remote(GateRules(provider="anthropic"), settings(server.url), ENVIRON, lambda: 0)

    async def work() -> list[tuple[GateReply, int]]:
        arrived = asyncio.Queue[tuple[GateReply, int]]()
        beside = Beside(remote, asyncio.get_running_loop())
        for _ in range(2):
            beside(CONTEXT, lambda reply: arrived.put_nowait((reply, threading.get_ident())))
        assert arrived.empty()
        replies = [await asyncio.wait_for(arrived.get(), 30) for _ in range(2)]
        beside.close()
        return replies

    replies = asyncio.run(work())
    assert sorted(reply.answer.decision for reply, _ in replies) == ["APPROVE", "REJECT"]
    assert {thread for _, thread in replies} == {threading.get_ident()}


def test_closing_does_not_wait_for_a_provider_that_never_answers(server: ModelServer) -> None:
    server.reply(Wire(manner="silent"))
    remote = build_remote(GateRules(provider="anthropic"), settings(server.url), ENVIRON, lambda: 0)

    async def work() -> list[GateReply]:
        arrived = list[GateReply]()
        beside = Beside(remote, asyncio.get_running_loop())
        beside(CONTEXT, arrived.append)
        async with asyncio.timeout(30):
            while not server.asked:
                await asyncio.sleep(0)
        beside.close()
        return arrived

    assert asyncio.run(work()) == []
