import contextlib
import fcntl
import os
import shutil
from pathlib import Path

import pytest

from tests.acceptance.cli import EAGER, MARKET, SMALL, succeed, write_config


@pytest.fixture(scope="session")
def small_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small market, its model and two configurations; not to be written to.

    Where xdist runs several workers, the first that needs it makes it for all.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "small-market"
    with (shared / "small-market.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _make(tmp_path_factory.mktemp("small")).rename(folder)
    return folder


def _make(folder: Path) -> Path:
    with contextlib.chdir(folder):
        write_config(folder / "small.toml", SMALL)
        write_config(folder / "eager.toml", EAGER)
        succeed(*MARKET)
        succeed("train", "small.toml")
    return folder


@pytest.fixture
def desk(small_market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small market's folder to work in."""
    shutil.copytree(small_market, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path
