"""A memory that forgets: the newest things by name, and never more than so many."""

from typing import Final

_LIMIT: Final = 4_096


class Recent[Name, Value]:
    """The newest values by name; the oldest names are forgotten beyond a limit."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._values: dict[Name, Value] = {}

    def add(self, name: Name, value: Value) -> bool:
        """Remember a value as the newest; whether the name was known."""
        was_known = self._values.pop(name, None) is not None
        self._values[name] = value
        if len(self._values) > self._limit:
            del self._values[next(iter(self._values))]
        return was_known

    def pop(self, name: Name) -> Value | None:
        """Forget a name; its value, or None."""
        return self._values.pop(name, None)

    def __len__(self) -> int:
        return len(self._values)
