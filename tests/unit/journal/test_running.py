"""Which node is meant where nobody names one."""

import fcntl
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.command_files import CommandFiles
from helios_nautilus.journal.post import Post
from helios_nautilus.journal.running import FRESH_NS, NODE_MODES, NodeMode, find_running, lock_path
from tests.integration.journal.samples import status

NOW_NS = 10 * FRESH_NS


def says(home: Path, mode: NodeMode, age_ns: int) -> None:
    CommandFiles(home / "commands" / mode).put_status(replace(status(NOW_NS - age_ns), mode=mode))


def found(home: Path) -> NodeMode:
    return find_running(Post(home / "commands", None), home, NOW_NS)


def test_the_mode_whose_node_says_how_it_is(tmp_path: Path) -> None:
    says(tmp_path, "paper", FRESH_NS + 1)
    says(tmp_path, "live", FRESH_NS)
    assert found(tmp_path) == "live"


def test_a_node_that_only_begins_is_known_by_its_lock(tmp_path: Path) -> None:
    for mode in NODE_MODES:
        lock_path(tmp_path, mode).parent.mkdir(exist_ok=True)
        lock_path(tmp_path, mode).touch()
    with lock_path(tmp_path, "paper").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert found(tmp_path) == "paper"
    with pytest.raises(JournalError, match="no node is running"):
        found(tmp_path)


def test_where_nobody_can_be_asked_the_mode_is_to_be_named_too(tmp_path: Path) -> None:
    def away() -> Any:
        raise JournalError("the database is away")

    with pytest.raises(JournalError, match=r"the database is away.*--mode"):
        find_running(Post(tmp_path / "commands", away), tmp_path, NOW_NS)


def test_whoever_may_not_look_into_the_node_s_folder_is_not_stopped_by_that(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"")  # for root every folder is open: one that is none stands for it
    with pytest.raises(JournalError, match="no node is running"):
        found(tmp_path)


def test_where_two_run_one_is_to_be_named(tmp_path: Path) -> None:
    for mode in NODE_MODES:
        says(tmp_path, mode, 0)
    with pytest.raises(JournalError, match="--mode"):
        found(tmp_path)


def test_where_none_runs_the_mode_is_to_be_named(tmp_path: Path) -> None:
    says(tmp_path, "paper", FRESH_NS + 1)
    with pytest.raises(JournalError, match="no node is running"):
        found(tmp_path)
