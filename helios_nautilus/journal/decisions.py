"""The question which predictions became what, and the answer's lines."""

from typing import Final

from msgspec import Struct

from helios_nautilus.journal.records import Mode

OUTCOMES: Final = (
    "entered",
    "exit",
    "rejected-by-strategy",
    "rejected-by-aether",
    "rejected-by-gate",
    "rejected-by-guardian",
    "rejected-by-venue",
)


class StoredDecision(Struct, frozen=True, kw_only=True):
    """What became of one prediction."""

    run_id: str
    decision_id: str
    mode: Mode
    ts_event: int
    instrument_id: str
    side: str
    """The likelier direction, LONG or SHORT."""
    p_side: float
    """Its probability."""
    outcome: str
    """One of `OUTCOMES`."""
    reason: str
    """A short code."""


class DecisionFilter(Struct, frozen=True, kw_only=True):
    """Which decisions are asked for; None asks for all. Stamps are nanoseconds UTC, ``[since, until)``."""

    run_id: str | None = None
    instrument_id: str | None = None
    side: str | None = None
    outcome: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
