"""Batches, outages and kills in whatever order: every row that was kept is there in the end, in order, once.

The database is in memory, the spool is a real one. A kill drops everything but the disk and the database; the next
process has a run of its own.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from helios_nautilus.journal.chain import Chain, Row, verify_chain
from helios_nautilus.journal.delivery import Delivery
from helios_nautilus.journal.spool import Refusal
from tests.unit.journal.ledger import Ledger, MemoryDatabase, make_rows, open_small

SPOOL_BYTES = 6_000


class Killed(BaseException):
    """The process is no more."""


class MortalDatabase(MemoryDatabase):
    """Kills its process at a chosen write, before or after the rows arrived."""

    def __init__(self, ledger: Ledger, *, is_up: bool) -> None:
        super().__init__(ledger, is_up=is_up)
        self.writes_to_live: int | None = None
        self.arrives = False

    async def write(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        if self.writes_to_live is None:
            return await super().write(rows)
        self.writes_to_live -= 1
        if self.writes_to_live > 0:
            return await super().write(rows)
        if self.arrives:
            await super().write(rows)
        raise Killed


class Processes(RuleBasedStateMachine):
    """One process after the other over one database and one disk."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.ledger = Ledger()
        self.kept: dict[str, int] = {}
        self.runner = asyncio.Runner()
        self.begin(is_up=True)

    def begin(self, *, is_up: bool) -> None:
        self.run_id = f"RUN-{len(self.kept)}"
        self.kept[self.run_id] = 0
        self.chain = Chain(self.run_id, "paper")
        self.held: list[Row] = []
        self.database = MortalDatabase(self.ledger, is_up=is_up)
        self.spool = open_small(self.root, self.run_id, SPOOL_BYTES)
        self.delivery = Delivery(self.database, self.spool, lambda _: None, chunk_rows=3)

    @rule(counts=st.lists(st.integers(1, 7), max_size=4), catches_up=st.booleans(), is_crowded=st.booleans())
    def work(self, counts: list[int], catches_up: bool, is_crowded: bool) -> None:
        """Batches, perhaps while the spool is emptied."""

        async def keep() -> None:
            for count in counts:
                self.held = self.held or make_rows(count, chain=self.chain)
                if await self.delivery.keep(self.held, is_crowded=is_crowded):
                    self.held = []
                await asyncio.sleep(0)

        async def together() -> None:
            catching_up = asyncio.create_task(self.delivery.catch_up()) if catches_up else None
            await keep()
            if catching_up is not None:
                await catching_up

        try:
            self.runner.run(together())
        except Killed:
            self.die(b"")

    @rule(commits_unheard=st.booleans())
    def lose_the_database(self, commits_unheard: bool) -> None:
        self.database.is_up, self.database.commits_unheard = False, commits_unheard

    @rule()
    def find_the_database(self) -> None:
        self.database.is_up = True

    @precondition(lambda self: self.database.writes_to_live is None)
    @rule(writes=st.integers(1, 4), arrives=st.booleans())
    def condemn(self, writes: int, arrives: bool) -> None:
        """One of the next writes is the last thing that the process does."""
        self.database.writes_to_live, self.database.arrives = writes, arrives

    @rule(torn=st.binary(max_size=40))
    def die(self, torn: bytes) -> None:
        """Leave the disk as it is, perhaps with the beginning of a write; the kernel takes the lock back."""
        self.kept[self.run_id] = self.delivery.kept
        for path in sorted(self.spool.folder.glob("*.rows"))[-1:]:
            with path.open("ab") as file:
                file.write(torn)
        if self.spool._file is not None:
            self.spool._file.close()
        os.close(self.spool._lock)
        self.runner.close()
        self.runner = asyncio.Runner()
        self.begin(is_up=self.database.is_up)

    @invariant()
    def the_database_holds_the_beginning_of_each_chain(self) -> None:
        for run_id in self.kept:
            verify_chain(self.ledger.of(run_id))

    def teardown(self) -> None:
        with self.folder:
            self.die(b"")
            self.database.is_up = True
            assert self.runner.run(self.delivery.catch_up())
            for run_id, kept in self.kept.items():
                assert verify_chain(self.ledger.of(run_id)) >= kept
            self.spool.close()
            assert list(self.root.iterdir()) == []
            self.runner.close()


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(max_examples=25, stateful_step_count=20)
