"""The operator's switches survive in a file, and an unreadable one closes entries."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from helios_nautilus.journal.controls_file import Controls, ControlsFile

SHUT = Controls(entries_on=False, off=frozenset({"gate", "aether"}), words="entries_off by ann: news – now")


def test_what_was_saved_is_loaded_and_equal_switches_are_equal_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    ControlsFile(first).save(SHUT)
    ControlsFile(second).save(replace(SHUT, off=frozenset({"aether", "gate"})))
    assert ControlsFile(first).load() == SHUT
    assert first.read_bytes() == second.read_bytes()


def test_without_a_file_all_is_on(tmp_path: Path) -> None:
    assert ControlsFile(tmp_path / "none.json").load() == Controls()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"off": ["guardian"]}', b'{"more": 1}'])
def test_a_damaged_file_leaves_entries_off_and_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "controls.json"
    path.write_bytes(content)
    controls = ControlsFile(path).load()
    assert not controls.entries_on
    assert "controls.json cannot be read" in controls.words
