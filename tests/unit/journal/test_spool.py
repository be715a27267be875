"""A writer's folder on the disk: what is kept, the bound, a failing disk, and who may take up whose."""

import errno
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from helios_nautilus.errors import JournalError
from helios_nautilus.journal import spool as spool_module
from helios_nautilus.journal.chain import Row
from helios_nautilus.journal.segment import frame_rows, read_segment
from helios_nautilus.journal.spool import Refusal, Spool, SpoolFullError, adopt_spools, holds_rows_of
from tests.unit.journal.ledger import make_rows, open_small

ROWS = make_rows(40)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = open_small(tmp_path)
    yield spool
    spool.close()


def drain(spool: Spool) -> list[Row]:
    rows: list[Row] = []
    while (path := spool.oldest()) is not None:
        rows += read_segment(path).rows
        spool.remove(path)
    return rows


def test_rows_come_back_in_order_over_several_segments(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 900)
    for row in ROWS:
        spool.append([row])
    assert len(list(spool.folder.iterdir())) > 5
    assert drain(spool) == ROWS


def test_a_segment_being_read_is_not_written_to_any_more(spool: Spool) -> None:
    spool.append(ROWS[:2])
    path = spool.oldest()
    assert path is not None
    spool.append(ROWS[2:4])
    assert read_segment(path).rows == tuple(ROWS[:2])
    assert drain(spool) == ROWS[:4]


def test_rows_beyond_the_bound_are_refused_whole_until_there_is_room(tmp_path: Path) -> None:
    spool = open_small(tmp_path, limit_bytes=len(frame_rows(ROWS[:10])) + 50)
    spool.append(ROWS[:6])
    with pytest.raises(SpoolFullError, match=r"holds all it may, 0\.00\d+ MB"):
        spool.append(ROWS[6:20])
    spool.append(ROWS[6:10])
    assert drain(spool) == ROWS[:10]
    spool.append(ROWS[6:16])
    spool.close()


def test_what_others_left_counts_against_the_bound(tmp_path: Path) -> None:
    left = open_small(tmp_path)
    left.append(ROWS)
    left.close()
    spool = open_small(tmp_path, "RUN-2", limit_bytes=len(frame_rows(ROWS)) + 50)
    with pytest.raises(SpoolFullError):
        spool.append(ROWS[:5])
    (found,) = adopt_spools(tmp_path)
    assert drain(found) == ROWS
    found.close()
    spool.append(ROWS[:5])
    spool.close()


FULL_DISK = """
import resource, sys
from pathlib import Path
from helios_nautilus.journal.spool import SpoolFullError
from tests.unit.journal.ledger import make_rows, open_small

rows, spool = make_rows(40), open_small(Path(sys.argv[1]))
spool.append(rows[:5])
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
try:
    spool.append(rows[5:40])
except SpoolFullError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
spool.append(rows[5:9])
"""


def test_a_write_that_the_disk_cut_short_leaves_what_was_kept_and_nothing_else(tmp_path: Path) -> None:
    limit = len(frame_rows(ROWS[:12])) + 30
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert "cannot be written: File too large" in done.stdout
    (left,) = adopt_spools(tmp_path)
    path = left.oldest()
    assert path is not None
    assert read_segment(path).torn_bytes == 0
    assert drain(left) == ROWS[:9]
    left.close()


def test_a_living_writers_folder_is_left_alone(spool: Spool, tmp_path: Path) -> None:
    spool.append(ROWS[:3])
    assert list(adopt_spools(tmp_path)) == []


def test_a_folder_is_one_processes_at_a_time(tmp_path: Path) -> None:
    for run in ("RUN-1", "RUN-2"):
        left = open_small(tmp_path, run)
        left.append(ROWS[:3])
        left.close()
    mine = list(adopt_spools(tmp_path))
    assert len(mine) == 2
    assert list(adopt_spools(tmp_path)) == []
    for each in mine:
        each.close()
    assert len(list(adopt_spools(tmp_path))) == 2


def test_a_folder_that_cannot_be_locked_is_left_and_ends_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    left = open_small(tmp_path)
    left.append(ROWS[:3])
    left.close()
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", fail)
        assert list(adopt_spools(tmp_path)) == []
    (adopted,) = adopt_spools(tmp_path)
    assert drain(adopted) == ROWS[:3]
    adopted.close()


def test_a_closed_spool_without_rows_leaves_nothing(tmp_path: Path) -> None:
    spool = open_small(tmp_path)
    spool.append(ROWS[:3])
    drain(spool)
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_run_s_rows_are_there_until_the_last_was_brought_over_whatever_else_lies_there(tmp_path: Path) -> None:
    spool = open_small(tmp_path, "RUN-1")
    spool.append(ROWS[:3])
    (spool.folder / "notes.txt").touch()
    assert holds_rows_of(tmp_path, "RUN-1")
    assert not holds_rows_of(tmp_path, "RUN-2")

    drain(spool)
    spool.close()

    assert spool.folder.exists()
    assert not holds_rows_of(tmp_path, "RUN-1")


@pytest.mark.parametrize("run_id", ["../../etc", "a/b", ".hidden", "x" * 400, "damaged"])
def test_any_run_id_makes_a_folder_inside_the_spool(tmp_path: Path, run_id: str) -> None:
    spool = open_small(tmp_path / "spool", run_id)
    spool.append(ROWS[:3])
    spool.close()
    (folder,) = tmp_path.glob("spool/*")
    (left,) = adopt_spools(tmp_path / "spool")
    assert (left.folder, drain(left)) == (folder, ROWS[:3])
    left.close()


def test_a_refused_row_is_kept_with_the_reason(spool: Spool, tmp_path: Path) -> None:
    path = spool.refuse([Refusal("not wanted", ROWS[0]), Refusal("nor this", ROWS[1])])
    lines = [msgspec.json.decode(line, type=Refusal) for line in path.read_bytes().splitlines()]
    assert lines == [Refusal("not wanted", ROWS[0]), Refusal("nor this", ROWS[1])]


def test_a_damaged_segment_is_set_apart_and_not_read_again(tmp_path: Path) -> None:
    spool = open_small(tmp_path)
    spool.append(ROWS[:3])
    path = spool.oldest()
    assert path is not None
    place = spool.set_apart(path)
    spool.close()
    assert read_segment(place).rows == tuple(ROWS[:3])
    assert list(adopt_spools(tmp_path)) == []


def test_a_spool_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"spool .*file cannot be used: File exists"):
        open_small(tmp_path / "file")
