"""What a node says on its standard output from its start to its end: for people, or as JSON for a collector."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.records import Mode
from helios_nautilus.watch.settings import LogFormat


class _Line(Struct, frozen=True, kw_only=True):
    """One line; the fields that Nautilus's own log has too bear its names."""

    timestamp: str
    mode: Mode
    run_id: str
    component: str
    message: str


class LogLines:
    """Writes lines; each is two words' worth: what was done, and how it went.

    Parameters
    ----------
    form
        ``text`` is for people: two columns, the mode and the run id among the first lines. ``json`` is an object a
        line, and each has both.
    mode
        Of the node.
    write
        Takes a line without its end.
    clock
        Nanoseconds UTC.

    """

    def __init__(self, form: LogFormat, mode: Mode, write: Callable[[str], None], clock: Callable[[], int]) -> None:
        self._form = form
        self._mode = mode
        self._write = write
        self._clock = clock
        self.run_id = ""
        """Set as soon as it is known."""

    def __call__(self, what: str, words: str) -> None:
        """Say something."""
        self._write(self._encode(what, words) if self._form == "json" else f"{what:<12} {words}")

    def _encode(self, what: str, words: str) -> str:
        moment = datetime.fromtimestamp(self._clock() / NS_PER_SEC, UTC)
        line = _Line(
            timestamp=f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
            mode=self._mode,
            run_id=self.run_id,
            component=what.strip(),
            message=words,
        )
        return msgspec.json.encode(line).decode()
