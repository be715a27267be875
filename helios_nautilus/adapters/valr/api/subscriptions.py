"""What a socket is subscribed to, as state, and the frames that say so.

VALR replaces the pair list of an event with every SUBSCRIBE. So only complete lists are ever sent, and an event with
no pairs left is sent once more with an empty list.
"""

from collections.abc import Iterable
from typing import Any

import msgspec


class Subscriptions:
    """Events with their pairs; an event of the account has none (``pairs=None``)."""

    def __init__(self) -> None:
        self._pairs: dict[str, dict[str, None] | None] = {}
        self._changed: dict[str, None] = {}

    def add(self, event: str, pairs: Iterable[str] | None = None) -> None:
        """Want ``pairs`` of ``event`` as well. Wanted already, they are sent again: that is how to get a snapshot."""
        if pairs is None:
            self._pairs[event] = None
        else:
            wanted = self._pairs.get(event) or {}
            self._pairs[event] = wanted | dict.fromkeys(pairs)
        self._changed[event] = None

    def remove(self, event: str, pairs: Iterable[str]) -> None:
        """Want ``pairs`` of ``event`` no longer; unknown ones are passed over."""
        wanted = self._pairs.get(event)
        if not wanted:
            return
        gone = set(pairs)
        self._pairs[event] = {pair: None for pair in wanted if pair not in gone}
        self._changed[event] = None

    @property
    def channels(self) -> frozenset[str]:
        """Everything wanted per pair, in the words of the venue's acknowledgement: ``NEW_TRADE:BTCZAR``."""
        return frozenset(f"{event}:{pair}" for event, pairs in self._pairs.items() for pair in pairs or ())

    def frame(self) -> bytes | None:
        """All that is wanted, for a new connection; None if that is nothing. What is pending stays pending."""
        return _encode({event: pairs for event, pairs in self._pairs.items() if pairs is None or pairs})

    def changes(self) -> bytes | None:
        """The complete lists of the events that changed since last asked; None if none did."""
        changed = {event: self._pairs[event] for event in self._changed}
        self._changed.clear()
        return _encode(changed)

    def settle(self) -> None:
        """Nothing is pending: `frame` goes to the only connection there is."""
        self._changed.clear()


def _encode(wanted: dict[str, dict[str, None] | None]) -> bytes | None:
    if not wanted:
        return None
    entries: list[dict[str, Any]] = [
        {"event": event} if pairs is None else {"event": event, "pairs": list(pairs)} for event, pairs in wanted.items()
    ]
    return msgspec.json.encode({"type": "SUBSCRIBE", "subscriptions": entries})
