"""How an actor gets slow work done: on the spot in a backtest, elsewhere when trading live."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

type Failed = Callable[[BaseException], None]


class Offload(Protocol):
    """Runs ``work`` and hands its result to ``done`` on the engine's thread, at once or later."""

    def __call__[T](self, work: Callable[[], T], done: Callable[[T], None], failed: Failed | None = None) -> None:
        """Start the work. What it raises goes to ``failed`` where the engine would not hear of it otherwise."""
        ...


def run_inline[T](work: Callable[[], T], done: Callable[[T], None], failed: Failed | None = None) -> None:
    """Do the work now: a backtest's time stands still meanwhile, and an error ends the run."""
    done(work())


class Worker:
    """A thread beside the event loop, for a live node: work is done in its order, answers come back on the loop."""

    def __init__(self, loop: AbstractEventLoop, name: str = "helios-worker") -> None:
        self._loop = loop
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._is_closed = False

    def __call__[T](self, work: Callable[[], T], done: Callable[[T], None], failed: Failed | None = None) -> None:
        """See `Offload`. Without ``failed`` the loop's own exception handler hears of an error."""
        failed = failed or tell_loop(self._loop, "Work beside the loop failed")
        hand_back(self._executor.submit(work), self._loop, self._while_open(done), self._while_open(failed))

    def close(self) -> None:
        """Take no more work; what has not begun is dropped, and so are answers still to come."""
        self._is_closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _while_open[A](self, heard: Callable[[A], None]) -> Callable[[A], None]:
        def hear(news: A) -> None:
            if not self._is_closed:
                heard(news)

        return hear


def hand_back[T](work: Future[T], loop: AbstractEventLoop, done: Callable[[T], None], failed: Failed) -> None:
    """Have the result of work on another thread, or its error, told on a loop's; nobody hears of cancelled work."""

    def tell(finished: Future[T]) -> None:
        error = finished.exception()
        if error is None:
            done(finished.result())
        else:
            failed(error)

    def call_loop(finished: Future[T]) -> None:
        if not finished.cancelled() and not loop.is_closed():
            loop.call_soon_threadsafe(tell, finished)

    work.add_done_callback(call_loop)


def tell_loop(loop: AbstractEventLoop, message: str) -> Failed:
    """Tell a loop's exception handler of an error."""
    return lambda error: loop.call_exception_handler({"message": message, "exception": error})
