"""How a training goes, in figures and on a terminal."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol, TextIO

from msgspec import Struct

from helios_nautilus.models.checkpoint import EpochLog

_OVER: Final = "\r\x1b[K"
"""Back to the start of the line, which is wiped."""

type Clock = Callable[[], float]
"""Seconds from some moment on."""


class Pace(Struct, frozen=True, kw_only=True):
    """Where a training is, how fast it goes, and how long it may still take."""

    epoch: int
    epochs: int
    share: float
    """Of all epochs, how much is done."""
    steps_per_sec: float
    decisions_per_sec: float
    """Labelled decisions learnt from."""
    secs_left: float
    """Until the last epoch; early stopping may come before."""


class Watcher(Protocol):
    """Who wants to know more about a training than its epochs."""

    def paced(self, pace: Pace) -> None:
        """A batch is done."""
        ...

    def noted(self, words: str) -> None:
        """Something happened that its owner should know, in a line."""
        ...


class Meter:
    """Counts what is done and tells the pace; time before it was made, as before a resumption, does not count."""

    def __init__(self, epochs: int, share: float, clock: Clock) -> None:
        self._epochs, self._first_share, self._clock = epochs, share, clock
        self._started = clock()
        self._steps = self._decisions = 0

    def count(self, steps: int, decisions: int) -> None:
        """Steps taken, and the decisions they learnt from."""
        self._steps += steps
        self._decisions += decisions

    def pace(self, epoch: int, share: float) -> Pace:
        """The pace at a share of the training above that of the start, in the ``epoch``-th epoch."""
        secs = max(self._clock() - self._started, 1e-9)
        return Pace(
            epoch=epoch,
            epochs=self._epochs,
            share=share,
            steps_per_sec=self._steps / secs,
            decisions_per_sec=self._decisions / secs,
            secs_left=secs * (1.0 - share) / (share - self._first_share),
        )


class Ticker:
    """A training as lines of text: the pace in one that is written over, on a terminal only, all else in lines to stay.

    ``say`` prints a line; ``terminal`` is where the pace goes, None for nowhere.
    """

    def __init__(self, say: Callable[[str], None], terminal: TextIO | None) -> None:
        self._say = say
        self._terminal = terminal if terminal is not None and terminal.isatty() else None

    def epoch(self, log: EpochLog) -> None:
        """An epoch is over."""
        loss = "-" if log.train_loss is None else f"{log.train_loss:.4f}"
        self.noted(f"  epoch {log.epoch:>2}  train {loss}  validation {log.validation_loss:.4f}  {log.seconds:.1f} s")

    def paced(self, pace: Pace) -> None:
        """See `Watcher`."""
        if self._terminal is not None:
            speed = f"{pace.decisions_per_sec:,.0f} decisions/s  {pace.steps_per_sec:.2f} steps/s"
            left = timedelta(seconds=round(pace.secs_left))
            place = f"epoch {pace.epoch}/{pace.epochs}  {pace.share:.0%}"
            self._terminal.write(f"{_OVER}  {place}  {speed}  {left} left at most")
            self._terminal.flush()

    def noted(self, words: str) -> None:
        """See `Watcher`."""
        if self._terminal is not None:
            self._terminal.write(_OVER)
            self._terminal.flush()
        self._say(words)
