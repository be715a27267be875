"""A spool gives back every whole answer, however the process that wrote it ended."""

from pathlib import Path

import pytest

from helios_nautilus.history.spool import Answer, Origin, Spool, join_answers

ORIGIN = Origin(address="https://venue", price_precision=0, size_precision=8)
ANSWERS = [
    Answer(first_ns=60, last_ns=180, ts_ns=[60, 180], units=[(1, 3, 1, 2, 5), (2, 2, 2, 2, 7)]),
    Answer(first_ns=240, last_ns=300),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "backfill" / "series.jsonl"


@pytest.fixture
def spool(path: Path) -> Spool:
    spool = Spool(path, ORIGIN)
    for answer in ANSWERS:
        spool.append(answer)
    return spool


def test_answers_come_back_as_they_went_in(spool: Spool, path: Path) -> None:
    assert Spool(path, ORIGIN).read() == ANSWERS
    assert spool.read() == ANSWERS


def test_without_a_file_there_is_none(path: Path) -> None:
    assert Spool(path, ORIGIN).read() == []


def test_what_was_cleared_is_gone(spool: Spool, path: Path) -> None:
    spool.clear()
    spool.clear()
    assert spool.read() == []
    assert not path.exists()


@pytest.mark.usefixtures("spool")
def test_cut_anywhere_the_whole_answers_are_left(path: Path) -> None:
    text = path.read_bytes()
    ends = [at for at, byte in enumerate(text) if byte == ord("\n")]
    for length in range(len(text)):
        path.write_bytes(text[:length])
        whole = sum(end <= length for end in ends)
        assert Spool(path, ORIGIN).read() == ANSWERS[: max(whole - 1, 0)]


@pytest.mark.usefixtures("spool")
@pytest.mark.parametrize(
    "other",
    [
        Origin(address="http://127.0.0.1:1", price_precision=0, size_precision=8),
        Origin(address="https://venue", price_precision=2, size_precision=8),
    ],
    ids=["another venue", "another tick"],
)
def test_answers_of_another_origin_are_of_no_use(path: Path, other: Origin) -> None:
    assert Spool(path, other).read() == []


def test_bars_of_answers_are_joined_in_order_and_once() -> None:
    earlier = Answer(first_ns=0, last_ns=60, ts_ns=[0, 60], units=[(9, 9, 9, 9, 9), (1, 3, 1, 2, 5)])
    bars = join_answers([*ANSWERS, earlier])
    assert bars.ts_ns.tolist() == [0, 60, 180]
    assert bars.units.tolist() == [[9, 9, 9, 9, 9], [1, 3, 1, 2, 5], [2, 2, 2, 2, 7]]
    assert len(join_answers([ANSWERS[1]])) == 0
