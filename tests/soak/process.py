"""A command of ours in a process of its own, beside the loop that the exchange runs on."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

PATIENCE_SECS = 180.0
_STOP_SECS = 60.0
_LOOK_SECS = 0.1


class Child(Protocol):
    """What `asyncio` knows of a process."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def send_signal(self, signal: int) -> None: ...
    def kill(self) -> None: ...
    async def wait(self) -> int: ...


class Process:
    """Its output goes to a file, where `until` looks for lines."""

    def __init__(self, process: Child, output: Path) -> None:
        self._process = process
        self._output = output

    @classmethod
    async def start(cls, folder: Path, output: Path, *arguments: str, **environ: str) -> Self:
        """Run ``helios`` with these arguments in a folder."""
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from helios_nautilus.cli.main import main; main()",
                *arguments,
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", **environ},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
            )
        return cls(process, output)

    @property
    def lines(self) -> list[str]:
        """What it has printed."""
        return self._output.read_text(errors="replace").splitlines()

    @property
    def has_ended(self) -> bool:
        """It is gone."""
        return self._process.returncode is not None

    async def until(self, words: str) -> str:
        """Wait for a line that begins with these words; without one `AssertionError`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECS):
                while not self.has_ended:
                    if found := next((line for line in self.lines if line.startswith(words)), ""):
                        return found
                    await asyncio.sleep(_LOOK_SECS)
        raise AssertionError(f"it never printed '{words}':\n" + "\n".join(self.lines[-20:]))

    def interrupt(self) -> None:
        """Ask it to stop."""
        if not self.has_ended:
            self._process.send_signal(signal.SIGTERM)

    async def stop(self) -> int:
        """Ask it to stop, and wait until it has; its exit code."""
        self.interrupt()
        return await self.end(_STOP_SECS)

    async def end(self, patience_secs: float = PATIENCE_SECS) -> int:
        """Wait until it ends by itself; `TimeoutError` if it does not, and then it is gone all the same."""
        try:
            async with asyncio.timeout(patience_secs):
                return await self._process.wait()
        finally:
            self.kill()

    def kill(self) -> None:
        """Whatever it does, it is gone."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def memory_mb(self) -> float:
        """What it holds of the machine's memory; 0 once it is gone."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return 0.0
        resident = next((line for line in status.splitlines() if line.startswith("VmRSS")), "VmRSS: 0")
        return int(resident.split()[1]) / 1024


async def succeed(folder: Path, *arguments: str) -> None:
    """Run a command that must succeed."""
    process = await Process.start(folder, folder / f"{arguments[0]}.out", *arguments)
    code = await process.end()
    assert code == 0, "\n".join(process.lines[-20:])
