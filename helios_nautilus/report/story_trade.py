"""The chapters of a story from the first order on, and its headline."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from helios_nautilus.journal.records import (
    EventRecord,
    FillRecord,
    OrderRecord,
    OutcomeRecord,
    PositionRecord,
    SignalRecord,
)
from helios_nautilus.report import numerals
from helios_nautilus.report.funnel import FILLED, STEPS, fate_of
from helios_nautilus.report.story_parts import Chapter, Fact, Sheet, Teller, Tone
from helios_nautilus.report.wording import close_words, phrase, phrases

_WHO: Final = {tier: f"The {tier.lower()}" for _, tier in STEPS} | {"Aether": "Aether", "Guardian": "Guardian"}
_ROLES: Final = {"ENTRY": "entry", "STOP": "stop", "TARGET": "target", "EXIT": "exit", "TRIM": "trim"}
_KINDS: Final = {"LIMIT": "limit", "MARKET": "market", "STOP_MARKET": "stop", "STOP_LIMIT": "stop-limit"}
_STATES: Final = {"CANCELED": "cancelled", "SUBMITTED": "sent"}


def tell_headline(teller: Teller) -> str:
    """What came of the decision: the trade and its result, or who stopped it and why."""
    entries = teller.fills_of("ENTRY")
    if entries:
        return _traded(teller, entries)
    signal = teller.last(SignalRecord)
    if signal is not None and signal.action == "exit":
        return f"No new trade: the prediction closed the open position in {signal.instrument_id}."
    fate = fate_of(teller.decision_id, teller.records)
    stopped = STEPS[min(fate.passed, FILLED - 1)][1]
    return f"No trade. {_WHO[stopped]} stopped it: {phrases(fate.codes)}."


def _traded(teller: Teller, entries: Sequence[FillRecord]) -> str:
    bought = "Bought" if entries[0].side == "BUY" else "Sold short"
    quantity, price = _sum_up(entries)
    entry = f"{bought} {numerals.quantity(quantity)} {entries[0].instrument_id} at {numerals.price(price)}"
    closed = teller.last(PositionRecord)
    if closed is None:
        return f"{entry}; the journal does not say that it was closed."
    held = numerals.duration(closed.ts_ns - closed.entry_ts_ns)
    result = f"a {'gain' if closed.pnl > 0 else 'loss'} of {teller.money(abs(closed.pnl))}"
    return (
        f"{entry}, out at {numerals.price(closed.exit_price)} after {held} by {close_words(closed.close_reason)}: "
        f"{result} after {teller.money(closed.costs)} of costs."
    )


def tell_orders(teller: Teller) -> Chapter | None:
    """Every order with its states in turn."""
    if not teller.states:
        return None
    rows = tuple(_order_row(teller, states) for states in teller.states.values())
    first = teller.all(OrderRecord)[0]
    refused = [states[-1] for states in teller.states.values() if states[-1].reason]
    facts = [Fact(label=_ROLES[order.role].capitalize(), words=phrase(order.reason)) for order in refused]
    named = [f"{_ROLES[states[0].role]} {order_id}" for order_id, states in teller.states.items() if order_id]
    if named:
        facts.append(Fact(label="Order ids", words=", ".join(named)))
    return teller.chapter(
        title="Orders",
        ts_ns=first.ts_ns,
        summary=f"{len(rows)} order{'s' if len(rows) > 1 else ''}",
        facts=tuple(facts),
        sheet=Sheet(header=("At", "For", "Order", "States"), rows=rows),
    )


def _order_row(teller: Teller, states: Sequence[OrderRecord]) -> tuple[str, ...]:
    order = states[0]
    prices = list(dict.fromkeys(numerals.price(state.price) for state in states if state.price is not None))
    price = f" at {' → '.join(prices)}" if prices else ""
    what = f"{order.side.lower()} {_kind(order)} {numerals.quantity(order.quantity)}{price}"
    fills = [fill for fill in teller.all(FillRecord) if fill.client_order_id == order.client_order_id]
    names = [_state(state) for state in states]
    if fills:
        place = len(names) - (states[-1].status == "CANCELED")
        names.insert(place, "filled" if _is_whole(order, fills) else "filled in part")
    return teller.clock(order.ts_ns, in_secs=True), _ROLES[order.role], what, ", ".join(names)


def _is_whole(order: OrderRecord, fills: Sequence[FillRecord]) -> bool:
    return sum((fill.quantity for fill in fills), Decimal()) >= order.quantity


def _kind(order: OrderRecord) -> str:
    return _KINDS.get(order.order_type, order.order_type.replace("_", " ").lower())


def _state(state: OrderRecord) -> str:
    return _STATES.get(state.status, state.status.lower())


def tell_fills(teller: Teller) -> Chapter | None:
    """Every fill with its fee, and how far it was from the price that was wanted."""
    fills = teller.all(FillRecord)
    if not fills:
        return None
    entries = teller.fills_of("ENTRY")
    facts = [Fact(label="Trade ids", words=", ".join(f"{_ROLES[fill.role]} {fill.trade_id}" for fill in fills))]
    if entries and teller.price:
        facts.append(Fact(label="Slippage", words=_entry_slippage(teller, entries)))
    return teller.chapter(
        title="Fills",
        ts_ns=fills[0].ts_ns,
        summary=f"{len(fills)} fill{'s' if len(fills) > 1 else ''}, {_fees(teller, fills)} in fees",
        facts=tuple(facts),
        sheet=Sheet(
            header=("At", "For", "Quantity", "Price", "Fee", "As", "Slippage"),
            rows=tuple(_fill_row(teller, fill) for fill in fills),
        ),
    )


def _fees(teller: Teller, fills: Sequence[FillRecord]) -> str:
    return teller.money(float(sum((fill.commission_value for fill in fills), Decimal())))


def _entry_slippage(teller: Teller, entries: Sequence[FillRecord]) -> str:
    """The mean entry against the price at the decision, in percent and in money."""
    assert teller.price is not None, "the caller has seen to it"
    quantity, price = _sum_up(entries)
    worse = _worse_by(entries[0], price, teller.price)
    cost = float(quantity) * teller.price * worse
    direction = "better" if worse < 0.0 else "worse"
    return (
        f"the entry at {numerals.price(price)} was {numerals.percent(abs(worse), places=3)} {direction} than the "
        f"decision's {numerals.price(teller.price)}: {teller.money(abs(cost))}"
    )


def _fill_row(teller: Teller, fill: FillRecord) -> tuple[str, ...]:
    wanted = teller.price if fill.role == "ENTRY" else _order_price(teller, fill)
    worse = None if not wanted else _worse_by(fill, float(fill.price), wanted)
    return (
        teller.clock(fill.ts_ns, in_secs=True),
        _ROLES[fill.role],
        numerals.quantity(fill.quantity),
        numerals.price(fill.price),
        numerals.money(fill.commission, fill.commission_currency),
        fill.liquidity.lower(),
        numerals.percent(worse, places=3, signed=True),
    )


def _order_price(teller: Teller, fill: FillRecord) -> float | None:
    """The price that its order named last; a market order names none."""
    prices = [state.price for state in teller.states.get(fill.client_order_id, ()) if state.ts_ns <= fill.ts_ns]
    return float(prices[-1]) if prices and prices[-1] is not None else None


def _worse_by(fill: FillRecord, price: float, wanted: float) -> float:
    """How much worse than wanted a fill's price was, as a fraction; below 0 it was better."""
    return (price / wanted - 1.0) * (1.0 if fill.side == "BUY" else -1.0)


def _sum_up(fills: Sequence[FillRecord]) -> tuple[Decimal, float]:
    """Total quantity and mean price."""
    quantity = sum((fill.quantity for fill in fills), Decimal())
    return quantity, float(sum((fill.quantity * fill.price for fill in fills), Decimal()) / quantity)


def tell_position(teller: Teller) -> Chapter | None:
    """How and when the position closed, and what it made."""
    closed = teller.last(PositionRecord)
    if closed is None:
        return None
    price, percent = numerals.price, numerals.percent
    share = closed.pnl / (float(closed.quantity) * closed.entry_price)
    facts = [
        Fact(
            label="Held",
            words=f"{closed.side.lower()} {numerals.quantity(closed.quantity)} for "
            f"{numerals.duration(closed.ts_ns - closed.entry_ts_ns)}, from {price(closed.entry_price)} to "
            f"{price(closed.exit_price)}",
        ),
        Fact(
            label="Guarded by",
            words=f"a stop at {price(closed.stop_price)} and a target at {price(closed.target_price)}",
        ),
        Fact(
            label="Result",
            words=f"{teller.money(closed.pnl, signed=True)} ({percent(share, signed=True)} of what was "
            f"invested), after {teller.money(closed.costs)} of costs",
        ),
    ]
    if closed.position_id:
        facts.append(Fact(label="Position id", words=closed.position_id))
    tone: Tone = "gain" if closed.pnl > 0 else "loss"
    summary = f"closed by {close_words(closed.close_reason)}"
    return teller.chapter(title="Position", ts_ns=closed.ts_ns, summary=summary, tone=tone, facts=tuple(facts))


def tell_outcome(teller: Teller) -> Chapter | None:
    """What the prediction was worth, seen from after its horizon."""
    outcome = teller.last(OutcomeRecord)
    if outcome is None:
        return None
    wanted = "BUY" if outcome.side == "LONG" else "SELL"
    if outcome.label == "HOLD":
        summary = "neither direction paid (HOLD)"
    else:
        summary = f"right: {outcome.label}" if outcome.label == wanted else f"wrong: it was a {outcome.label}"
    words = (
        f"its likelier side was {outcome.side.lower()}, at {numerals.percent(outcome.confidence, places=1)} confidence"
    )
    if outcome.net_return is not None:
        made = numerals.percent(outcome.net_return, signed=True)
        words += f"; the plan on that side would have made {made} of the size, net of costs"
    return teller.chapter(
        title="In hindsight",
        ts_ns=outcome.ts_ns,
        summary=summary,
        tone="gain" if outcome.label == wanted else "",
        facts=(Fact(label="Prediction", words=words),),
    )


def tell_events(teller: Teller) -> Chapter | None:
    """Errors and other events that name the decision."""
    events = teller.all(EventRecord)
    if not events:
        return None
    return teller.chapter(
        title="Events",
        ts_ns=events[0].ts_ns,
        summary=f"{len(events)} to know of",
        tone="loss",
        facts=tuple(Fact(label=event.kind.replace("_", " ").capitalize(), words=event.words) for event in events),
    )
