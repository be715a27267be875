"""E74-E77, A01: commands whose outcome is not known. The order stays in flight until the venue has told its state."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from tests.venue.floors import Shared, is_filled, take_back
from tests.venue.node import BTCZAR, Floor

LOST_AFTER = ["timeout_after", "error_after", "truncate_reply"]
"""It took effect, and the reply is lost: no answer, a 502, half a body."""
LOST_BEFORE = ["timeout_before", "error_before"]
"""It never took effect, and nobody says so."""
SILENCE = tuple(
    Fault(kind="drop_frame", on=f"account {frame}*", nth=1, times=0)
    for frame in ("ORDER_", "OPEN_ORDERS_UPDATE", "NEW_ACCOUNT_TRADE", "FAILED")
)
"""The account socket stays open and says nothing about orders."""


@contextmanager
def lost(floor: Floor, kind: str, route: str, *others: Fault) -> Iterator[None]:
    """One request has no readable reply, or has one that is not the engine's."""
    fault = Fault(kind=kind, on=route, nth=1, secs=1.2, status=502)
    floor.exchange.play(FaultScript(fault=(fault, *others)))
    yield
    floor.exchange.play(FaultScript())


def placed(floor: Floor, name: str) -> int:
    """How often the venue has an order of that name."""
    return sum(row.customer_order_id == name for row in floor.exchange.dump().orders)


@pytest.mark.parametrize("kind", LOST_AFTER)
def test_e74_a_placement_that_took_effect_unseen_is_found_and_not_doubled(spot: Shared, kind: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E74-{kind.replace('_', '-')}"
        with lost(floor, kind, "POST /v2/orders/limit", *SILENCE):
            floor.rest(order)
            await floor.node.sees(order, "Accepted")
        assert floor.node.story(order) == ["Initialized", "Submitted", "Accepted"]
        assert placed(floor, order) == 1
        await take_back(floor, order)

    spot.run(scenario)


@pytest.mark.parametrize("kind", LOST_BEFORE)
def test_e74_a_placement_that_never_arrived_is_rejected_only_once_the_venue_does_not_know_it(
    spot: Shared, kind: str
) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E74-{kind.replace('_', '-')}"
        with lost(floor, kind, "POST /v2/orders/limit"):
            floor.rest(order)
            await floor.node.sees(order, "Submitted")
            assert (await floor.node.show()).orders[order].is_inflight
            assert "does not know" in (await floor.node.sees(order, "Rejected"))["reason"]
        assert placed(floor, order) == 0

    spot.run(scenario)


def test_e74_a_placement_whose_socket_breaks_with_its_reply_is_found_after_the_reconnect(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        with lost(floor, "timeout_after", "POST /v2/orders/limit"):
            floor.exchange.strike(Fault(kind="drop_sockets", on="account", after_secs=0.0))
            floor.rest("E74-SOCKET")
            await floor.node.sees("E74-SOCKET", "Accepted")
        assert placed(floor, "E74-SOCKET") == 1
        await take_back(floor, "E74-SOCKET")

    spot.run(scenario)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("in_quote", [False, True])
def test_e74_a_market_order_whose_reply_and_frames_are_lost_fills_once(spot: Shared, side: str, in_quote: bool) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E74-MARKET-{side}-{in_quote}"
        with lost(floor, "error_after", "POST /v2/orders/market", *SILENCE):
            floor.submit(order, "MARKET", side, "5000" if in_quote else "0.01", quote_quantity=in_quote)
            await is_filled(floor, order)
        assert placed(floor, order) == 1

    spot.run(scenario)


@pytest.mark.parametrize("kind", LOST_AFTER)
def test_e75_a_cancel_that_took_effect_unseen_is_found(spot: Shared, kind: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E75-{kind.replace('_', '-')}"
        floor.rest(order)
        await floor.node.sees(order, "Accepted")
        with lost(floor, kind, "DELETE /v2/orders/order", *SILENCE):
            floor.node.tell("cancel", orders=[order])
            await floor.node.sees(order, "Canceled")
        assert "CancelRejected" not in floor.node.story(order)

    spot.run(scenario)


@pytest.mark.parametrize("kind", LOST_BEFORE)
def test_e75_a_cancel_that_never_arrived_leaves_the_order_open(spot: Shared, kind: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E75-{kind.replace('_', '-')}"
        floor.rest(order)
        await floor.node.sees(order, "Accepted")
        with lost(floor, kind, "DELETE /v2/orders/order"):
            floor.node.tell("cancel", orders=[order])
            await floor.node.sees(order, "CancelRejected")
        await floor.node.agrees(lambda shown: shown.orders[order].status == "ACCEPTED")
        await take_back(floor, order)

    spot.run(scenario)


@pytest.mark.parametrize("kind", [*LOST_AFTER, *LOST_BEFORE])
def test_e76_a_modify_of_unknown_outcome_is_settled_by_the_orders_state(spot: Shared, kind: str) -> None:
    async def scenario(floor: Floor) -> None:
        order, took_effect = f"E76-{kind.replace('_', '-')}", kind in LOST_AFTER
        floor.rest(order)
        await floor.node.sees(order, "Accepted")
        before, wanted = str(floor.order(order).price), floor.price("BUY", "0.8")
        with lost(floor, kind, "PUT /v2/orders/modify", *SILENCE):
            floor.node.tell("modify", order=order, price=wanted)
            await floor.node.sees(order, "Updated" if took_effect else "ModifyRejected")
        shown = await floor.node.agrees(lambda shown: shown.orders[order].status == "ACCEPTED")
        assert shown.orders[order].price == (wanted if took_effect else before)
        await take_back(floor, order)

    spot.run(scenario)


@pytest.mark.parametrize("kind", [*LOST_AFTER, *LOST_BEFORE])
def test_e77_a_list_of_unknown_outcome_is_settled_order_by_order(spot: Shared, kind: str) -> None:
    async def scenario(floor: Floor) -> None:
        names = [f"E77-{kind.replace('_', '-')}-{number}" for number in range(3)]
        took_effect = kind in LOST_AFTER
        with lost(floor, kind, "POST /v1/batch/orders", *SILENCE):
            _submit_list(floor, names)
            for name in names:
                await floor.node.sees(name, "Accepted" if took_effect else "Rejected")
        assert [placed(floor, name) for name in names] == [int(took_effect)] * 3
        if took_effect:
            await take_back(floor, *names)

    spot.run(scenario)


@pytest.mark.parametrize("kind", [*LOST_AFTER, *LOST_BEFORE])
def test_e77_a_batch_of_cancels_of_unknown_outcome_is_settled_order_by_order(spot: Shared, kind: str) -> None:
    async def scenario(floor: Floor) -> None:
        names = [f"E77-CANCEL-{kind.replace('_', '-')}-{number}" for number in range(3)]
        for name in names:
            floor.rest(name)
            await floor.node.sees(name, "Accepted")
        took_effect = kind in LOST_AFTER
        with lost(floor, kind, "POST /v1/batch/orders", *SILENCE):
            floor.node.tell("cancel_all", instrument=BTCZAR)
            for name in names:
                await floor.node.sees(name, "Canceled" if took_effect else "CancelRejected")
        if not took_effect:
            await take_back(floor, *names)

    spot.run(scenario)


def _submit_list(floor: Floor, names: list[str]) -> None:
    terms = {"type": "LIMIT", "instrument": BTCZAR, "side": "BUY", "size": "0.01", "price": floor.price("BUY")}
    floor.node.tell("submit_list", orders=[{"id": name, **terms} for name in names])
