"""The file of the bets under way: a round trip, and what is made of one that cannot be read."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from helios_nautilus.domain.kept_bets import Role
from helios_nautilus.journal.bet_file import NEWEST, BetFile
from helios_nautilus.journal.bet_store import Pending
from tests.integration.journal.samples import KEPT_BET, fill


class Trouble(list[str]):
    """What was told."""

    def file(self, path: Path, run_id: str = "run") -> BetFile:
        return BetFile(path, run_id, self.append)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    Trouble().file(tmp_path / "bets.json").save([KEPT_BET])

    assert Trouble().file(tmp_path / "bets.json").load() == (KEPT_BET,)


def test_the_orders_of_a_bet_keep_the_order_in_which_they_were_sent(tmp_path: Path) -> None:
    sent: dict[str, Role] = {"O-9": "ENTRY", "O-11": "EXIT", "O-10": "EXIT"}
    Trouble().file(tmp_path / "bets.json").save([replace(KEPT_BET, roles=sent)])

    (bet,) = Trouble().file(tmp_path / "bets.json").load()
    assert list(bet.roles) == list(sent)


def test_a_missing_file_holds_no_bets(tmp_path: Path) -> None:
    trouble = Trouble()

    assert trouble.file(tmp_path / "bets.json").load() == ()
    assert trouble == []


@pytest.mark.parametrize(
    "content", [b"", b"[{", b"\xff", b"{}", b"null", b'{"bets": [{"decision_id": "a"}], "pending": []}', b"[1]"]
)
def test_a_file_that_cannot_be_read_is_told_and_kept_aside(tmp_path: Path, content: bytes) -> None:
    path, trouble = tmp_path / "bets.json", Trouble()
    (tmp_path / "bets.json.unreadable-1").write_bytes(b"an older one")
    path.write_bytes(content)

    assert trouble.file(path).load() == ()

    assert "bets.json cannot be read" in trouble[0]
    assert "bets.json.unreadable-2" in trouble[0]
    assert (tmp_path / "bets.json.unreadable-2").read_bytes() == content
    assert not path.exists()


def test_a_bet_may_be_open_if_one_was_left_or_nobody_can_read_what_was(tmp_path: Path) -> None:
    path, trouble = tmp_path / "bets.json", Trouble()
    assert not trouble.file(path).may_be_open()
    trouble.file(path).save([replace(KEPT_BET, is_closed=True)])
    assert not trouble.file(path).may_be_open()
    trouble.file(path).save([KEPT_BET])
    assert trouble.file(path).may_be_open()
    path.write_bytes(b"[{")
    assert trouble.file(path).may_be_open()
    assert len(trouble) == 1


def test_a_path_that_is_no_file_ends_nothing_either(tmp_path: Path) -> None:
    (tmp_path / "bets.json").mkdir()
    trouble = Trouble()

    assert trouble.file(tmp_path / "bets.json").load() == ()
    assert len(trouble) == 1


def test_a_save_that_fails_leaves_the_old_bets(tmp_path: Path) -> None:
    file = Trouble().file(tmp_path / "bets.json")
    file.save([KEPT_BET])
    (tmp_path / "bets.json.new").mkdir()

    with pytest.raises(OSError, match=r"bets\.json\.new"):
        file.save([])
    assert file.load() == (KEPT_BET,)


# What a kill may keep from the journal


def pending(run_id: str, *seconds: int) -> tuple[Pending, ...]:
    return tuple(Pending(run_id=run_id, record=fill("D-1", second)) for second in seconds)


def save(file: BetFile, *seconds: int) -> None:
    for second in seconds:
        file.save([KEPT_BET], fill("D-1", second))


def test_a_record_outlives_its_bet_and_its_run(tmp_path: Path) -> None:
    path, trouble = tmp_path / "bets.json", Trouble()
    first = trouble.file(path, "first")
    save(first, 1, 2)
    first.save([])

    assert trouble.file(path, "next").left() == pending("first", 1, 2)
    assert trouble.file(path, "next").load() == ()


def test_what_earlier_runs_left_stays_beside_a_run_s_own_until_it_is_settled(tmp_path: Path) -> None:
    path, trouble = tmp_path / "bets.json", Trouble()
    save(trouble.file(path, "first"), 1)
    save(trouble.file(path, "second"), 2)
    third = trouble.file(path, "third")

    save(third, 3)
    assert trouble.file(path, "fourth").left() == (*pending("first", 1), *pending("second", 2), *pending("third", 3))
    third.settle()
    save(third, 4)
    assert trouble.file(path, "fourth").left() == pending("third", 3, 4)


def test_a_run_keeps_its_newest_records_and_pushes_no_other_run_s_out(tmp_path: Path) -> None:
    path, trouble = tmp_path / "bets.json", Trouble()
    save(trouble.file(path, "first"), 0)
    save(trouble.file(path, "second"), *range(NEWEST + 2))

    assert trouble.file(path, "third").left() == (*pending("first", 0), *pending("second", *range(2, NEWEST + 2)))


def test_a_record_is_kept_even_if_its_save_failed_before_the_next(tmp_path: Path) -> None:
    path, trouble = tmp_path / "bets.json", Trouble()
    file = trouble.file(path, "first")
    (tmp_path / "bets.json.new").mkdir()
    with pytest.raises(OSError, match=r"bets\.json\.new"):
        save(file, 1)
    (tmp_path / "bets.json.new").rmdir()
    save(file, 2)

    assert trouble.file(path, "next").left() == pending("first", 1, 2)
