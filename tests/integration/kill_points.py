"""Run as a script: imports a file again and again, each time killed (SIGKILL) one step later than the time before.

A step is a change to the file system, or a block of rows written. ``kill_points.py BARS INSTRUMENT_ID FOLDER`` works on
copies ``FOLDER/0``, ``FOLDER/1``, ... of the catalogue ``FOLDER/before`` (or of none), and ends with the first import
that was not killed. Prints how many were.
"""

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path

from helios_nautilus.history.importer import import_bars

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}


def import_and_die(step: int, bars: Path, instrument_id: str, catalog: Path) -> None:
    steps = count()

    def die_at_step(*_: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(lambda event, _: die_at_step() if event in _CHANGES else None)
    import_bars([bars], instrument_id, catalog, on_rows=die_at_step)


def main(bars: Path, instrument_id: str, folder: Path) -> None:
    for step in count():
        catalog = folder / str(step)
        if (folder / "before").exists():
            shutil.copytree(folder / "before", catalog)
        child = os.fork()
        if child == 0:
            import_and_die(step, bars, instrument_id, catalog)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            print(step)  # noqa: T201
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
