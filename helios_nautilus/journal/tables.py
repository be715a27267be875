"""Under which id a run is kept, which table keeps which kind of record, and the statements that write a row to it."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Final

from helios_nautilus.errors import JournalError
from helios_nautilus.journal import records
from helios_nautilus.journal.chain import Row
from helios_nautilus.journal.records import Record
from helios_nautilus.journal.sql import queries

TABLES: Final[Mapping[type[Record], str]] = {
    records.RunRecord: "runs",
    records.ModelRecord: "ml_models",
    records.PredictionRecord: "ml_predictions",
    records.OutcomeRecord: "prediction_outcomes",
    records.SignalRecord: "strategy_signals",
    records.VolatilityRecord: "volatility_forecasts",
    records.SizingRecord: "aether_risk_decisions",
    records.ContextRecord: "market_context_snapshots",
    records.GateCallRecord: "llm_calls",
    records.GateRecord: "llm_strategic_decisions",
    records.GuardianRecord: "guardian_checks",
    records.OrderRecord: "orders",
    records.FillRecord: "fills",
    records.PositionRecord: "positions",
    records.EquityRecord: "equity_marks",
    records.SnapshotRecord: "portfolio_snapshots",
    records.RebalanceRecord: "rebalancing_events",
    records.AccountRecord: "account_states",
    records.KillSwitchRecord: "trading_mode_state_history",
    records.EventRecord: "engine_events",
}
COLUMNS: Final = (
    "run_id",
    "seq",
    "mode",
    "ts_event",
    "ts_recorded",
    "decision_id",
    "instrument_id",
    "body",
    "hash",
)
"""What is written of a row, in this order; every other column the server reads out of the body."""

_BY_KIND: Final = {kind.__name__: table for kind, table in TABLES.items()}
_BY_TABLE: Final = {table: kind.__name__ for kind, table in TABLES.items()}


def possible_ids(run_id: str) -> Iterator[str]:
    """The ids a run may be kept under: its own, or with a number where another run has that."""
    yield run_id
    yield from (f"{run_id}.{number}" for number in count(2))


def unknown_run(run_id: str) -> JournalError:
    """What both journals say of a run they do not have."""
    return JournalError(f"the journal knows no run {run_id}; 'helios journal runs' lists them")


def table_of(row: Row) -> str:
    """The table a row belongs to; `JournalError` if its kind is not known."""
    table = _BY_KIND.get(row.kind)
    if table is None:
        raise JournalError(f"row {row.seq} of run {row.run_id} is of the unknown kind {row.kind}: update Helios")
    return table


def kind_of(table: str) -> str:
    """Name of the record class a table keeps; empty for a table that no record is written to."""
    return _BY_TABLE.get(table, "")


def by_table(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by the table they belong to, in order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(table_of(row), []).append(row)
    return found


def insert_statement(table: str) -> str:
    """Adds the rows of `columns_of` that are not there; returns ``(run_id, seq)`` of those there with another hash."""
    return queries()["insert"].format(table=table)


def copy_statement(table: str) -> str:
    """COPY of `values_of` rows."""
    return queries()["copy"].format(table=table)


def columns_of(rows: Iterable[Row]) -> dict[str, list[object]]:
    """Rows of one table as the parameters of its insert: one array a column."""
    columns = zip(*map(values_of, rows), strict=True)
    return {name: list(column) for name, column in zip(COLUMNS, columns, strict=True)}


def values_of(row: Row) -> tuple[object, ...]:
    """A row's values, in the order of `COLUMNS`."""
    return (
        row.run_id,
        row.seq,
        row.mode,
        row.ts_event,
        row.ts_recorded,
        row.decision_id,
        row.instrument_id,
        row.body.decode(),
        row.hash,
    )
