"""The machine: Python, packages, processor, GPU, disk. Nothing here needs a package that may itself be missing."""

import os
import platform
import shutil
import tomllib
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from helios_nautilus.errors import HeliosError
from helios_nautilus.node.doctor.examination import Finding, fail, ok, warn

_PROJECT: Final = "helios-nautilus"
_EXTRAS: Final = ("journal", "llm", "evaluate")
"""Those of a user; the others are for working on Helios."""
_UPGRADE: Final = f"pip install --upgrade {_PROJECT}"
_GIB: Final = 2**30
_TIGHT_GIB: Final = 5.0
_FULL_GIB: Final = 0.5
"""With less the journal's spool, bounded at 512 MB, would find no room."""
_NVIDIA: Final = Path("/dev/nvidiactl")

type Installed = Callable[[str], str]
"""Version of a package; `metadata.PackageNotFoundError` where it is missing."""


def check_python() -> Finding:
    """The interpreter's version against the one declared."""
    version, wanted = platform.python_version(), _declared()[0]
    words = f"{version} on {platform.system()} {platform.machine()}"
    if version in SpecifierSet(wanted):
        return ok(words)
    return fail(f"{words}, but Helios wants {wanted}", f"make a virtual environment with Python {wanted}")


def check_packages(installed: Installed = metadata.version) -> Finding:
    """What Helios cannot do without, at the versions declared."""
    needed = _needed("")
    if troubles := _troubles(needed, installed):
        return fail("; ".join(troubles), _UPGRADE)
    return ok(f"{len(needed)} required ones, at versions that fit")


def check_extras(installed: Installed = metadata.version) -> Finding:
    """The packages of the extras: something does not work without them, but the rest does."""
    troubles = {extra: _troubles(_needed(extra), installed) for extra in _EXTRAS}
    if lacking := [extra for extra, found in troubles.items() if found]:
        words = "; ".join(f"{extra}: {', '.join(troubles[extra])}" for extra in lacking)
        return warn(words, f"pip install --upgrade '{_PROJECT}[{','.join(lacking)}]'")
    return ok(f"{', '.join(_EXTRAS)}: all there")


def check_processor() -> Finding:
    """The cores that this process may use."""
    total = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    return ok(f"{usable} of {total} cores may be used")


def check_gpu(*, is_wanted: bool, nvidia: Path = _NVIDIA) -> Finding:
    """Whether torch sees CUDA; ``is_wanted`` where the configuration will have nothing else."""
    from helios_nautilus.models.network import choose_device

    if choose_device("auto") == "cuda":
        return ok("torch sees CUDA")
    if is_wanted:
        return fail("model.device is cuda, but torch sees none", "write device auto or cpu, or install torch with CUDA")
    if nvidia.exists():
        return warn("the machine has a GPU, but torch does not see it", "install a torch that was built with CUDA")
    return ok("none; networks run on the processor")


def check_disk(folders: Sequence[Path]) -> Finding:
    """Room below each folder, which need not exist yet, and leave to write there."""
    places = list(dict.fromkeys(_existing(folder) for folder in folders))
    closed = [str(place) for place in places if not os.access(place, os.W_OK | os.X_OK)]
    if closed:
        return fail(f"{', '.join(closed)}: may not be written to", "give this user the right to, or set HELIOS_HOME")
    free, place = min((shutil.disk_usage(place).free / _GIB, place) for place in places)
    words = f"{free:,.1f} GB free at {place}"
    if free >= _TIGHT_GIB:
        return ok(words)
    cure = "make room: 'helios journal prune' takes out old runs"
    return fail(words, cure) if free < _FULL_GIB else warn(words, cure)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    return next(each for each in (folder, *folder.parents) if each.exists())


def _troubles(needed: Sequence[Requirement], installed: Installed) -> list[str]:
    found = []
    for each in needed:
        try:
            version = installed(each.name)
        except metadata.PackageNotFoundError:
            found.append(f"{each.name} is missing")
            continue
        if not each.specifier.contains(version, prereleases=True):
            found.append(f"{each.name} {version} is not {each.specifier}")
    return found


def _needed(extra: str) -> list[Requirement]:
    """The requirements of an extra; without one those of Helios itself."""
    declared = [Requirement(text) for text in _declared()[1]]

    def of(extra: str) -> list[Requirement]:
        return [each for each in declared if each.marker is None or each.marker.evaluate({"extra": extra})]

    return [each for each in of(extra) if not extra or each not in of("")]


def _declared() -> tuple[str, list[str]]:
    """The Python and the packages declared: by a checkout's own file, which may be newer than its installation."""
    file = Path(__file__).parents[3] / "pyproject.toml"
    project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {}) if file.exists() else {}
    if project.get("name") == _PROJECT:
        extras = project["optional-dependencies"].items()
        optional = [f'{each}; extra == "{extra}"' for extra, needs in extras for each in needs]
        return project["requires-python"], [*project["dependencies"], *optional]
    try:
        found = metadata.metadata(_PROJECT)
    except metadata.PackageNotFoundError as error:
        raise HeliosError(f"{_PROJECT} is not installed, so nothing says what it needs; pip install it") from error
    return found["Requires-Python"], metadata.requires(_PROJECT) or []
