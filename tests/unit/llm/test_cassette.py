from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.errors import GateError
from helios_nautilus.llm.cassette import Cassette, RecordedAnswer
from helios_nautilus.llm.reply import Usage
from helios_nautilus.llm.request import hash_request


def _answer(request: str, text: str = "{}") -> RecordedAnswer:
    return RecordedAnswer(
        hash=hash_request(request.encode()),
        provider="anthropic",
        model="claude-sonnet-5-5",
        ending="answered",
        text=text,
        usage=Usage(input_tokens=7),
        cost_usd=0.01,
        request=request,
    )


ONE, TWO, THREE = (_answer(name) for name in ("one", "two", "three"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "gate.jsonl"


def test_an_answer_is_found_by_its_question_and_others_are_missing(path: Path) -> None:
    Cassette(path).add(ONE)
    cassette = Cassette(path)
    assert cassette.find(ONE.hash) == ONE
    assert cassette.find(TWO.hash) is None
    assert len(cassette) == 1


def test_a_cassette_that_does_not_exist_yet_is_empty(path: Path) -> None:
    assert len(Cassette(path)) == 0
    assert not path.exists()


def test_the_first_answer_to_a_question_stands(path: Path) -> None:
    cassette = Cassette(path)
    cassette.add(ONE)
    cassette.add(_answer("one", text="another"))
    path.write_bytes(path.read_bytes() * 2)
    assert Cassette(path).find(ONE.hash) == ONE


@settings(max_examples=40)
@given(cut=st.integers(0, 400))
def test_wherever_a_write_was_cut_off_the_whole_lines_count_and_the_next_takes_its_place(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "gate.jsonl"
    cassette = Cassette(path)
    cassette.add(ONE)
    whole = len(path.read_bytes())
    cassette.add(TWO)
    path.write_bytes(path.read_bytes()[: max(whole, len(path.read_bytes()) - 1 - cut)])
    torn = Cassette(path)
    assert (torn.find(ONE.hash), torn.find(TWO.hash)) == (ONE, None)
    torn.add(THREE)
    torn.add(TWO)
    again = Cassette(path)
    assert [again.find(each.hash) for each in (ONE, TWO, THREE)] == [ONE, TWO, THREE]
    assert len(path.read_bytes().splitlines()) == 3


@pytest.mark.parametrize("line", [b"half a li", b'{"hash":"x"}', b"\xff", b""])
def test_damage_before_the_end_is_reported_with_its_line(path: Path, line: bytes) -> None:
    Cassette(path).add(ONE)
    path.write_bytes(line + b"\n" + path.read_bytes())
    with pytest.raises(GateError, match=r"gate\.jsonl: line 1 is no recorded answer"):
        Cassette(path)


def test_an_answer_under_another_questions_hash_is_reported(path: Path) -> None:
    Cassette(path).add(ONE)
    path.write_text(path.read_text().replace('"request":"one"', '"request":"two"'))
    with pytest.raises(GateError, match="line 1 answers another question"):
        Cassette(path)


def test_two_processes_do_not_write_over_each_other(path: Path) -> None:
    mine, theirs = Cassette(path), Cassette(path)
    theirs.add(ONE)
    with pytest.raises(GateError, match="another process adds to it"):
        mine.add(TWO)
    assert Cassette(path).find(ONE.hash) == ONE


def test_a_place_that_cannot_be_written_to_is_reported(path: Path) -> None:
    cassette = Cassette(path)
    path.parent.write_text("a file where the folder should be")
    with pytest.raises(GateError, match=r"gate\.jsonl: the answer cannot be kept"):
        cassette.add(ONE)
    assert len(cassette) == 0


def test_a_folder_in_its_place_is_reported(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="cannot be read"):
        Cassette(tmp_path)
