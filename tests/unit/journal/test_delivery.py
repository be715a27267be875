"""Where rows go: to the database, to the spool while it is away, and from there to the database, once and in order."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from helios_nautilus.journal.chain import Chain, verify_chain
from helios_nautilus.journal.delivery import Delivery
from tests.unit.journal.ledger import Ledger, MemoryDatabase, make_rows, open_small

ROWS = make_rows(20)


class Desk:
    """A delivery with its parts, and what it told."""

    def __init__(self, root: Path, limit_bytes: int = 2**20) -> None:
        self.ledger = Ledger()
        self.database = MemoryDatabase(self.ledger)
        self.told: list[str] = []
        self.spool = open_small(root, limit_bytes=limit_bytes)
        self.delivery = Delivery(self.database, self.spool, self.told.append, chunk_rows=4)

    @property
    def stored(self) -> list[int]:
        return [row.seq for row in self.ledger.of("RUN-1")]

    @property
    def spooled(self) -> int:
        return len(list(self.spool.folder.glob("*.rows")))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.spool.close()


def test_rows_wait_in_the_spool_until_the_database_was_first_reached(desk: Desk) -> None:
    async def play() -> None:
        assert await desk.delivery.keep(ROWS[:6])
        assert (desk.stored, desk.delivery.kept) == ([], 6)
        assert await desk.delivery.catch_up()
        assert desk.stored == list(range(6))
        assert await desk.delivery.keep(ROWS[6:8])

    asyncio.run(play())
    assert desk.stored == list(range(8))
    assert (desk.spooled, desk.told) == (0, [])


def test_away_and_back_is_told_once_each(desk: Desk) -> None:
    async def play() -> None:
        await desk.delivery.catch_up()
        desk.database.is_up = False
        for row in ROWS[:6]:
            assert await desk.delivery.keep([row])
        assert not await desk.delivery.catch_up()
        desk.database.is_up = True
        assert await desk.delivery.catch_up()

    asyncio.run(play())
    assert desk.stored == list(range(6))
    assert len(desk.told) == 2
    assert desk.told[0].startswith("the database is away; the journal's rows go to the spool")
    assert desk.told[1] == "the journal's database is back; 6 rows came from the spool"


def test_a_batch_that_arrived_although_the_line_was_cut_is_there_once(desk: Desk) -> None:
    async def play() -> None:
        await desk.delivery.catch_up()
        desk.database.is_up, desk.database.commits_unheard = False, True
        assert await desk.delivery.keep(ROWS[:6])
        assert desk.stored == list(range(6))
        desk.database.is_up = True
        assert await desk.delivery.catch_up()

    asyncio.run(play())
    assert desk.ledger.of("RUN-1") == ROWS[:6]


def test_rows_kept_while_the_spool_is_emptied_come_after_it(desk: Desk) -> None:
    async def play() -> None:
        for row in ROWS[:10]:
            await desk.delivery.keep([row])
        catching_up = asyncio.create_task(desk.delivery.catch_up())
        for row in ROWS[10:]:
            await asyncio.sleep(0)
            await desk.delivery.keep([row])
        assert await catching_up

    asyncio.run(play())
    assert desk.stored == list(range(20))
    assert verify_chain(desk.ledger.of("RUN-1")) == 20


def test_a_database_that_cannot_keep_up_is_spared_by_the_spool(desk: Desk) -> None:
    async def play() -> None:
        await desk.delivery.catch_up()
        assert await desk.delivery.keep(ROWS[:6], is_crowded=True)
        assert (desk.stored, desk.spooled, desk.delivery.is_direct) == ([], 1, False)
        await desk.delivery.catch_up()

    asyncio.run(play())
    assert desk.stored == list(range(6))
    assert "too slow" in desk.told[0]


def test_without_database_and_room_rows_are_given_back_and_it_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limit_bytes=400)
    desk.database.is_up = False

    async def play() -> None:
        assert not await desk.delivery.keep(ROWS)
        assert not await desk.delivery.keep(ROWS)
        assert (desk.delivery.is_stuck, desk.delivery.kept) == (True, 0)
        desk.database.is_up = True
        await desk.delivery.catch_up()
        assert await desk.delivery.keep(ROWS)

    asyncio.run(play())
    assert (desk.delivery.is_stuck, desk.stored) == (False, list(range(20)))
    assert desk.told[0].startswith("the journal has no place for rows any more: the spool")
    assert desk.told[-1] == "the journal keeps rows again"
    desk.spool.close()


def test_what_a_dead_process_left_is_brought_first(desk: Desk, tmp_path: Path) -> None:
    left = open_small(tmp_path, "RUN-0")
    left.append(make_rows(9, "RUN-0"))
    left.close()

    async def play() -> None:
        await desk.delivery.keep(ROWS[:3])
        await desk.delivery.catch_up()

    asyncio.run(play())
    assert [row.run_id for row in desk.ledger.rows.values()] == ["RUN-0"] * 9 + ["RUN-1"] * 3
    assert not left.folder.exists()


def test_a_torn_end_is_told_and_what_was_whole_arrives(desk: Desk, tmp_path: Path) -> None:
    left = open_small(tmp_path, "RUN-0")
    left.append(make_rows(9, "RUN-0"))
    left.close()
    (path,) = left.folder.iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    asyncio.run(desk.delivery.catch_up())
    assert [row.seq for row in desk.ledger.of("RUN-0")] == list(range(8))
    assert "ended in a write that was cut off" in desk.told[0]


def test_a_damaged_middle_is_told_and_the_file_is_kept(desk: Desk, tmp_path: Path) -> None:
    left = open_small(tmp_path, "RUN-0")
    left.append(make_rows(9, "RUN-0"))
    left.close()
    (path,) = left.folder.iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    asyncio.run(desk.delivery.catch_up())
    assert len(desk.ledger.of("RUN-0")) == 8
    assert "has lost rows that cannot be read" in desk.told[0]
    (kept,) = (tmp_path / "damaged").iterdir()
    assert str(kept) in desk.told[0]
    assert kept.read_bytes() == data


def test_a_spool_that_cannot_be_read_is_told_and_left_and_nothing_is_lost_meanwhile(desk: Desk, tmp_path: Path) -> None:
    left = open_small(tmp_path, "RUN-0")
    left.append(make_rows(9, "RUN-0"))
    left.close()
    (path,) = left.folder.iterdir()
    path.rename(left.folder / "00000002.rows")
    path.mkdir()

    async def play() -> None:
        assert not await desk.delivery.catch_up()
        assert await desk.delivery.keep(ROWS[:3])
        assert not await desk.delivery.catch_up()
        path.rmdir()
        assert await desk.delivery.catch_up()

    asyncio.run(play())
    assert "cannot be emptied: Is a directory" in desk.told[0]
    assert len(desk.told) == 2
    assert (len(desk.ledger.of("RUN-0")), desk.stored) == (9, [0, 1, 2])


def test_a_refused_row_keeps_no_other_out_and_lies_in_a_file(desk: Desk, tmp_path: Path) -> None:
    desk.database.is_refused = lambda row: row.seq == 3

    async def play() -> None:
        await desk.delivery.catch_up()
        assert await desk.delivery.keep(ROWS[:6])

    asyncio.run(play())
    assert desk.stored == [0, 1, 2, 4, 5]
    assert "refused row 3 of run RUN-1: not wanted; 1 in all" in desk.told[0]
    assert (tmp_path / "refused.jsonl").read_bytes().count(b"\n") == 1


def test_runs_that_never_met_are_chains_of_their_own(desk: Desk, tmp_path: Path) -> None:
    for run in ("RUN-5", "RUN-6"):
        left = open_small(tmp_path, run)
        left.append(make_rows(4, chain=Chain(run, "live")))
        left.close()
    asyncio.run(desk.delivery.catch_up())
    assert [verify_chain(desk.ledger.of(run)) for run in ("RUN-5", "RUN-6")] == [4, 4]
