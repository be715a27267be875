"""Errors that nobody caught on a node's loop: kept and told, where they would be lines on the terminal alone."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord

_MOST_TOLD: Final = 100


def tell_unhandled(loop: asyncio.AbstractEventLoop, journal: Journal, now_ns: Callable[[], int]) -> None:
    """From now on an error of a callback or a task is journalled, once for each that is worded differently.

    A timer that fails does so every second; the terminal has them all.
    """
    told: set[str] = set()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        error = context.get("exception")
        words = context["message"] if error is None else f"{type(error).__name__}: {error}"
        if words not in told and len(told) < _MOST_TOLD:
            told.add(words)
            journal.append(EventRecord(ts_ns=now_ns(), kind="unhandled", words=words))

    loop.set_exception_handler(handle)
