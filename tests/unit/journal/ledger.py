"""Rows to write, and a database in memory that can be away, slow to say so, or picky."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from helios_nautilus.journal.chain import Chain, Row
from helios_nautilus.journal.delivery import AwayError
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.journal.spool import Refusal, Spool, open_spool


def event(number: int) -> EventRecord:
    return EventRecord(ts_ns=number, kind="test", words=f"record {number}")


def make_rows(count: int, run_id: str = "RUN-1", chain: Chain | None = None) -> list[Row]:
    chain = chain or Chain(run_id, "paper")
    return [chain.link(event(number), ts_recorded=number) for number in range(count)]


class Ledger:
    """What a database holds, whoever is connected to it; rows of a run and seq once, in the order they first came."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], Row] = {}

    def add(self, row: Row) -> None:
        """A row that is not there yet must come after those of its run that are."""
        if (row.run_id, row.seq) not in self.rows:
            assert all(known.seq < row.seq for known in self.of(row.run_id)), "out of order"
            self.rows[row.run_id, row.seq] = row

    def of(self, run_id: str) -> list[Row]:
        return [row for row in self.rows.values() if row.run_id == run_id]


class MemoryDatabase:
    """A `Database` over a ledger. While `is_up` is false it is away, found out before or after rows were committed."""

    def __init__(self, ledger: Ledger, *, is_up: bool = True) -> None:
        self.ledger = ledger
        self.is_up = is_up
        self.commits_unheard = False
        """Rows arrive, and then the line is cut."""
        self.is_refused: Callable[[Row], bool] = lambda _: False
        self.hold: asyncio.Event | None = None
        """Writes wait for it."""
        self.batches: list[int] = []

    async def connect(self) -> None:
        if not self.is_up:
            raise AwayError("the database is away")

    async def write(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        await asyncio.sleep(0)
        if self.hold is not None:
            await self.hold.wait()
        if not self.is_up and not self.commits_unheard:
            raise AwayError("the database is away")
        self.batches.append(len(rows))
        refused = [row for row in rows if self.is_refused(row)]
        for row in rows:
            if row not in refused:
                self.ledger.add(row)
        if not self.is_up:
            raise AwayError("the line was cut")
        return [Refusal("not wanted", row) for row in refused]

    def abort(self) -> None:
        self.is_up = False
        if self.hold is not None:
            self.hold.set()

    async def close(self) -> None:
        pass


def open_small(root: Path, run_id: str = "RUN-1", limit_bytes: int = 2**20) -> Spool:
    return open_spool(root, run_id, limit_bytes)
