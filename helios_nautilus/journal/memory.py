"""A journal in memory: backtests read their report from it, tests look into it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Chain, Row
from helios_nautilus.journal.protocol import Found, StoredRun
from helios_nautilus.journal.records import OrderRecord, Record, RunRecord
from helios_nautilus.journal.tables import possible_ids, unknown_run
from helios_nautilus.journal.verification import verify_run

_NAMES: Final = ("decision_id", "client_order_id", "trade_id", "position_id")

_SET_ORDERED: Final = ("CANCELED", "UPDATED")


class MemoryJournal:
    """Keeps every record in the order it came, and answers by run as the journal in PostgreSQL does.

    A `RunRecord` begins a run; what comes before the first is of no run. Orders that are cancelled, or changed, at one
    instant are put in the order of their ids: Nautilus's simulated venue takes a position's orders in that of a set,
    which is another in every process, and equal runs must have equal chains.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._records: list[Record] = []
        self._runs: dict[str, _Run] = {}
        self._current: _Run | None = None

    def append(self, record: Record) -> None:
        """Add one record."""
        _add(self._records, record)
        if isinstance(record, RunRecord):
            name = next(name for name in possible_ids(record.run_id) if name not in self._runs)
            self._current = self._runs[name] = _Run(name, record, self._clock())
        if self._current is not None:
            _add(self._current.records, record)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def of[R: Record](self, kind: type[R]) -> list[R]:
        """All records of one kind, in order."""
        return [record for record in self._records if isinstance(record, kind)]

    def about(self, decision_id: str) -> list[Record]:
        """Everything that followed from one prediction, in order."""
        return _about(self._records, decision_id)

    def runs(self) -> list[StoredRun]:
        """All runs, the one recorded last first."""
        return [run.stored() for run in reversed(self._runs.values())]

    def run(self, run_id: str) -> StoredRun:
        """One run."""
        return self._find_run(run_id).stored()

    def run_record(self, run_id: str) -> RunRecord:
        """The record that a run began with."""
        return next(record for record in self._find_run(run_id).records if isinstance(record, RunRecord))

    def records(self, run_id: str) -> list[Record]:
        """Every record of a run, in order."""
        return list(self._find_run(run_id).records)

    def records_of[R: Record](self, run_id: str, kind: type[R]) -> list[R]:
        """The records of a run that are of one kind, in order."""
        return [record for record in self._find_run(run_id).records if isinstance(record, kind)]

    def decision(self, run_id: str, decision_id: str) -> list[Record]:
        """Every record of one decision, in order."""
        found = _about(self._find_run(run_id).records, decision_id)
        if not found:
            raise JournalError(f"run {run_id} knows no decision {decision_id}")
        return found

    def find(self, name: str, run_id: str | None = None) -> Sequence[Found]:
        """The decisions that a decision id, client order id, position id or trade id names, newest run first."""
        return [
            Found(run_id=run.run_id, decision_id=decision_id)
            for run in reversed(self._runs.values())
            if name and run_id in (None, run.run_id)
            for decision_id in sorted(run.decisions_of(name))
        ]

    def rows(self, run_id: str) -> Iterator[Row]:
        """Every row of a run, in order."""
        return iter(self._find_run(run_id).rows())

    def verify(self, run_id: str) -> int:
        """Number of rows of a run."""
        run = self.run(run_id)
        return verify_run(run_id, self.rows(run_id), run.rows, run.head)

    def store_run(self, records: Iterable[Record], run: RunRecord) -> StoredRun:
        """Keep a whole run beside the others; an equal one that is there already is returned instead."""
        fresh = _Run(run.run_id, run, self._clock(), records)
        if not fresh.records:
            raise JournalError(f"run {run.run_id} has no records to keep")
        head = fresh.stored().head
        for name in possible_ids(run.run_id):
            if name not in self._runs:
                fresh.run_id, self._runs[name] = name, fresh
            if (known := self._runs[name].stored()).head == head:
                return known
        raise AssertionError("there is always one more id")

    def append_to(self, run_id: str, records: Iterable[Record]) -> None:
        """Add records to a run that is over."""
        self._find_run(run_id).records += records

    def _find_run(self, run_id: str) -> "_Run":
        if run_id not in self._runs:
            raise unknown_run(run_id)
        return self._runs[run_id]


class _Run:
    """The records of one run, under the id it is kept by."""

    def __init__(self, run_id: str, run: RunRecord, recorded_ns: int, records: Iterable[Record] = ()) -> None:
        self.run_id = run_id
        self.records = list(records)
        self._run = run
        self._recorded_ns = recorded_ns

    def rows(self) -> list[Row]:
        """The chain of the records."""
        chain = Chain(self.run_id, self._run.mode)
        return [chain.link(record, self._recorded_ns) for record in self.records]

    def stored(self) -> StoredRun:
        """What a list of runs says of it."""
        run, rows = self._run, self.rows()
        return StoredRun(
            run_id=self.run_id,
            mode=run.mode,
            strategy=run.strategy,
            data_label=run.data_label,
            model_id=run.model_id,
            config_hash=run.config_hash,
            start_ns=run.start_ns,
            end_ns=run.end_ns,
            recorded_ns=self._recorded_ns,
            rows=len(rows),
            head=rows[-1].hash,
        )

    def decisions_of(self, name: str) -> set[str]:
        """The decisions that one of the names of a record leads to."""
        named = (record for record in self.records if name in (getattr(record, field, None) for field in _NAMES))
        return {decision_id for record in named if (decision_id := getattr(record, "decision_id", ""))}


def _add(records: list[Record], record: Record) -> None:
    place = len(records)
    if isinstance(record, OrderRecord):
        while place and _are_swapped(records[place - 1], record):
            place -= 1
    records.insert(place, record)


def _are_swapped(first: Record, second: OrderRecord) -> bool:
    return (
        isinstance(first, OrderRecord)
        and first.status == second.status
        and first.status in _SET_ORDERED
        and first.ts_ns == second.ts_ns
        and first.client_order_id > second.client_order_id
    )


def _about(records: Iterable[Record], decision_id: str) -> list[Record]:
    return [record for record in records if getattr(record, "decision_id", None) == decision_id]
