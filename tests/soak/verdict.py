"""What must hold of a soak, whatever went wrong in it: each mistake is a line."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from msgspec import Struct

from helios_nautilus.journal.records import (
    EquityRecord,
    EventRecord,
    FillRecord,
    GuardianRecord,
    OrderRecord,
    PositionRecord,
    Record,
    RunRecord,
)
from helios_nautilus.simulator.exchange.dump import LedgerDump
from helios_nautilus.simulator.exchange.opening import DEMO_DEPOSITS
from tests.soak.stops import Heard, naked_secs, signed

OPEN: Final = frozenset({"Active", "Placed", "Partially Filled", "Order Modified"})
"""What the venue calls an order that may still trade."""
_NAKED_SECS: Final = 5.0
"""From a fill that the node knows of to its stop."""
_CENT: Final = Decimal("0.01")
_DUST: Final = Decimal("0.001")
"""What may be left of a pair: less than can be sold."""
_FEE_PLACES: Final = Decimal("1E-8")
_QUOTE: Final = "USDT"
_FUNDING: Final = Decimal("0.0002")
"""More than one hour's funding is of a notional, and few bets are held over one."""
_ERRORS: Final = re.compile(r"\[ERROR\]|\"level\":\"ERROR\"|Traceback \(most|panicked at")
EXPECTED: Final = (
    "No decision: ",
    # An exit that never arrived, or whose outcome is unknown for a while. That it is closed in the end is judged by the
    # ledger.
    "is not closed after",
    "Exit refused: ",
)
"""Beginnings of errors that faults lead to and that are dealt with."""


class Ledger(Struct, frozen=True, kw_only=True):
    """The exchange's own books of the account."""

    dump: LedgerDump
    account_id: str


def mistakes_of(story: Sequence[Heard], log: str, ledger: Ledger | None) -> list[str]:
    """All of them; without a ledger, on paper, what the exchange would say is left out."""
    records = [heard.record for heard in story]
    return [
        *_course(records),
        *_consents(records),
        *_stops(story),
        *_flat(records),
        *_errors(log),
        *(_marks(records) if ledger is None else _ledger(records, ledger)),
    ]


def _course(records: Sequence[Record]) -> Iterator[str]:
    """It was ready, traded, and stopped as asked."""
    if not isinstance(records[0], RunRecord):
        yield "the journal does not begin with the run"
    events = [each.kind for each in records if isinstance(each, EventRecord)]
    if "ready" not in events:
        yield "it was never ready"
    last = records[-1]
    if not isinstance(last, EventRecord) or (last.kind, last.words) != ("stopped", "as asked"):
        yield f"the journal ends with {last}"
    if not any(isinstance(each, PositionRecord) for each in records):
        yield "no trade was made: the soak shows nothing"


def _consents(records: Sequence[Record]) -> Iterator[str]:
    consents = {each.decision_id for each in records if isinstance(each, GuardianRecord) and each.passed}
    fills = {each.decision_id for each in records if isinstance(each, FillRecord)}
    for decision_id in sorted(fills - consents):
        yield f"{decision_id or 'something'}: traded without Guardian's consent"


def _stops(story: Sequence[Heard]) -> Iterator[str]:
    for decision_id, secs in naked_secs(story).items():
        if secs > _NAKED_SECS:
            yield f"{decision_id}: held without a stop for {secs:.1f} s"


def _flat(records: Sequence[Record]) -> Iterator[str]:
    """A stop closes what is held."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for each in records:
        if isinstance(each, FillRecord):
            held[each.instrument_id] += signed(each)
    for name, quantity in held.items():
        if abs(quantity) > _DUST:
            yield f"{name}: {quantity} is left by the journal's fills"


def _errors(log: str) -> Iterator[str]:
    for line in log.splitlines():
        if _ERRORS.search(line) and not any(words in line for words in EXPECTED):
            yield f"log: {line[:240]}"


def _marks(records: Sequence[Record]) -> Iterator[str]:
    """Whenever nothing is held, equity is what there was at the start and all that its fills paid and cost."""
    run = records[0]
    cash = Decimal(str(run.starting_balance)) if isinstance(run, RunRecord) else Decimal(0)
    for each in records:
        if isinstance(each, FillRecord):
            cash += each.quantity * each.price * (1 if each.side == "SELL" else -1) - each.commission_value
        elif isinstance(each, EquityRecord) and not each.open_positions:
            equity = Decimal(str(each.equity))
            if abs(equity - cash) > _CENT:
                yield f"equity of {equity:.2f} where the fills leave {cash:.2f}"


def _ledger(records: Sequence[Record], ledger: Ledger) -> Iterator[str]:
    """Fills, orders and balances of the exchange are the journal's."""
    dump = ledger.dump
    ours = {each.trade_id: each for each in records if isinstance(each, FillRecord)}
    theirs = {each.trade_id: each for each in dump.fills if each.account_id == ledger.account_id}
    for trade_id in sorted(ours.keys() ^ theirs.keys()):
        yield f"trade {trade_id} is known {'here' if trade_id in ours else 'at the venue'} alone"
    for trade_id in ours.keys() & theirs.keys():
        fill, told = theirs[trade_id], ours[trade_id]
        fee = fill.fee.quantize(_FEE_PLACES, rounding=ROUND_HALF_EVEN)
        if (fill.quantity, fill.price, fee) != (told.quantity, told.price, told.commission):
            yield f"trade {trade_id}: {told} here, {fill} at the venue"
    yield from _orders(records, ledger)
    yield from _balances(ledger)


def _orders(records: Sequence[Record], ledger: Ledger) -> Iterator[str]:
    rows = [row for row in ledger.dump.orders if row.account_id == ledger.account_id]
    known = {each.client_order_id for each in records if isinstance(each, OrderRecord)}
    for name, times in Counter(row.customer_order_id or "" for row in rows).items():
        if name not in known:
            yield f"order {name}: placed at the venue, unknown to the journal"
        if times > 1 and sum(row.customer_order_id == name and row.status != "Failed" for row in rows) > 1:
            yield f"order {name}: placed {times} times"
    for row in rows:
        if row.status in OPEN:
            yield f"order {row.customer_order_id}: still {row.status} at the venue"


def _balances(ledger: Ledger) -> Iterator[str]:
    """Money neither appears nor goes but by a fill, and by the funding of what was held at its hours."""
    fills = [fill for fill in ledger.dump.fills if fill.account_id == ledger.account_id]
    due = defaultdict(Decimal, {currency: Decimal(amount) for currency, amount in DEMO_DEPOSITS.items()})
    for fill in fills:
        due[_QUOTE] -= fill.quantity * fill.price * fill.side.sign
        due[fill.fee_currency] -= fill.fee
    most_funding = _FUNDING * sum((fill.quantity * fill.price for fill in fills), Decimal(0))
    for row in ledger.dump.balances:
        slack = most_funding if row.currency == _QUOTE else _FEE_PLACES
        if row.account_id == ledger.account_id and abs(row.total - due[row.currency]) > slack:
            yield f"balance {row.currency}: {row.total} where the fills leave {due[row.currency]}"
    for position in ledger.dump.positions:
        if position.account_id == ledger.account_id:
            yield f"{position.symbol}: {position.side} {position.quantity} is left at the venue"
