"""Run as a script: imports a file again and again, each time killed (SIGKILL) one step later than the time before.

A step is a change to the file system, or a block of rows written. ``kill_points.py BARS INSTRUMENT_ID FOLDER`` works on
copies ``FOLDER/0``, ``FOLDER/1``, ... of the catalogue ``FOLDER/before`` (or of none), and ends with the first import
that was not killed. Prints how many were.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from helios_nautilus.history.importer import import_bars

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}


def kill_again_and_again(folder: Path, work: Callable[[Path, Callable[..., None]], object]) -> int:
    """Let ``work`` change copies of a catalogue; it calls its second argument at steps that are none of the disk's.

    How many were killed before the one that came to its end, which must end well.
    """
    for step in count():
        catalog = folder / str(step)
        if (folder / "before").exists():
            shutil.copytree(folder / "before", catalog)
        child = os.fork()
        if child == 0:
            work(catalog, _die_at(step))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            return step
    raise AssertionError("counting has no end")


def _die_at(step: int) -> Callable[..., None]:
    steps = count()

    def die_at_step(*_: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(lambda event, _: die_at_step() if event in _CHANGES else None)
    return die_at_step


def main(bars: Path, instrument_id: str, folder: Path) -> None:
    work = partial(_import, bars, instrument_id)
    print(kill_again_and_again(folder, work))  # noqa: T201


def _import(bars: Path, instrument_id: str, catalog: Path, on_rows: Callable[..., None]) -> None:
    import_bars([bars], instrument_id, catalog, on_rows=on_rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
