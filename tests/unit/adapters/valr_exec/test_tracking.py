"""What VALR says about an order, in whatever order, and the events that must come of it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model.enums import OrderSide, OrderStatus, TimeInForce
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.stubs.events import TestEventStubs

from helios_nautilus.adapters.valr.api.errors import WireError
from helios_nautilus.adapters.valr.tracking import TrackedOrder
from tests.unit.adapters.valr_exec.wording import (
    BTCZAR,
    FUTURE,
    NAME,
    NOW_NS,
    PRICE,
    Listener,
    fill,
    listed,
    processed,
    state,
    told,
    traded,
)

type Make = Callable[[Listener], Order]

ONE = BTCZAR.make_qty(1)
LIMIT = BTCZAR.make_price(Decimal(PRICE))
OWN = ClientOrderId(NAME)
WOULD_MATCH = "Post only cancelled as it would have matched"
UNMATCHED = "Immediate Or Cancel order did not match"


def resting(listener: Listener, **options: Any) -> Order:
    return listener.orders.limit(BTCZAR.id, OrderSide.BUY, ONE, LIMIT, client_order_id=OWN, **options)


def post_only(listener: Listener) -> Order:
    return resting(listener, post_only=True)


def growing(listener: Listener) -> Order:
    """A larger size has been asked for."""
    return resting(listener)


def immediate(listener: Listener) -> Order:
    return resting(listener, time_in_force=TimeInForce.IOC)


def stop(listener: Listener) -> Order:
    return listener.orders.stop_limit(BTCZAR.id, OrderSide.BUY, ONE, LIMIT, LIMIT, client_order_id=OWN)


def in_quote(listener: Listener) -> Order:
    size = BTCZAR.make_qty(1_000_000)
    return listener.orders.market(BTCZAR.id, OrderSide.BUY, size, quote_quantity=True, client_order_id=OWN)


PART = told("Partially Filled", "0.6", 2)
FILLED = told("Filled", "0", 3)
CANCELLED = told("Cancelled", "0.6", 3)
A, B = traded("a", "0.4", 2), traded("b", "0.6", 3)


@pytest.mark.parametrize(
    ("make", "frames", "events", "asks"),
    [
        pytest.param(resting, [processed(), listed()], "Accepted", False, id="it rests"),
        pytest.param(resting, [listed(), processed(), listed()], "Accepted", False, id="it rests, told thrice"),
        pytest.param(resting, [A, PART, B, FILLED], "Accepted Filled Filled", False, id="it fills in two"),
        pytest.param(resting, [A, A, PART, A, B, B, FILLED], "Accepted Filled Filled", False, id="fills come twice"),
        pytest.param(resting, [A, processed(), listed()], "Accepted Filled", False, id="the fill is before all else"),
        pytest.param(resting, [PART], "Accepted", True, id="a state owes its fill"),
        pytest.param(resting, [PART, A], "Accepted Filled", True, id="the fill follows its state"),
        pytest.param(resting, [FILLED, PART, B, A], "Accepted Filled Filled", True, id="all the wrong way round"),
        pytest.param(resting, [listed("0.5", size="0.5")], "Accepted", True, id="the list shows another size"),
        pytest.param(resting, [A, CANCELLED], "Accepted Filled Canceled", False, id="canceled after a part"),
        pytest.param(resting, [CANCELLED], "Accepted", True, id="canceled, with a fill on its way"),
        pytest.param(resting, [CANCELLED, A, CANCELLED], "Accepted Filled Canceled", True, id="that fill arrives"),
        pytest.param(
            resting, [told("Cancelled", "1", 2), A], "Accepted Canceled Filled Canceled", False, id="a fill too late"
        ),
        pytest.param(resting, [told("Cancelled", "1", 2), listed()], "Accepted Canceled", False, id="an old list"),
        pytest.param(
            resting, [told("Order Modified", "2", 2, size="2"), listed()], "Accepted Updated", False, id="modified"
        ),
        pytest.param(
            resting,
            [told("Order Modified", "2", 2, size="2"), told("Placed", "1", 1)],
            "Accepted Updated",
            False,
            id="modified, then an older state",
        ),
        pytest.param(
            resting,
            [A, told("Order Modified", "1.6", 3, size="2"), traded("c", "1.6", 4), told("Filled", "0", 4, size="2")],
            "Accepted Filled Updated Filled",
            False,
            id="modified between two fills",
        ),
        pytest.param(resting, [traded("c", "1.6", 4)], "Accepted", True, id="more than it is large waits for its size"),
        pytest.param(
            resting,
            [traded("c", "1.6", 4), told("Order Modified", "2", 2, size="2")],
            "Accepted Updated Filled",
            True,
            id="and comes with it",
        ),
        pytest.param(
            growing,
            [A, B, told("Order Modified", "1", 3, size="2")],
            "Accepted Filled Updated Filled",
            True,
            id="filled up to its old size while a larger one is asked for",
        ),
        pytest.param(
            growing, [A, B, FILLED], "Accepted Filled Updated Filled", True, id="and the larger one came too late"
        ),
        pytest.param(
            resting,
            [A, told("Order Modified", "0.2", 2, size="0.6"), PART],
            "Accepted Filled Updated",
            False,
            id="modified in the millisecond of a fill, then the state before that",
        ),
        pytest.param(
            resting,
            [PART, told("Partially Filled", "0.8", 2), A],
            "Accepted Filled",
            True,
            id="two fills in a millisecond, the states the wrong way round",
        ),
        pytest.param(
            resting,
            [
                A,
                traded("c", "0.2", 4),
                told("Order Modified", "0.2", 3, size="0.6"),
                told("Filled", "0", 4, size="0.6"),
            ],
            "Accepted Filled Filled Updated Canceled",
            False,
            id="made smaller to what it had traded by then, as far as is known here",
        ),
        pytest.param(
            resting,
            [A, told("Filled", "0", 3, size="0.4")],
            "Accepted Filled Canceled",
            False,
            id="the venue made it smaller and filled that",
        ),
        pytest.param(
            growing,
            [A, traded("c", "0.8", 3), told("Cancelled", "0.8", 4, size="2")],
            "Accepted Filled Updated Filled Canceled",
            True,
            id="canceled as the larger one that nobody told of, after more than the old size",
        ),
        pytest.param(post_only, [processed(WOULD_MATCH)], "Rejected", False, id="post-only that would cross"),
        pytest.param(
            post_only,
            [told("Failed", "1", 1, reason=WOULD_MATCH), processed(WOULD_MATCH)],
            "Rejected",
            False,
            id="post-only, told twice",
        ),
        pytest.param(immediate, [processed(UNMATCHED)], "", True, id="a failure may have traded before"),
        pytest.param(immediate, [A, told("Failed", "0.6", 3)], "Accepted Filled", True, id="failed after a part"),
        pytest.param(
            immediate, [A, told("Cancelled", "0.6", 3)], "Accepted Filled Canceled", False, id="IOC filled in part"
        ),
        pytest.param(
            stop, [told("Active", "1", 1, kind="stop-loss-limit")], "Accepted", False, id="a stop that is armed"
        ),
        pytest.param(
            stop,
            [told("Active", "1", 1, kind="stop-loss-limit"), listed(kind="stop-loss-limit")],
            "Accepted Triggered",
            False,
            id="a stop that rests has triggered",
        ),
        pytest.param(
            stop, [A, listed(kind="stop-loss-limit")], "Accepted Triggered Filled", False, id="so has one that trades"
        ),
        pytest.param(in_quote, [A, B], "Accepted", True, id="in quote, fills wait for the size in base"),
    ],
)
def test_what_is_heard_makes_these_events(make: Make, frames: list[bytes], events: str, asks: bool) -> None:
    listener = Listener()
    order = listener.submit(make(listener))
    listener.tracker.track(order).awaits_size = make is growing
    listener.hear(*frames)
    assert (" ".join(listener.kinds), listener.asked.is_asked) == (events, asks)
    listener.assert_legal()


@pytest.mark.parametrize(
    ("make", "heard", "row", "fills", "executed", "events"),
    [
        pytest.param(resting, [], state("Placed", "1", 1), [], "0", "Accepted", id="it rests"),
        pytest.param(
            resting,
            [CANCELLED],
            state("Cancelled", "0.6", 3),
            [fill("a", "0.4", 2)],
            "0.4",
            "Accepted Filled Canceled",
            id="a cancel whose fill was lost",
        ),
        pytest.param(
            immediate,
            [processed(UNMATCHED)],
            state("Failed", "1", 1, reason=UNMATCHED),
            [],
            "0",
            "Accepted Canceled",
            id="IOC that found nothing",
        ),
        pytest.param(
            resting,
            [processed("Insufficient Balance")],
            state("Failed", "1", 1, reason="Insufficient Balance"),
            [],
            "0",
            "Rejected",
            id="a failure for money",
        ),
        pytest.param(
            immediate,
            [told("Failed", "0.6", 3)],
            state("Failed", "0.6", 3),
            [fill("a", "0.4", 2)],
            "0.4",
            "Accepted Filled Canceled",
            id="a failure after a fill",
        ),
        pytest.param(
            in_quote,
            [A],
            state("Filled", "0", 3, kind="market"),
            [fill("a", "0.4", 2), fill("b", "0.6", 3)],
            "1",
            "Accepted Updated Filled Filled",
            id="in quote, filled",
        ),
        pytest.param(
            in_quote,
            [processed()],
            state("Cancelled", "1", 3, kind="market"),
            [],
            "0",
            "Accepted Canceled",
            id="nothing",
        ),
    ],
)
def test_what_the_venue_answers_ends_the_doubt(
    make: Make, heard: list[bytes], row: dict[str, Any], fills: list[dict[str, Any]], executed: str, events: str
) -> None:
    listener = Listener()
    listener.submit(make(listener))
    listener.hear(*heard)
    assert listener.answer(row, fills, executed=executed)
    assert " ".join(listener.kinds) == events
    listener.assert_legal()


def test_a_state_that_nobody_knows_is_refused_and_changes_nothing() -> None:
    listener = Listener()
    listener.submit(resting(listener))
    with pytest.raises(WireError):
        listener.hear(told("Half Filled", "0.5", 2))
    assert listener.kinds == []


def test_an_order_that_the_engine_gave_up_by_guess_and_that_rests_is_called_back() -> None:
    listener = Listener()
    order = listener.submit(resting(listener))
    listener.client.generate_order_rejected(order.strategy_id, order.instrument_id, order.client_order_id, "UNKNOWN", 0)
    listener.hear(listed())
    assert listener.asked.is_recalled
    listener.hear(A)
    assert listener.errors, "the position is wrong, and nobody would know"


def test_a_stop_that_had_triggered_when_the_engine_took_it_over_does_not_trigger_again() -> None:
    listener = Listener()
    order = listener.submit(stop(listener))
    listener.hear(told("Active", "1", 1, kind="stop-loss-limit"))
    order.apply(TestEventStubs.order_triggered(order))
    assert TrackedOrder(order, BTCZAR).is_triggered


def test_a_stop_that_triggers_while_it_is_being_canceled_is_told_by_its_fill_alone() -> None:
    listener = Listener()
    order = listener.submit(stop(listener))
    listener.hear(told("Active", "1", 1, kind="stop-loss-limit"))
    order.apply(TestEventStubs.order_pending_cancel(order))
    listener.hear(listed(kind="stop-loss-limit"), A)
    assert listener.kinds == ["Accepted", "Filled"]
    listener.assert_legal()


def test_after_a_word_of_the_future_a_gap_is_looked_into_from_the_time_it_was_heard() -> None:
    listener = Listener()
    listener.submit(resting(listener))
    listener.hear(told("Placed", "1", FUTURE))
    assert listener.tracker.newest_ns == NOW_NS


def test_a_modify_counts_after_a_word_of_the_future() -> None:
    listener = Listener()
    listener.submit(resting(listener))
    listener.hear(told("Placed", "1", FUTURE), told("Order Modified", "2", 30, size="2"))
    assert listener.order.quantity == 2
    listener.hear(told("Placed", "1", 20))
    assert listener.order.quantity == 2, "an older word counts no more"


STEPS = ["0.1", "0.2", "0.3", "0.4"]


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[bytes], dict[str, Any], list[dict[str, Any]], str]:
    """All frames of one order's life in the order in which the venue writes them, and its answer in the end."""
    sizes = draw(st.lists(st.sampled_from(STEPS), max_size=4))
    size, changes_at = Decimal(1), draw(st.none() | st.integers(0, 3))
    frames, fills, done, secs = [processed(), listed()], [], Decimal(0), 1
    for number, text in enumerate(sizes):
        if done == size:
            break
        if number == changes_at:
            # What happens in one of the venue's milliseconds has one stamp.
            size, secs = draw(st.sampled_from([Decimal(2), done + Decimal("0.3")])), secs + draw(st.integers(0, 1))
            frames.append(told("Order Modified", f"{size - done}", secs, size=f"{size}"))
        if done + Decimal(text) > size:
            break
        done, secs = done + Decimal(text), secs + 1
        fills.append(fill(f"t{number}", text, secs))
        status = "Filled" if done == size else "Partially Filled"
        frames += [traded(f"t{number}", text, secs), told(status, f"{size - done}", secs, size=f"{size}")]
    row = state(
        "Filled" if done == size else "Partially Filled" if done else "Placed", f"{size - done}", secs, size=f"{size}"
    )
    if done < size and draw(st.booleans()):
        row = state("Cancelled", f"{size - done}", secs + 1, size=f"{size}")
        frames.append(told("Cancelled", f"{size - done}", secs + 1, size=f"{size}"))
    return frames, row, fills, f"{done}"


@settings(max_examples=200)
@given(st.data())
def test_whatever_order_the_words_of_a_life_come_in_the_end_is_the_same(data: st.DataObject) -> None:
    frames, row, fills, executed = data.draw(lives())
    copies = data.draw(st.lists(st.sampled_from(frames), max_size=4))
    listener = Listener()
    order = listener.submit(resting(listener))
    # Who changes an order's size says so first.
    listener.tracker.track(order).awaits_size = any(b"Order Modified" in frame for frame in frames)
    listener.hear(*data.draw(st.permutations(frames + copies)))
    if listener.asked.is_asked:
        assert listener.answer(row, fills, executed=executed)
    listener.assert_legal()
    assert order.filled_qty.as_decimal() == Decimal(executed)
    assert {trade_id.value for trade_id in order.trade_ids} == {each["id"] for each in fills}
    assert order.is_closed is (row["orderStatusType"] in ("Filled", "Cancelled"))
    assert order.status is OrderStatus.CANCELED or row["orderStatusType"] != "Cancelled"
    if not order.is_closed:
        assert order.quantity.as_decimal() == Decimal(row["originalQuantity"])
    assert not listener.errors
