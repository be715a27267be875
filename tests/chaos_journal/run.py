"""A trial of the journal's writer: its process killed and its database stopped, again and again, while it writes."""

import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Final, Literal, get_args

from msgspec import Struct

from helios_nautilus.journal.connect import open_journal
from tests.integration.journal_writer.server import Server
from tests.integration.journal_writer.trial import Engine, count_rows

type Outage = Literal["hung", "fast", "immediate"]
"""A server whose processes stand still, a clean stop, and a crash with recovery."""

_OUTAGES: Final[tuple[Outage, ...]] = get_args(Outage.__value__)


class Plan(Struct, frozen=True, kw_only=True):
    """What is to happen; times are drawn around these, in seconds."""

    secs: float
    rate: float
    """Records a second."""
    seed: int
    secs_between_kills: float
    secs_between_outages: float
    outage_secs: float


class Report(Struct, frozen=True, kw_only=True):
    """What happened, everything in the database having been looked at."""

    appended: int
    rows: int
    kept: int
    """As the processes had said last; all of these are among the rows."""
    kills: int
    outages: dict[str, int]
    up_ns: list[int]
    """What each append took while rows went straight to the database."""
    down_ns: list[int]
    """And while they did not."""
    bare_ns: list[int]
    """What an append to a list took, in between."""


class Trial:
    """Plays a plan: listens to an engine's process, and strikes when it is time."""

    def __init__(self, plan: Plan, folder: Path, *, syncs: bool = False) -> None:
        self._plan = plan
        self._spool = folder / "spool"
        self._chance = Random(plan.seed)
        self._server = Server(folder / "journal", syncs=syncs)
        with open_journal(self._server.url):
            pass
        self._engines: list[Engine] = []
        self._outages: Counter[str] = Counter()
        self._outage: ExitStack | None = None

    def play(self) -> Report:
        """The whole trial; raises if a row that was kept is lost, or any is doubled, changed or out of order."""
        engine, kill_at = self._begin(), self._after(self._plan.secs_between_kills)
        outage_at, back_at = self._after(self._plan.secs_between_outages), 0.0
        end_at = time.monotonic() + self._plan.secs
        while (now := time.monotonic()) < end_at:
            assert engine.listen() is not None, "the engine's process has ended by itself"
            if now >= kill_at:
                engine.kill()
                engine, kill_at = self._begin(), self._after(self._plan.secs_between_kills)
            if self._outage is None and now >= outage_at:
                self._strike(_OUTAGES[self._outages.total() % len(_OUTAGES)])
                back_at = self._after(self._plan.outage_secs)
            elif self._outage is not None and now >= back_at:
                self._mend()
                outage_at = self._after(self._plan.secs_between_outages)
        self._mend()
        engine.until_direct(True)
        engine.end()
        return self._report()

    def _begin(self) -> Engine:
        self._engines.append(Engine(self._server.url, self._spool, f"RUN-{len(self._engines)}", self._plan.rate))
        return self._engines[-1]

    def _after(self, secs: float) -> float:
        return time.monotonic() + secs * self._chance.uniform(0.5, 1.5)

    def _strike(self, outage: Outage) -> None:
        self._outages[outage] += 1
        self._outage = ExitStack()
        if outage == "hung":
            self._outage.enter_context(self._server.stopped_short())
        else:
            self._outage.callback(self._server.start)
            self._server.stop(outage)

    def _mend(self) -> None:
        if self._outage is not None:
            self._outage.close()
        self._outage = None

    def _report(self) -> Report:
        rows = sum(count_rows(self._server.url, engine) for engine in self._engines)
        self._server.stop("fast")
        said = [each for engine in self._engines for each in engine.said]
        return Report(
            appended=sum(engine.appended for engine in self._engines),
            rows=rows,
            kept=sum(engine.kept for engine in self._engines),
            kills=len(self._engines) - 1,
            outages=dict(self._outages),
            up_ns=[each.append_ns for each in said if each.is_direct],
            down_ns=[each.append_ns for each in said if not each.is_direct],
            bare_ns=[each.bare_ns for each in said],
        )
