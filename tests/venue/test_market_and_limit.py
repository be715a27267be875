"""E01-E19: market and limit orders of every time in force, and the close of a position."""

from decimal import Decimal

import pytest

from tests.venue.floors import Shared, is_filled
from tests.venue.node import ETHZAR, PERPETUAL, Floor
from tests.venue.told import Snapshot

FILLED = ["Initialized", "Submitted", "Accepted", "Filled"]
CANCELED = ["Initialized", "Submitted", "Accepted", "Canceled"]


def fills_of(floor: Floor, order: str) -> list[tuple[Decimal, Decimal]]:
    """Price and quantity of each."""
    return [(Decimal(fill["last_px"]), Decimal(fill["last_qty"])) for fill in floor.node.of("OrderFilled", order)]


def currencies_of(floor: Floor, order: str) -> set[str]:
    """What its commissions were charged in."""
    return {fill["commission"].split()[1] for fill in floor.node.of("OrderFilled", order)}


def test_e01_e06_a_market_buy_pays_its_fee_in_base_and_the_close_sells_what_is_left(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.submit("E01", "MARKET", "BUY", "0.1", ETHZAR)
        shown = await is_filled(floor, "E01")
        assert currencies_of(floor, "E01") == {"ETH"}
        assert shown.positions[ETHZAR] == "0.09965000"
        floor.node.tell("close", instrument=ETHZAR)
        await floor.node.agrees(lambda shown: ETHZAR not in shown.positions)

    spot.run(scenario)


def test_e02_a_market_sell_pays_its_fee_in_quote(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.submit("E02", "MARKET", "SELL", "0.01")
        await is_filled(floor, "E02")
        assert currencies_of(floor, "E02") == {"ZAR"}

    spot.run(scenario)


def needs_as_much_margin(floor: Floor, shown: Snapshot) -> bool:
    """As the venue says, in rand: within a thousandth, for the rand price of a dollar moves on."""
    venue = floor.exchange.venue
    state = venue.engine.margin.state(venue.accounts[floor.login.account_id])
    if "ZAR" not in shown.margins:
        return False
    found = Decimal(shown.margins["ZAR"].initial)
    return found > 0 and abs(found / state.initial_required - 1) < Decimal("0.001")


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_e01_e02_e06_a_perpetual_is_opened_and_closed_and_pays_in_quote(futures: Shared, side: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E06-{side}"
        floor.submit(order, "MARKET", side, "0.02", PERPETUAL)
        shown = await floor.node.agrees(lambda shown: PERPETUAL in shown.positions)
        assert shown.positions[PERPETUAL] == ("0.0200" if side == "BUY" else "-0.0200")
        assert currencies_of(floor, order) == {"USDT"}
        await floor.node.agrees(lambda shown: needs_as_much_margin(floor, shown))
        floor.node.tell("close", instrument=PERPETUAL)
        await floor.node.agrees(lambda shown: PERPETUAL not in shown.positions)

    futures.run(scenario)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_e03_a_market_order_may_say_that_it_is_ioc(spot: Shared, side: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E03-{side}"
        floor.submit(order, "MARKET", side, "0.01", tif="IOC")
        await is_filled(floor, order)

    spot.run(scenario)


def test_e04_a_market_order_with_fok_is_denied(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.submit("E04", "MARKET", "BUY", "0.01", tif="FOK")
        assert "FOK" in (await floor.node.sees("E04", "Denied"))["reason"]

    spot.run(scenario)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_e05_a_market_order_in_quote_spends_or_earns_that_amount(spot: Shared, side: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E05-{side}"
        floor.submit(order, "MARKET", side, "5000", quote_quantity=True)
        await is_filled(floor, order)
        worth = sum(price * size for price, size in fills_of(floor, order))
        assert 4999 < worth <= 5000

    spot.run(scenario)


def test_e10_e11_e12_limit_orders_rest_on_both_sides_and_fill_in_parts(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        for side, away in (("BUY", "0.9"), ("SELL", "1.1")):
            floor.submit(f"E12-{side}", "LIMIT", side, "0.01", price=floor.price(side, away))
        for side in ("BUY", "SELL"):
            await floor.node.sees(f"E12-{side}", "Accepted")
        for side in ("BUY", "SELL"):
            floor.trade_against(f"E12-{side}", "0.004")
            floor.trade_against(f"E12-{side}", "0.006")
            await is_filled(floor, f"E12-{side}")
            assert floor.node.story(f"E12-{side}") == [*FILLED, "Filled"]
            price = Decimal(floor.order(f"E12-{side}").price)
            assert fills_of(floor, f"E12-{side}") == [(price, Decimal("0.004")), (price, Decimal("0.006"))]
        assert currencies_of(floor, "E12-BUY") == {"BTC"}
        assert currencies_of(floor, "E12-SELL") == {"ZAR"}

    spot.run(scenario)


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_e13_e15_a_limit_order_that_crosses_fills_at_once(spot: Shared, side: str, tif: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E13-{tif}-{side}"
        away = "1.01" if side == "BUY" else "0.99"
        floor.submit(order, "LIMIT", side, "0.01", price=floor.price(side, away), tif=tif)
        await is_filled(floor, order)

    spot.run(scenario)


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_e14_e16_a_limit_order_that_finds_nothing_is_canceled(spot: Shared, side: str, tif: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E14-{tif}-{side}"
        away = "0.9" if side == "BUY" else "1.1"
        floor.submit(order, "LIMIT", side, "0.01", price=floor.price(side, away), tif=tif)
        await floor.node.sees(order, "Canceled")
        assert floor.node.story(order) == CANCELED

    spot.run(scenario)


def test_e13_e16_of_too_large_an_order_ioc_takes_what_there_is_and_fok_nothing(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        for tif in ("FOK", "IOC"):
            order = f"E16-{tif}"
            floor.submit(order, "LIMIT", "SELL", "0.1", price=floor.price("BUY", "1"), tif=tif)
            await floor.node.sees(order, "Canceled")
        assert floor.node.story("E16-FOK") == CANCELED
        shown = await floor.node.show()
        assert 0 < Decimal(shown.orders["E16-IOC"].filled) < Decimal("0.1")

    spot.run(scenario)


@pytest.mark.parametrize("tif", ["GTD", "DAY"])
def test_e17_e18_e19_orders_with_an_end_are_denied(spot: Shared, tif: str) -> None:
    async def scenario(floor: Floor) -> None:
        end = {"expires": "2100-01-01T00:00:00Z"} if tif == "GTD" else {}
        floor.submit(f"E17-{tif}", "LIMIT", "BUY", "0.01", price=floor.price("BUY"), tif=tif, **end)
        assert tif in (await floor.node.sees(f"E17-{tif}", "Denied"))["reason"]

    spot.run(scenario)
