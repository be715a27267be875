"""How a running node is, from second to second: what pages, metrics and alerts show beside the records.

Not a record: only the newest counts, one a mode, and none of it is needed to explain a decision.
"""

from typing import Literal

from msgspec import Struct

from helios_nautilus.journal.commands import Tier
from helios_nautilus.journal.records import Mode


class Need(Struct, frozen=True, kw_only=True):
    """One of the things an entry needs; ``missing`` is empty if it is there."""

    name: str
    missing: str = ""


class TierStatus(Struct, frozen=True, kw_only=True):
    """A tier at work."""

    tier: Tier
    is_on: bool
    """Not switched off by an operator."""
    last_ns: int
    """When it last said something; 0 if it never did."""
    words: str = ""
    """What it said, in short, or how it failed."""
    errors: int = 0
    """Failures since the start."""


class PositionStatus(Struct, frozen=True, kw_only=True):
    """One open position, marked to market; money is in the account currency."""

    instrument_id: str
    decision_id: str
    side: Literal["LONG", "SHORT"]
    quantity: float
    entry_price: float
    price: float | None
    """The newest known."""
    value: float | None
    """Signed."""
    pnl: float | None
    """Unrealised, before the cost of getting out."""
    opened_ns: int
    stop_price: float | None
    target_price: float | None
    deadline_ns: int | None
    is_guarded: bool
    """A stop works."""


class MarketStatus(Struct, frozen=True, kw_only=True):
    """What is known of one instrument's market."""

    instrument_id: str
    price: float | None
    bid: float | None
    ask: float | None
    quote_age_secs: float | None
    bar_age_secs: float | None
    vol_daily: float | None = None
    regime: str = ""


class NodeStatus(Struct, frozen=True, kw_only=True):
    """A node at ``ts_ns`` (nanoseconds UTC). Money is in ``currency``; ``drawdown`` and losses are fractions >= 0."""

    ts_ns: int
    run_id: str
    mode: Mode
    name: str
    """Of the configuration."""
    model_id: str
    currency: str
    started_ns: int
    is_ready: bool
    needs: tuple[Need, ...]
    entries_on: bool
    """Not switched off by an operator."""
    kill_state: Literal["NORMAL", "REDUCE_ONLY", "HALT"]
    kill_words: str
    tiers: tuple[TierStatus, ...]
    equity: float | None
    cash: float | None
    peak: float | None
    drawdown: float | None
    daily_loss: float | None
    exposure: float | None
    """Gross value of positions / equity; their leverage."""
    positions: tuple[PositionStatus, ...]
    markets: tuple[MarketStatus, ...]
    orders_working: int
    loop_lag_ms: float
    """Longest delay of the event loop since the last status."""
    clock_skew_ms: float | None
    """Venue's clock minus this machine's; None while unknown."""
    memory_mb: float
    journal_waiting: int
    journal_lost: int
    is_journal_healthy: bool
    pipeline_errors: int
    """In a row."""
    journal_kept: int = 0
    """Rows of the run that are in the database or on the disk."""
