"""Fills: counted once, charged in the right currency, sorted into maker and taker."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.enums import LiquiditySide
from nautilus_trader.model.instruments import CurrencyPair

from helios_nautilus.adapters.valr.api.schemas.account import Balance, Fill
from helios_nautilus.adapters.valr.api.schemas.account_socket import ACCOUNT_FRAMES, BalanceUpdate
from helios_nautilus.adapters.valr.api.wire import WireDecoder
from helios_nautilus.adapters.valr.fills import SeenTrades, commission_of, liquidity_of
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.adapters.valr.money import Holding, build_balances, currency_of, holding_of

PAYLOADS = Path(__file__).parents[3] / "payloads" / "valr"
BTCZAR = build_instrument("BTCZAR.VALR")


def fill(**changes: Any) -> Fill:
    row = {
        "id": "t1",
        "orderId": "o1",
        "currencyPair": "BTCZAR",
        "side": "buy",
        "price": "1000000",
        "quantity": "0.01",
        "tradedAt": "2025-07-04T08:38:13.407Z",
    }
    return _decode(row | changes)


def _decode(row: dict[str, Any]) -> Fill:
    return WireDecoder[Fill](Fill).decode(msgspec.json.encode(row))


def test_a_trade_counts_once_and_the_oldest_are_forgotten() -> None:
    seen = SeenTrades(capacity=2)
    assert [seen.add(trade_id) for trade_id in ("a", "b", "a", "c")] == [True, True, False, True]
    assert len(seen) == 2
    assert seen.add("a")


def test_a_recorded_fill_pays_its_fee_in_the_currency_it_names() -> None:
    recorded = WireDecoder[list[Fill]](list[Fill]).decode(
        (PAYLOADS / "rest_account_tradehistory_filtered.json").read_bytes()
    )
    # 0.0032064 on the wire: the engine's XRP has six decimals.
    assert str(commission_of(recorded[0], BTCZAR)) == "0.003206 XRP"


def test_a_makers_reward_is_a_negative_commission() -> None:
    paid = commission_of(fill(makerReward="0.0001", makerRewardCurrency="ZAR"), BTCZAR)
    assert (paid.as_decimal(), paid.currency.code) == (Decimal("0.00"), "ZAR")
    paid = commission_of(fill(makerReward="1.25", makerRewardCurrency="ZAR"), BTCZAR)
    assert paid.as_decimal() == Decimal("-1.25")


def test_no_fee_at_all_is_nothing_in_quote() -> None:
    assert str(commission_of(fill(), BTCZAR)) == "0.00 ZAR"


def test_twelve_decimals_are_rounded_to_the_nearest_unit() -> None:
    assert commission_of(fill(fee="0.000000413778", feeCurrency="BTC"), BTCZAR).as_decimal() == Decimal("0.00000041")


@pytest.mark.parametrize(
    ("rate", "side"),
    [
        (BTCZAR.taker_fee, LiquiditySide.TAKER),
        (BTCZAR.maker_fee, LiquiditySide.MAKER),
        (Decimal("0.0007"), LiquiditySide.NO_LIQUIDITY_SIDE),
    ],
)
def test_the_rate_of_the_fee_tells_the_side(rate: Decimal, side: LiquiditySide) -> None:
    assert isinstance(BTCZAR, CurrencyPair)
    in_base = fill(fee=f"{Decimal('0.01') * rate:f}", feeCurrency="BTC")
    in_quote = fill(fee=f"{Decimal('10000') * rate:f}", feeCurrency="ZAR")
    assert liquidity_of(in_base, BTCZAR, None) is side
    assert liquidity_of(in_quote, BTCZAR, None) is side


def test_a_reward_is_for_makers_only() -> None:
    assert liquidity_of(fill(makerReward="1", makerRewardCurrency="ZAR"), BTCZAR, None) is LiquiditySide.MAKER


@given(st.decimals("-100", "1000000", places=12), st.decimals(0, "1000000", places=12))
def test_total_is_locked_plus_free_and_never_more_than_the_venue_has(total: Decimal, locked: Decimal) -> None:
    (balance,) = build_balances([Holding("ZAR", total, locked)])
    assert balance.total.as_decimal() == balance.locked.as_decimal() + balance.free.as_decimal()
    assert balance.total.as_decimal() <= total


def test_the_rand_has_two_names_and_is_one_currency() -> None:
    assert currency_of("R") == currency_of("ZAR")


def test_both_spellings_of_a_balance_are_read() -> None:
    balances = WireDecoder[list[Balance]](list[Balance]).decode((PAYLOADS / "rest_account_balances.json").read_bytes())
    assert {holding_of(balance).code for balance in balances} == {balance.currency for balance in balances}
    frame = ACCOUNT_FRAMES.decode((PAYLOADS / "ws_account_BALANCE_UPDATE.json").read_bytes())
    assert isinstance(frame, BalanceUpdate)
    assert holding_of(frame.data) == Holding("BTC", Decimal("0.00002887"), Decimal(0))
