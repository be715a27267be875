"""A PostgreSQL server that can be stopped and started again, in one of its ways, under a writer that knows nothing."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psutil

from helios_nautilus.journal.embedded import start_server

type StopMode = Literal["fast", "immediate"]
"""Ending all sessions first, or dying on the spot and recovering at the next start."""


class Server:
    """The embedded server over a folder; its address stays the same."""

    def __init__(self, folder: Path, *, syncs: bool = False) -> None:
        self._folder = folder
        self.url = start_server(folder)
        if not syncs:  # only a crash of the whole machine would tell the difference
            with (folder / "postgresql.conf").open("a") as settings:
                settings.write("fsync = off\n")
            self._process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        assert start_server(self._folder) == self.url

    def stop(self, mode: StopMode) -> None:
        """Returns when it has ended."""
        process = self._process
        process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
        process.wait(timeout=30)

    @contextmanager
    def stopped_short(self) -> Iterator[None]:
        """All its processes stand still: it takes connections and bytes, and answers nobody."""
        everyone = [self._process, *self._process.children(recursive=True)]
        for each in everyone:
            os.kill(each.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in everyone:
                os.kill(each.pid, signal.SIGCONT)

    @property
    def _process(self) -> psutil.Process:
        return psutil.Process(int((self._folder / "postmaster.pid").read_text().splitlines()[0]))
