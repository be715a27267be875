"""Commands of ours as processes that are there at once: forked from one that has imported everything.

A fifth of a minute of imports is half of what a start takes, and no part of what a kill can find.
"""

import asyncio
import atexit
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

from helios_nautilus.cli.main import main
from tests.soak.process import Process

_IMPORTED: Final = [f"helios_nautilus.cli.{name}" for name in ("data", "model", "operate", "trade")]
_LOOK_SECS: Final = 0.02


class Forked:
    """A child as `Process` wants it."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Of the child; 0 before it was started."""
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """`ProcessLookupError` if it is gone."""
        if self.returncode is not None:  # its number may be another process's by now
            raise ProcessLookupError
        os.kill(self.pid, number)

    def kill(self) -> None:
        """`ProcessLookupError` if it is gone."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until it ends; its exit code."""
        while (code := self.returncode) is None:
            await asyncio.sleep(_LOOK_SECS)
        return code


def start(folder: Path, output: Path, *arguments: str, **environ: str) -> Process:
    """Run ``helios`` with these arguments in a folder; see `Process`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    output.touch()
    process = context.Process(target=_helios, args=(folder, output, arguments, {**os.environ, **environ}), daemon=True)
    process.start()
    return Process(Forked(process), output)


async def succeed(folder: Path, *arguments: str) -> None:
    """Run a command that must succeed."""
    process = start(folder, folder / f"{arguments[0]}.out", *arguments)
    code = await process.end()
    assert code == 0, "\n".join(process.lines[-20:])


def _helios(folder: Path, output: Path, arguments: tuple[str, ...], environ: Mapping[str, str]) -> None:
    """The console command, as if it had been typed: with its own folder, output and environment."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    with output.open("wb") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.argv = ["helios", *arguments]
    try:
        main()
    finally:
        atexit._run_exitfuncs()  # which a child of `multiprocessing` leaves out: the journal's server is let go there
