"""Where the figures come from: the machine, the versions, the commit."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from msgspec import Struct

_PACKAGES: Final = ("nautilus_trader", "numpy", "numba", "torch", "scipy", "arch", "pyarrow")


class Machine(Struct, frozen=True, kw_only=True):
    """What a figure depends on besides the code."""

    cpu: str
    cores: int
    load: tuple[float, float, float]
    """Average load over 1, 5 and 15 minutes before the run: above 0 something else was measured as well."""
    python: str
    packages: dict[str, str]
    commit: str
    """With a plus where the working tree differs from it."""


def describe_machine() -> Machine:
    """This machine, now."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        load=os.getloadavg(),
        python=platform.python_version(),
        packages={name: version(name) for name in _PACKAGES},
        commit=_commit(),
    )


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


def _commit() -> str:
    commit = _git("rev-parse", "--short=12", "HEAD")
    return f"{commit}+" if commit and _git("status", "--porcelain", "--untracked-files=no") else commit or "unknown"


def _git(*arguments: str) -> str:
    try:
        asked = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
