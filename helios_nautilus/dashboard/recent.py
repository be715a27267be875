"""Answers of the last second: however many ask the same, the journal is asked once."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct
from starlette.responses import Response

from helios_nautilus.dashboard.answers import answer
from helios_nautilus.domain.timeframe import NS_PER_SEC

_FRESH_NS: Final = NS_PER_SEC
_MOST: Final = 64
"""Kept at once; those who page back in time ask for something else each time."""


class _Answered(Struct, frozen=True, kw_only=True):
    ts_ns: int
    body: bytes


class Recent:
    """Asks, unless it has just been asked. Any thread may; ``clock`` gives nanoseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._answers: dict[tuple[object, ...], _Answered] = {}

    def answer[**P](self, ask: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Response:
        """What ``ask`` answers to these arguments, as JSON; raises what it raises, and keeps nothing then."""
        key, now_ns = (ask.__name__, *args, *kwargs.items()), self._clock()
        kept = self._answers.get(key)
        if kept is not None and now_ns - kept.ts_ns < _FRESH_NS:
            return Response(kept.body, media_type="application/json")
        response = answer(ask(*args, **kwargs))
        if len(self._answers) >= _MOST:
            self._answers = {}
        self._answers[key] = _Answered(ts_ns=now_ns, body=bytes(response.body))
        return response
