"""What must hold of every run, besides that the node's books equal the ledger."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from helios_nautilus.simulator.exchange.dump import LedgerDump
from tests.chaos.trader import STRATEGY_ID
from tests.venue.told import Snapshot

type Seen = Sequence[dict[str, Any]]
"""What one life of the node told."""

_LAST: Final = frozenset({"OrderRejected", "OrderCanceled", "OrderExpired"})
_ONCE: Final = frozenset({"OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderTriggered"}) | _LAST
_ANSWERS: Final = frozenset({"OrderCancelRejected", "OrderModifyRejected"})
"""To commands that were on their way when the order ended; the engine gives them too."""
_OF_ACCEPTED: Final = frozenset({"OrderFilled", "OrderUpdated", "OrderTriggered"})
_MISHAPS: Final = re.compile(
    rb"Traceback \(most|InvalidStateTrigger: (?!DENIED|PENDING_CANCEL -> TRIGGERED)|panicked at"
)
"""In a log. That the engine denies an order of a list and then the list, and that it knows no stop that triggers while
its cancel is on the way, is its own affair."""


def mistakes_of_run(lives: Sequence[Seen], logs: Iterable[bytes], dump: LedgerDump, account_id: str) -> list[str]:
    """No order that nobody meant, none twice; in every life each order's events in a legal sequence, no fill twice."""
    return [
        *_placements(lives, dump, account_id),
        *(f"life {life}: {line}" for life, seen in enumerate(lives, 1) for line in _stories(seen)),
        *(
            f"life {life}: {mishap.group().decode()} in the log"
            for life, log in enumerate(logs, 1)
            if (mishap := _MISHAPS.search(log)) is not None
        ),
    ]


def mistakes_of_end(snapshot: Snapshot) -> list[str]:
    """Nothing is in flight, and the orders of former lives belong to the strategy that placed them."""
    return [
        *(f"order {name}: still {order.status}" for name, order in snapshot.orders.items() if order.is_inflight),
        *(
            f"order {name}: belongs to {order.strategy_id}"
            for name, order in snapshot.orders.items()
            if order.strategy_id != STRATEGY_ID
        ),
    ]


def _placements(lives: Sequence[Seen], dump: LedgerDump, account_id: str) -> Iterator[str]:
    meant = {
        _at_venue(name) for seen in lives for each in seen if each["kind"] == "Intended" for name in each["orders"]
    }
    placed = Counter(row.customer_order_id for row in dump.orders if row.account_id == account_id)
    for name, times in placed.items():
        if times > 1:
            yield f"order {name}: placed {times} times"
        if name not in meant:
            yield f"order {name}: placed, though the strategy did not submit it"


def _at_venue(name: str) -> str:
    return name.replace("_", "Z5f")


def _stories(seen: Seen) -> Iterator[str]:
    ours = {name for each in seen if each["kind"] == "Intended" for name in each["orders"]}
    stories: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in seen:
        if each["kind"].startswith("Order") and "client_order_id" in each:
            stories[each["client_order_id"]].append(each)
    for name, story in stories.items():
        for mistake in _mistakes_of_story(story, is_ours=name in ours):
            yield f"order {name}: {mistake} in {' '.join(each['kind'].removeprefix('Order') for each in story)}"


def _mistakes_of_story(story: list[dict[str, Any]], *, is_ours: bool) -> Iterator[str]:
    """One order's events in one life; of one that was taken over from a former life they begin anywhere."""
    kinds = [each["kind"] for each in story]
    if is_ours and kinds[0] != "OrderInitialized":
        yield "no beginning"
    if "OrderDenied" in kinds and set(kinds[1:]) != {"OrderDenied"}:
        yield "a denial among others"
    for kind in sorted(_ONCE):
        if kinds.count(kind) > 1:
            yield f"{kind} twice"
    accepted = kinds.index("OrderAccepted") if "OrderAccepted" in kinds else len(kinds)
    if is_ours and _OF_ACCEPTED & set(kinds[:accepted]):
        yield "an effect before the acceptance"
    if _LAST & set([kind for kind in kinds if kind not in _ANSWERS][:-1]):
        yield "something after the end"
    yield from _mistakes_of_fills(story)


def _mistakes_of_fills(story: list[dict[str, Any]]) -> Iterator[str]:
    fills = [each for each in story if each["kind"] == "OrderFilled"]
    if len({fill["trade_id"] for fill in fills}) < len(fills):
        yield "a fill twice"
    sizes = [Decimal(each["quantity"]) for each in story if each["kind"] in ("OrderInitialized", "OrderUpdated")]
    if sizes and sum(Decimal(fill["last_qty"]) for fill in fills) > max(sizes) and not story[0].get("quote_quantity"):
        yield "more filled than ordered"
