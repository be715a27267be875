"""E20-E27: stops and touches of both sides, the venue's own and those that the engine emulates, really triggered."""

import pytest

from tests.venue.floors import Shared, is_filled
from tests.venue.node import PERPETUAL, Floor

EMULATED = ["Initialized", "Emulated", "Initialized", "Released", "Submitted", "Accepted", "Filled"]
NATIVE = ["Initialized", "Submitted", "Accepted", "Triggered", "Filled"]

# A stop waits behind the market and a touch before it; of the limit prices the market is well past when they trigger.
STOPS = [("BUY", "1.002", "1.02"), ("SELL", "0.998", "0.98")]
TOUCHES = [("BUY", "0.998", "1.01"), ("SELL", "1.002", "0.99")]


def beyond(trigger: str) -> str:
    """A price past a trigger, seen from the market."""
    return "1.003" if trigger > "1" else "0.997"


def told_once(story: list[str]) -> list[str]:
    """A story in which fills that follow each other are one."""
    return [step for step, before in zip(story, ["", *story], strict=False) if (step, before) != ("Filled", "Filled")]


@pytest.mark.parametrize(
    ("kind", "side", "trigger"),
    [
        *(("STOP_MARKET", side, trigger) for side, trigger, _ in STOPS),
        *(("MARKET_IF_TOUCHED", side, trigger) for side, trigger, _ in TOUCHES),
    ],
)
def test_e20_e21_e24_e25_the_engine_emulates_what_ends_as_a_market_order(
    spot: Shared, kind: str, side: str, trigger: str
) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E20-{kind.replace('_', '-')}-{side}"
        floor.submit(order, kind, side, "0.001", trigger=floor.last(trigger), emulate="BID_ASK")
        await floor.node.sees(order, "Emulated")
        floor.move_to(floor.last(beyond(trigger)))
        await is_filled(floor, order)
        assert told_once(floor.node.story(order)) == EMULATED

    spot.run(scenario)


@pytest.mark.parametrize("kind", ["STOP_MARKET", "MARKET_IF_TOUCHED"])
def test_e20_e25_without_an_emulation_trigger_they_are_denied(spot: Shared, kind: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E20-{kind.replace('_', '-')}"
        floor.submit(order, kind, "SELL", "0.001", trigger=floor.last("0.9"))
        assert "emulation_trigger" in (await floor.node.sees(order, "Denied"))["reason"]

    spot.run(scenario)


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "limit"),
    [
        *(("STOP_LIMIT", *stop) for stop in STOPS),
        *(("LIMIT_IF_TOUCHED", *touch) for touch in TOUCHES),
    ],
)
def test_e22_e23_e26_e27_the_venue_triggers_what_ends_as_a_limit_order(
    spot: Shared, kind: str, side: str, trigger: str, limit: str
) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E22-{kind.replace('_', '-')}-{side}"
        floor.submit(order, kind, side, "0.001", trigger=floor.last(trigger), price=floor.last(limit))
        await floor.node.sees(order, "Accepted")
        assert floor.order(order).status == "Active"
        floor.move_to(floor.last(beyond(trigger)))
        await is_filled(floor, order)
        assert told_once(floor.node.story(order)) == NATIVE

    spot.run(scenario)


@pytest.mark.parametrize(("side", "trigger", "limit"), [("BUY", "1.002", "0.95"), ("SELL", "0.998", "1.05")])
def test_e22_e23_a_triggered_stop_whose_limit_is_not_reached_rests(
    spot: Shared, side: str, trigger: str, limit: str
) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E22-RESTS-{side}"
        floor.submit(order, "STOP_LIMIT", side, "0.001", trigger=floor.last(trigger), price=floor.last(limit))
        await floor.node.sees(order, "Accepted")
        floor.move_to(floor.last(beyond(trigger)))
        await floor.node.sees(order, "Triggered")
        floor.node.tell("cancel", orders=[order])
        await floor.node.sees(order, "Canceled")

    spot.run(scenario)


@pytest.mark.parametrize(("kind", "trigger"), [("STOP_LIMIT", "1.002"), ("LIMIT_IF_TOUCHED", "0.998")])
def test_e22_e26_a_stop_that_would_trigger_at_once_is_rejected(spot: Shared, kind: str, trigger: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E22-LATE-{kind.replace('_', '-')}"
        floor.submit(order, kind, "SELL", "0.001", trigger=floor.last(trigger), price=floor.last("0.99"))
        await floor.node.sees(order, "Rejected")

    spot.run(scenario)


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "limit"),
    [
        *(("STOP_LIMIT", *stop) for stop in STOPS),
        *(("LIMIT_IF_TOUCHED", *touch) for touch in TOUCHES),
        *(("STOP_MARKET", side, trigger, None) for side, trigger, _ in STOPS),
        *(("MARKET_IF_TOUCHED", side, trigger, None) for side, trigger, _ in TOUCHES),
    ],
)
def test_e20_e27_on_a_perpetual_the_engine_emulates_all_of_them(
    futures: Shared, kind: str, side: str, trigger: str, limit: str | None
) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E27-{kind.replace('_', '-')}-{side}"
        price = {} if limit is None else {"price": floor.last(limit, PERPETUAL)}
        floor.submit(
            order, kind, side, "0.001", PERPETUAL, trigger=floor.last(trigger, PERPETUAL), emulate="BID_ASK", **price
        )
        await floor.node.sees(order, "Emulated")
        floor.move_to(floor.last(beyond(trigger), PERPETUAL), PERPETUAL)
        await is_filled(floor, order)
        assert told_once(floor.node.story(order)) == EMULATED

    futures.run(scenario)


def test_e22_e26_on_a_perpetual_they_are_denied_without_an_emulation_trigger(futures: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        for kind in ("STOP_LIMIT", "LIMIT_IF_TOUCHED"):
            order = f"E27-{kind.replace('_', '-')}"
            floor.submit(
                order,
                kind,
                "SELL",
                "0.001",
                PERPETUAL,
                trigger=floor.last("0.9", PERPETUAL),
                price=floor.last("0.9", PERPETUAL),
            )
            assert "emulation_trigger" in (await floor.node.sees(order, "Denied"))["reason"]

    futures.run(scenario)
