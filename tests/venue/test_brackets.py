"""E50-E53: an entry with stop and target. VALR has no brackets: the engine emulates the two and arms them by the fill.

On spot a buy pays its fee in base, so that the position is smaller than the entry. Both ways out are reduce-only, and
the adapter cuts them to the position: neither sells more than was bought.
"""

from decimal import Decimal

import pytest

from tests.venue.floors import Shared
from tests.venue.node import BTCZAR, ETHZAR, PERPETUAL, Floor

STOPS = {"BUY": "0.998", "SELL": "1.002"}
TARGETS = {"BUY": "1.002", "SELL": "0.998"}


def bracket(
    floor: Floor, name: str, side: str = "BUY", size: str = "0.1", instrument: str = ETHZAR, **entry: object
) -> None:
    """Stop and target a fifth of a percent from the last price."""
    floor.node.tell(
        "submit_bracket",
        instrument=instrument,
        side=side,
        size=size,
        entry_id=f"{name}-IN",
        stop_id=f"{name}-STOP",
        target_id=f"{name}-TARGET",
        stop=floor.last(STOPS[side], instrument),
        target=floor.last(TARGETS[side], instrument),
        **entry,
    )


async def is_over(floor: Floor, taken: str, other: str, instrument: str) -> None:
    """Wait until one way out has filled, the other is canceled and nothing is held."""
    shown = await floor.node.agrees(
        lambda shown: shown.orders[taken].status == "FILLED" and shown.orders[other].status == "CANCELED"
    )
    assert instrument not in shown.positions
    assert floor.node.story(other)[-1] == "Canceled"


@pytest.mark.parametrize("way", ["STOP", "TARGET"])
def test_e50_e52_a_buy_on_spot_ends_by_stop_or_target_with_just_what_it_holds(spot: Shared, way: str) -> None:
    async def scenario(floor: Floor) -> None:
        name, other = f"E50-{way}", "TARGET" if way == "STOP" else "STOP"
        bracket(floor, name)
        for child in ("STOP", "TARGET"):
            await floor.node.sees(f"{name}-{child}", "Emulated")
        assert "Filled" in floor.node.story(f"{name}-IN")
        floor.move_to(floor.last("0.997" if way == "STOP" else "1.003", ETHZAR), ETHZAR)
        await is_over(floor, f"{name}-{way}", f"{name}-{other}", ETHZAR)
        assert floor.order(f"{name}-{way}").executed == Decimal("0.09965")

    spot.run(scenario)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("way", ["STOP", "TARGET"])
def test_e50_e51_on_a_perpetual_both_sides_end_by_stop_or_target(futures: Shared, side: str, way: str) -> None:
    async def scenario(floor: Floor) -> None:
        name, other = f"E51-{side}-{way}", "TARGET" if way == "STOP" else "STOP"
        bracket(floor, name, side, "0.01", PERPETUAL)
        for child in ("STOP", "TARGET"):
            await floor.node.sees(f"{name}-{child}", "Emulated")
        falls = (way == "STOP") == (side == "BUY")
        floor.move_to(floor.last("0.997" if falls else "1.003", PERPETUAL), PERPETUAL)
        await is_over(floor, f"{name}-{way}", f"{name}-{other}", PERPETUAL)

    futures.run(scenario)


def test_e52_e53_a_post_only_entry_arms_nothing_until_it_fills_and_then_as_much(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        down = floor.last("0.997", ETHZAR)
        bracket(floor, "E53", entry_price=floor.price("BUY", "0.999", ETHZAR), post_only=True)
        await floor.node.sees("E53-IN", "Accepted")
        shown = await floor.node.show()
        assert {shown.orders[f"E53-{child}"].status for child in ("STOP", "TARGET")} == {"INITIALIZED"}
        floor.trade_against("E53-IN", "0.04")
        await floor.node.sees("E53-STOP", "Emulated")
        await floor.node.agrees(
            lambda shown: {shown.orders[f"E53-{child}"].quantity for child in ("STOP", "TARGET")} == {"0.04000000"}
        )
        floor.trade_against("E53-IN", "0.06")
        await floor.node.agrees(
            lambda shown: {shown.orders[f"E53-{child}"].quantity for child in ("STOP", "TARGET")} == {"0.10000000"}
        )
        floor.move_to(down, ETHZAR)
        await is_over(floor, "E53-STOP", "E53-TARGET", ETHZAR)
        assert floor.order("E53-STOP").executed == Decimal("0.09982")

    spot.run(scenario)


def test_e53_an_entry_that_is_canceled_in_part_leaves_its_ways_out_for_the_part(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        up = floor.last("1.003", ETHZAR)
        bracket(floor, "E53-PART", entry_price=floor.price("BUY", "0.999", ETHZAR), post_only=True)
        await floor.node.sees("E53-PART-IN", "Accepted")
        floor.trade_against("E53-PART-IN", "0.04")
        await floor.node.sees("E53-PART-STOP", "Emulated")
        floor.node.tell("cancel", orders=["E53-PART-IN"])
        await floor.node.sees("E53-PART-IN", "Canceled")
        floor.move_to(up, ETHZAR)
        await is_over(floor, "E53-PART-TARGET", "E53-PART-STOP", ETHZAR)

    spot.run(scenario)


def test_e53_an_entry_that_ends_without_a_fill_takes_its_ways_out_with_it(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        crossing = floor.price("BUY", "1.01", ETHZAR)
        bracket(floor, "E53-CROSS", entry_price=crossing, post_only=True)
        assert (await floor.node.sees("E53-CROSS-IN", "Rejected"))["due_post_only"]
        bracket(floor, "E53-BACK", entry_price=floor.price("BUY", "0.9", ETHZAR), post_only=True)
        await floor.node.sees("E53-BACK-IN", "Accepted")
        floor.node.tell("cancel", orders=["E53-BACK-IN"])
        for name in ("E53-CROSS", "E53-BACK"):
            for child in ("STOP", "TARGET"):
                await floor.node.sees(f"{name}-{child}", "Canceled")

    spot.run(scenario)


def test_e50_a_bracket_that_nobody_emulates_is_denied(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        bracket(floor, "E50-BARE", instrument=BTCZAR, is_emulated=False)
        assert "emulation_trigger" in (await floor.node.sees("E50-BARE-IN", "Denied"))["reason"]
        for child in ("STOP", "TARGET"):
            await floor.node.sees(f"E50-BARE-{child}", "Denied", "Canceled")

    spot.run(scenario)
