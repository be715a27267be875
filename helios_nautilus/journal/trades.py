"""The trades of a run, read out of its records: each from its first entry fill to its last exit."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from helios_nautilus.journal.records import FillRecord, PositionRecord, Record


class Trade(Struct, frozen=True, kw_only=True):
    """One decision that was filled. What has not come about is None: it was still open when the run ended."""

    decision_id: str
    instrument_id: str
    side: str
    """LONG or SHORT."""
    quantity: Decimal
    """Bought or sold by the entry."""
    entry_ts_ns: int
    """Of the first fill."""
    entry_price: float
    """Average of the entry's fills, as is the exit's of its own."""
    exit_ts_ns: int | None = None
    exit_price: float | None = None
    reason: str | None = None
    """Why it ended, e.g. ``STOP_LOSS``."""
    pnl: float | None = None
    """In the account's currency, net of costs."""


def trades_of(records: Iterable[Record]) -> dict[str, Trade]:
    """Trades by decision id, in the order of their entries; those entered in an earlier run are not among them."""
    entries: dict[str, list[FillRecord]] = {}
    ends: dict[str, PositionRecord] = {}
    for record in records:
        if isinstance(record, FillRecord) and record.role == "ENTRY":
            entries.setdefault(record.decision_id, []).append(record)
        elif isinstance(record, PositionRecord):
            ends[record.decision_id] = record
    return {name: _trade(fills, ends.get(name)) for name, fills in entries.items()}


def _trade(entry: list[FillRecord], end: PositionRecord | None) -> Trade:
    first, quantity = entry[0], sum((fill.quantity for fill in entry), Decimal(0))
    paid = sum((fill.quantity * fill.price for fill in entry), Decimal(0))
    return Trade(
        decision_id=first.decision_id,
        instrument_id=first.instrument_id,
        side="LONG" if first.side == "BUY" else "SHORT",
        quantity=quantity,
        entry_ts_ns=first.ts_ns,
        entry_price=float(paid / quantity),
        exit_ts_ns=None if end is None else end.ts_ns,
        exit_price=None if end is None else end.exit_price,
        reason=None if end is None else end.close_reason,
        pnl=None if end is None else end.pnl,
    )
