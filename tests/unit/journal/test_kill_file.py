"""The kill switch's file: a round trip, and what is made of a missing or damaged one."""

from pathlib import Path

import pytest

from helios_nautilus.domain.portfolio.kill_switch import KillState, KillStatus, KillSwitch, KillSwitchRules, Trigger
from helios_nautilus.journal.kill_file import KillFile

HALTED = KillStatus(state=KillState.HALT, trigger=Trigger.OPERATOR, words="HALT by ann: news – now", ts_ns=17)


def test_what_was_saved_is_loaded(tmp_path: Path):
    KillFile(tmp_path / "kill.json").save(HALTED)

    assert KillFile(tmp_path / "kill.json").load() == HALTED


def test_a_missing_file_is_normal(tmp_path: Path):
    assert KillFile(tmp_path / "kill.json").load() == KillStatus()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"state": "FINE"}', b'{"state": "NORMAL", "more": 1}', b"null"],
)
def test_a_damaged_file_halts_and_says_so(tmp_path: Path, content: bytes):
    path = tmp_path / "kill.json"
    path.write_bytes(content)
    status = KillFile(path).load()

    assert (status.state, status.trigger) == (KillState.HALT, Trigger.STORE)
    assert "kill.json cannot be read" in status.words


def test_a_path_that_is_no_file_halts(tmp_path: Path):
    assert KillFile(tmp_path).load().state is KillState.HALT


def test_a_save_replaces_the_old_state_and_leaves_nothing_else(tmp_path: Path):
    file = KillFile(tmp_path / "kill.json")
    file.save(HALTED)
    file.save(KillStatus(words="cleared"))

    assert file.load() == KillStatus(words="cleared")
    assert [path.name for path in tmp_path.iterdir()] == ["kill.json"]


def test_a_save_that_fails_leaves_the_old_state(tmp_path: Path):
    file = KillFile(tmp_path / "kill.json")
    file.save(HALTED)
    (tmp_path / "kill.json.new").mkdir()

    with pytest.raises(OSError, match=r"kill\.json\.new"):
        file.save(KillStatus())
    assert file.load() == HALTED


def test_a_write_cut_off_half_way_does_not_hide_the_state(tmp_path: Path):
    file = KillFile(tmp_path / "kill.json")
    file.save(HALTED)
    (tmp_path / "kill.json.new").write_bytes(b'{"state": "NOR')

    assert file.load() == HALTED


def test_a_damaged_file_keeps_the_switch_halted_until_it_is_cleared(tmp_path: Path):
    path = tmp_path / "kill.json"
    path.write_bytes(b"?")
    switch = KillSwitch(KillSwitchRules(), KillFile(path))

    assert switch.state is KillState.HALT
    switch.clear(who="ann", why="checked by hand", ts_ns=1)
    assert KillFile(path).load().state is KillState.NORMAL
