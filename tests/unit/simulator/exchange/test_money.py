"""Fees, positions and balances agree with figures VALR published."""

import json
from decimal import Decimal, Inexact
from pathlib import Path
from typing import Any

import pytest

from helios_nautilus.simulator.exchange.decimals import EXACT, floor_ratio, share_of, text
from helios_nautilus.simulator.exchange.fees import charge
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.ledger import Ledger
from helios_nautilus.simulator.exchange.positions import Positions
from tests.unit.simulator.exchange.floor import BUY, LISTING, SELL

PAYLOADS = Path(__file__).parents[3] / "payloads" / "valr"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def test_a_taker_buy_is_charged_in_base_as_recorded() -> None:
    (fill,) = payload("rest_account_pair_tradehistory")
    found = charge(LISTING.pairs["BTCUSDT"], BUY, Decimal("0.1"), Decimal(fill["quantity"]), Decimal(0))
    assert (found.currency, text(found.amount)) == (fill["feeCurrency"], fill["fee"])


def test_a_maker_sell_is_charged_in_quote_as_recorded() -> None:
    row = payload("rest_orders_history_summary_post_only_filled")
    found = charge(LISTING.pairs["ETHBTC"], SELL, Decimal("0.08"), Decimal(0), Decimal(row["total"]))
    assert (found.currency, text(found.amount)) == (row["feeCurrency"], row["totalFee"])


def test_a_perpetual_is_charged_in_quote_on_both_sides() -> None:
    pair = LISTING.pairs["SOLUSDTPERP"]
    for side in (BUY, SELL):
        found = charge(pair, side, Decimal("0.02"), Decimal("0.05"), Decimal("0.05") * Decimal("85.91"))
        assert (found.currency, text(found.amount)) == ("USDT", "0.0008591")


@pytest.mark.parametrize("row", range(4))
def test_closing_a_position_realises_what_valr_recorded(row: int) -> None:
    one = payload("rest_positions_closed")[row]
    positions = Positions(IdSource(0))
    quantity, entry, close = (Decimal(one[name]) for name in ("quantity", "averageEntryPrice", "closePrice"))
    side = BUY if one["orderSide"] == "buy" else SELL
    pair = LISTING.pairs["SOLUSDTPERP"]
    entry_fee = Decimal(one["fees"]) / 2
    positions.trade("a", pair, side, entry, quantity, entry_fee, 1)
    effect = positions.trade("a", pair, side.opposite, close, quantity, Decimal(one["fees"]) - entry_fee, 2)
    assert effect.reduction is not None
    assert effect.closed is not None
    assert abs(effect.reduction.realised - Decimal(one["realisedPnl"])) <= Decimal("0.000001")
    assert effect.reduction.fees == Decimal(one["fees"])


def test_a_trade_through_zero_closes_and_opens_the_other_way() -> None:
    positions = Positions(IdSource(0))
    pair = LISTING.pairs["BTCUSDTPERP"]
    positions.trade("a", pair, BUY, Decimal(100), Decimal(1), Decimal(0), 1)
    effect = positions.trade("a", pair, SELL, Decimal(110), Decimal(3), Decimal(3), 2)
    position = positions.get("a", "BTCUSDTPERP")
    assert (effect.cash, effect.reduction and effect.reduction.fees) == (10, 1)
    assert position is not None
    assert (position.side, position.quantity, position.average_entry_price) == (SELL, 2, 110)


def test_the_ledger_raises_rather_than_lose_a_digit() -> None:
    ledger = Ledger()
    ledger.deposit("a", "ZAR", Decimal(10) ** 40, 0)
    with pytest.raises(Inexact):
        ledger.deposit("a", "ZAR", Decimal("1e-40"), 0)


def test_a_budget_is_never_exceeded_and_never_short_by_a_step() -> None:
    for budget, price in (("1000", "999983"), ("10", "3"), ("0.52", "93129")):
        amount = floor_ratio(Decimal(budget), Decimal(price), 8)
        assert EXACT.multiply(amount, Decimal(price)) <= Decimal(budget)
        assert EXACT.multiply(amount + Decimal("1e-8"), Decimal(price)) > Decimal(budget)


def test_shares_of_a_value_add_up_to_it() -> None:
    value, left, parts = Decimal("100.000000000001"), Decimal(3), []
    for _ in range(3):
        parts.append(share_of(value, Decimal(1), left))
        value, left = value - parts[-1], left - 1
    assert sum(parts) == Decimal("100.000000000001")
    assert value == 0


@pytest.mark.parametrize(
    ("value", "shown"), [("6.00E-7", "0.0000006"), ("-0.0", "0"), ("100.500", "100.5"), ("1E+3", "1000")]
)
def test_amounts_are_written_plainly(value: str, shown: str) -> None:
    assert text(Decimal(value)) == shown
