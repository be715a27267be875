"""E30-E44, A03 and A06: what a strategy may change about an order that is open, and how it takes orders back."""

from decimal import Decimal

from helios_nautilus.simulator.exchange.faults import FaultScript
from tests.venue.floors import Shared, is_filled, take_back
from tests.venue.node import BTCZAR, PERPETUAL, Floor
from tests.venue.told import Snapshot

CANCELED = ["PendingCancel", "Canceled"]


async def rests_with(floor: Floor, order: str, *, price: str | None = None, size: str | None = None) -> None:
    """Wait until an order rests with these terms, and nothing is under way."""

    def holds(shown: Snapshot) -> bool:
        found = shown.orders[order]
        is_priced = price is None or found.price == price
        is_sized = size is None or Decimal(found.quantity) == Decimal(size)
        return is_priced and is_sized and found.status == "ACCEPTED"

    await floor.node.agrees(holds)


def test_e30_price_and_size_of_a_resting_order_are_modified_under_its_id(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E30")
        accepted = await floor.node.sees("E30", "Accepted")
        for changes in ({"price": floor.price("BUY", "0.8")}, {"size": "0.02"}, {"price": floor.price("BUY", "0.85")}):
            floor.node.tell("modify", order="E30", **changes)
            await rests_with(floor, "E30", **changes)
        assert floor.node.story("E30").count("Updated") == 3
        assert floor.order("E30").order_id == accepted["venue_order_id"]
        await take_back(floor, "E30")

    spot.run(scenario)


def test_e30_a_perpetuals_order_is_modified_too(futures: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E30", "SELL", "0.01", PERPETUAL)
        await floor.node.sees("E30", "Accepted")
        price = floor.price("SELL", "1.2", PERPETUAL)
        floor.node.tell("modify", order="E30", price=price, size="0.02")
        await rests_with(floor, "E30", price=price, size="0.02")
        await take_back(floor, "E30")

    futures.run(scenario)


def test_e30_the_size_of_a_partly_filled_order_is_its_total(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E30-PART", "SELL")
        await floor.node.sees("E30-PART", "Accepted")
        floor.trade_against("E30-PART", "0.004")
        await floor.node.sees("E30-PART", "Filled")
        floor.node.tell("modify", order="E30-PART", size="0.006")
        await floor.node.sees("E30-PART", "Updated")
        assert floor.order("E30-PART").remaining == Decimal("0.002")
        floor.trade_against("E30-PART", "0.002")
        await is_filled(floor, "E30-PART")

    spot.run(scenario)


def test_e31_a_cancel_replace_is_a_cancel_and_a_new_order(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E31-A", "SELL")
        await floor.node.sees("E31-A", "Accepted")
        await take_back(floor, "E31-A")
        floor.rest("E31-B", "SELL", price=floor.price("SELL", "1.2"))
        await floor.node.sees("E31-B", "Accepted")
        await take_back(floor, "E31-B")

    spot.run(scenario)


def test_e32_e33_a_stop_at_the_venue_cannot_be_modified_and_stays(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        terms = {"trigger": floor.last("0.9"), "price": floor.last("0.89")}
        floor.submit("E32", "STOP_LIMIT", "SELL", "0.01", **terms)
        await floor.node.sees("E32", "Accepted")
        floor.node.tell("modify", order="E32", trigger=floor.last("0.8"))
        assert "cancel the order" in (await floor.node.sees("E32", "ModifyRejected"))["reason"]
        await floor.node.agrees(lambda shown: shown.orders["E32"].status == "ACCEPTED")
        await take_back(floor, "E32")

    spot.run(scenario)


def test_e32_e33_an_emulated_stop_is_modified_by_the_engine(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.submit("E33", "STOP_MARKET", "SELL", "0.01", trigger=floor.last("0.9"), emulate="BID_ASK")
        await floor.node.sees("E33", "Emulated")
        floor.node.tell("modify", order="E33", trigger=floor.last("0.998"), size="0.001")
        await floor.node.sees("E33", "Updated")
        floor.move_to(floor.last("0.997"))
        shown = await is_filled(floor, "E33")
        assert shown.orders["E33"].filled == "0.00100000"

    spot.run(scenario)


def test_e34_e36_a_modify_that_would_match_is_refused_and_the_order_stays(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E36", post_only=True)
        await floor.node.sees("E36", "Accepted")
        price = str(floor.order("E36").price)
        floor.node.tell("modify", order="E36", price=floor.price("SELL", "1.01"))
        await floor.node.sees("E36", "ModifyRejected")
        await rests_with(floor, "E36", price=price, size="0.01")
        await take_back(floor, "E36")

    spot.run(scenario)


def test_e35_a_modify_for_which_the_money_is_missing_is_refused_and_the_order_stays(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E35", "SELL")
        await floor.node.sees("E35", "Accepted")
        floor.node.tell("modify", order="E35", size="5")
        await floor.node.sees("E35", "ModifyRejected")
        await take_back(floor, "E35")

    spot.run(scenario)


def test_a06_a_fill_during_a_modify_leaves_what_truly_remains(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("A06", "SELL")
        await floor.node.sees("A06", "Accepted")
        floor.play("fill_on_modify", fraction=0.4, nth=1)
        floor.node.tell("modify", order="A06", size="0.02")
        shown = await floor.node.agrees(
            lambda shown: (
                Decimal(shown.orders["A06"].quantity) == Decimal("0.02") and "0.004" in shown.orders["A06"].filled
            )
        )
        assert shown.orders["A06"].is_open
        assert floor.order("A06").remaining == Decimal("0.016")
        floor.exchange.play(FaultScript())
        await take_back(floor, "A06")

    spot.run(scenario)


def test_e40_one_order_is_canceled_with_what_it_has_filled(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E40")
        await floor.node.sees("E40", "Accepted")
        floor.trade_against("E40", "0.003")
        await floor.node.sees("E40", "Filled")
        await take_back(floor, "E40")
        assert floor.node.story("E40")[-3:] == ["Filled", *CANCELED]

    spot.run(scenario)


def test_e41_all_orders_of_a_side_then_all_are_canceled(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        buys, sell = ["E41-1", "E41-2"], "E41-3"
        for name in buys:
            floor.rest(name)
        floor.rest(sell, "SELL")
        for name in (*buys, sell):
            await floor.node.sees(name, "Accepted")
        floor.node.tell("cancel_all", instrument=BTCZAR, side="BUY")
        for name in buys:
            await floor.node.sees(name, "Canceled")
        assert (await floor.node.show()).orders[sell].is_open
        floor.node.tell("cancel_all", instrument=BTCZAR)
        await floor.node.sees(sell, "Canceled")

    spot.run(scenario)


def test_e42_e43_orders_are_canceled_one_by_one_and_in_a_batch(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        for as_batch in (False, True):
            names = [f"E42-{as_batch}-{number}" for number in range(25 if as_batch else 3)]
            for name in names:
                floor.rest(name, size="0.0001")
            for name in names:
                await floor.node.sees(name, "Accepted")
            floor.node.tell("cancel", orders=names, as_batch=as_batch)
            for name in names:
                await floor.node.sees(name, "Canceled")

    spot.run(scenario)


def test_e44_a03_a_cancel_that_comes_too_late_ends_as_the_order_did(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        for name in ("E44-ONE", "E44-BATCH", "E44-MODIFY"):
            floor.rest(name, "SELL")
            await floor.node.sees(name, "Accepted")
        # The market takes them before the node can know.
        for name, command in (
            ("E44-ONE", {"do": "cancel", "orders": ["E44-ONE"]}),
            ("E44-BATCH", {"do": "cancel", "orders": ["E44-BATCH"], "as_batch": True}),
            ("E44-MODIFY", {"do": "modify", "order": "E44-MODIFY", "price": floor.price("SELL", "1.2")}),
        ):
            floor.node.tell(**command)
            floor.trade_against(name, "0.01")
            await is_filled(floor, name)
            assert not {"CancelRejected", "Canceled"} & set(floor.node.story(name))

    spot.run(scenario)


def test_e44_a_cancel_of_a_closed_order_does_nothing(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E44")
        await floor.node.sees("E44", "Accepted")
        await take_back(floor, "E44")
        story = floor.node.story("E44")
        floor.node.tell("cancel", orders=["E44"])
        await floor.node.show()
        assert floor.node.story("E44") == story

    spot.run(scenario)


def test_e44_an_order_that_another_hand_has_canceled_is_canceled_here(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E44-OTHER")
        await floor.node.sees("E44-OTHER", "Accepted")
        venue = floor.exchange.venue
        venue.engine.cancel(floor.order("E44-OTHER"), venue.now_ns)
        await floor.node.sees("E44-OTHER", "Canceled")

    spot.run(scenario)
