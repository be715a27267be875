import asyncio

import pytest

from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.node.unhandled import tell_unhandled


def test_an_error_that_nobody_caught_is_journalled_once_and_the_loop_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    journal = MemoryJournal()

    def fail(words: str) -> None:
        raise ValueError(words)

    async def body() -> None:
        loop = asyncio.get_running_loop()
        tell_unhandled(loop, journal, lambda: 7)
        over = loop.create_future()
        for words in ("a timer", "a timer", "another"):
            loop.call_soon(fail, words)
        loop.call_soon(over.set_result, None)
        await over

    asyncio.run(body())
    assert [(event.ts_ns, event.kind, event.words) for event in journal.of(EventRecord)] == [
        (7, "unhandled", "ValueError: a timer"),
        (7, "unhandled", "ValueError: another"),
    ]
    assert len(caplog.records) == 3
