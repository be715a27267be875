"""Whether a stop watched over everything that was held, and for how long none did."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.records import FillRecord, OrderRecord, PositionRecord, Record

_OVER: Final = frozenset({"CANCELED", "EXPIRED", "REJECTED", "DENIED"})


class Heard(NamedTuple):
    """A record, and when the node wrote it down: nanoseconds of the wall clock, whatever time the node lives in."""

    at_ns: int
    record: Record


class _Bet:
    """What is held for one decision, and which stops of it work."""

    def __init__(self) -> None:
        self.held = Decimal(0)
        self.stops: set[str] = set()
        self.naked_since_ns: int | None = None
        self.naked_ns = 0

    def hear(self, heard: Heard) -> None:
        match heard.record:
            case FillRecord() as fill:
                self.held += signed(fill)
            case PositionRecord():  # what is left is dust
                self.held = Decimal(0)
            case OrderRecord(role="STOP") as stop:
                (self.stops.discard if stop.status in _OVER else self.stops.add)(stop.client_order_id)
        self.look(heard.at_ns)

    def look(self, now_ns: int) -> None:
        """Note how long it is without a stop."""
        if self.naked_since_ns is not None:
            self.naked_ns = max(self.naked_ns, now_ns - self.naked_since_ns)
        is_naked = bool(self.held) and not self.stops
        self.naked_since_ns = (self.naked_since_ns or now_ns) if is_naked else None


def signed(fill: FillRecord) -> Decimal:
    """What a fill changed of the instrument, after a commission that was taken in its base currency."""
    is_in_base = fill.instrument_id.startswith(fill.commission_currency)
    return (fill.quantity if fill.side == "BUY" else -fill.quantity) - (fill.commission if is_in_base else 0)


def naked_secs(story: Sequence[Heard]) -> dict[str, float]:
    """By decision, the longest time that something was held and no stop of it worked, as the node knew it."""
    bets: dict[str, _Bet] = {}
    for heard in _of_bets(story):
        bets.setdefault(getattr(heard.record, "decision_id"), _Bet()).hear(heard)  # noqa: B009
    for bet in bets.values():
        bet.look(story[-1].at_ns)
    return {decision_id: bet.naked_ns / NS_PER_SEC for decision_id, bet in bets.items()}


def _of_bets(story: Iterable[Heard]) -> Iterable[Heard]:
    return (heard for heard in story if isinstance(heard.record, FillRecord | OrderRecord | PositionRecord))
