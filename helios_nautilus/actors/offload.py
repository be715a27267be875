"""How an actor gets slow work done: on the spot in a backtest, elsewhere when trading live."""

from collections.abc import Callable
from typing import Protocol


class Offload(Protocol):
    """Runs ``work`` and hands its result to ``done`` on the engine's thread, at once or later."""

    def __call__[T](self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Start the work."""
        ...


def run_inline[T](work: Callable[[], T], done: Callable[[T], None]) -> None:
    """Do the work now: a backtest's time stands still meanwhile."""
    done(work())
