import os
import shutil
from pathlib import Path

import pytest

from tests.acceptance.cli import EAGER, MARKET, SMALL, succeed, write_config


@pytest.fixture(scope="session")
def small_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small market, its model and two configurations; not to be written to."""
    folder, before = tmp_path_factory.mktemp("small"), Path.cwd()
    os.chdir(folder)
    try:
        write_config(folder / "small.toml", SMALL)
        write_config(folder / "eager.toml", EAGER)
        succeed(*MARKET)
        succeed("train", "small.toml")
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def desk(small_market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small market's folder to work in."""
    shutil.copytree(small_market, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path
