"""What the groups of endpoints share."""

from typing import Final

from helios_nautilus.adapters.valr.api.calls import Caller
from helios_nautilus.adapters.valr.api.wire import format_iso

PAGE: Final = 100
"""Most rows of a page, in most histories."""


class Routes:
    """Endpoints that are called through one `Caller`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._call = caller.call


def iso(stamp_ns: int | None) -> str | None:
    """A time parameter."""
    return None if stamp_ns is None else format_iso(stamp_ns)
