"""What must hold after a kill, and of all lives together: each mistake is a line."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from helios_nautilus.journal.records import EventRecord, FillRecord, OrderRecord, OrderRole, Record
from helios_nautilus.journal.status import NodeStatus, PositionStatus
from helios_nautilus.simulator.exchange.orders import Fill
from tests.soak.stops import Heard, naked_secs
from tests.soak.verdict import OPEN, Ledger

_NAKED_SECS: Final = 5.0


class Use(NamedTuple):
    """What an order was for."""

    decision_id: str
    role: OrderRole


def mistakes_of_books(status: NodeStatus, held: Mapping[str, float]) -> list[str]:
    """Just after a start: the node's positions are the venue's, and each has a stop that works."""
    ours = {each.instrument_id: _signed(each) for each in status.positions}
    differences = [
        f"{name}: {ours.get(name, 0.0):g} here, {held.get(name, 0.0):g} at the venue"
        for name in sorted(ours.keys() | held.keys())
        if ours.get(name, 0.0) != held.get(name, 0.0)
    ]
    return differences + [f"{each.instrument_id}: no stop works" for each in status.positions if not each.is_guarded]


def _signed(position: PositionStatus) -> float:
    return position.quantity if position.side == "LONG" else -position.quantity


def uses_of(stories: Sequence[Sequence[Heard]]) -> dict[str, Use]:
    """What each order was for, as far as the journal of all lives tells: the fill may be all that a kill left of it."""
    return {
        record.client_order_id: Use(record.decision_id, record.role)
        for story in stories
        for _, record in story
        if isinstance(record, OrderRecord | FillRecord) and record.client_order_id and record.decision_id
    }


def mistakes_of_orders(ledger: Ledger, uses: Mapping[str, Use]) -> list[str]:
    """No order twice, one entry a decision at most, no exit beyond what was held, nothing left in the end."""
    rows = [row for row in ledger.dump.orders if row.account_id == ledger.account_id and row.status != "Failed"]
    names = Counter(row.customer_order_id or "" for row in rows)
    entries = Counter(uses[name].decision_id for name in names if name in uses and uses[name].role == "ENTRY")
    return [
        *(f"order {name}: placed {times} times" for name, times in names.items() if times > 1),
        *(f"order {name}: nobody knows what for" for name in names if name not in uses),
        *(f"{decision_id}: entered by {count} orders" for decision_id, count in entries.items() if count > 1),
        *(f"order {row.customer_order_id}: still {row.status}" for row in rows if row.status in OPEN),
        *_of_course(ledger, uses),
        *(
            f"{position.symbol}: {position.side} {position.quantity} is left at the venue"
            for position in ledger.dump.positions
            if position.account_id == ledger.account_id
        ),
    ]


def _of_course(ledger: Ledger, uses: Mapping[str, Use]) -> Iterator[str]:
    """Fill by fill: an entry begins or adds to what its own decision holds, anything else takes away from it."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    holder: dict[str, str] = {}
    for fill in sorted((each for each in ledger.dump.fills if each.account_id == ledger.account_id), key=_sequence):
        use = uses.get(fill.customer_order_id or "")
        before, change = held[fill.symbol], fill.quantity * fill.side.sign
        held[fill.symbol] += change
        if use is None:  # named by `mistakes_of_orders`
            continue
        if use.role == "ENTRY":
            if before and holder.get(fill.symbol) != use.decision_id:
                yield f"{use.decision_id}: entered while {before} was held of {holder.get(fill.symbol)}"
            holder[fill.symbol] = use.decision_id
        elif before * change >= 0 or abs(change) > abs(before):
            yield f"order {fill.customer_order_id}: {use.role} of {change} while {before} was held"


def _sequence(fill: Fill) -> int:
    return fill.sequence


def mistakes_of_journal(stories: Mapping[str, Sequence[Heard]], ledger: Ledger) -> list[str]:
    """No fill was lost, doubled or unknown to the venue, nothing was held without a stop, nothing had to be adopted."""
    records: list[Record] = [heard.record for story in stories.values() for heard in story]
    ours = Counter(each.trade_id for each in records if isinstance(each, FillRecord))
    theirs = {each.trade_id for each in ledger.dump.fills if each.account_id == ledger.account_id}
    return [
        *(f"trade {name} is not in the journal" for name in sorted(theirs - ours.keys())),
        *(f"trade {name} is in the journal alone" for name in sorted(ours.keys() - theirs)),
        *(f"trade {name} is in the journal {times} times" for name, times in ours.items() if times > 1),
        *(
            f"{decision_id} of {run_id}: held without a stop for {secs:.1f} s"
            for run_id, story in stories.items()
            for decision_id, secs in naked_secs(story).items()
            if secs > _NAKED_SECS
        ),
        *(
            f"{each.instrument_id}: adopted, though its bet should have been known"
            for each in records
            if isinstance(each, EventRecord) and each.kind == "adopted"
        ),
    ]
