from decimal import Decimal

import pytest

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.report import numerals


def plain(text: str) -> str:
    return text.replace(numerals.SPACE, " ").replace("\u2212", "-")


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (1_234_567.89, "ZAR", "R1 234 567.89"),
        (-1_066.156, "ZAR", "-R1 066.16"),
        (Decimal("12.5"), "USDT", "USDT 12.50"),
        (0.05, "BTC", "BTC 0.05000000"),
        (-0.001, "ZAR", "R0.00"),
        (None, "ZAR", "–"),
        (float("nan"), "ZAR", "–"),
        (float("inf"), "ZAR", "–"),
    ],
)
def test_money_is_written_in_the_account_currency(value: float | None, currency: str, text: str) -> None:
    assert plain(numerals.money(value, currency)) == text


def test_a_signed_figure_shows_a_plus_but_zero_shows_none() -> None:
    assert plain(numerals.money(3, "ZAR", signed=True)) == "+R3.00"
    assert plain(numerals.percent(0.1234, signed=True)) == "+12.34 %"
    assert plain(numerals.percent(-0.000001, signed=True)) == "0.00 %"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_650_123.4, "1 650 123"), (52_401.26, "52 401.3"), (2_312.871, "2 312.87"), (0.0001234567, "0.000123457")],
)
def test_a_price_keeps_about_six_digits(value: float, text: str) -> None:
    assert plain(numerals.price(value)) == text


def test_a_price_of_zero_is_written() -> None:
    assert numerals.price(0.0) == "0"


def test_a_quantity_is_exact_and_never_in_powers_of_ten() -> None:
    assert numerals.quantity(Decimal("0.00000100")) == "0.000001"
    assert numerals.quantity(Decimal("1E+3")) == "1000"


@pytest.mark.parametrize(
    ("minutes", "text"), [(12, "12 min"), (235, "3 h 55 min"), (59.9, "1 h 0 min"), (26 * 60, "1 d 2 h")]
)
def test_a_duration_is_written_in_its_two_largest_units(minutes: float, text: str) -> None:
    assert plain(numerals.duration(minutes * NS_PER_MIN)) == text


def test_a_moment_is_utc_to_the_minute() -> None:
    assert numerals.moment(1_767_225_600 * 1_000_000_000 + NS_PER_DAY) == "2026-01-02 00:00"
