from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.portfolio.books import Books
from helios_nautilus.domain.timeframe import NS_PER_SEC

DUST = Decimal("0.0001")
LATER = 61 * NS_PER_SEC


def opened(total: str = "1") -> Books:
    books = Books(patience_secs=60.0)
    books.balance("BTC", Decimal(total))
    return books


def test_what_our_fills_explain_is_no_difference() -> None:
    books = opened()
    books.trade("BTC", Decimal("0.4996"))
    books.balance("BTC", Decimal("1.4996"))

    assert books.check("BTC", DUST, 0) is None
    assert books.check("BTC", DUST, LATER) is None


def test_a_fill_told_before_its_balance_is_no_difference_unless_the_balance_never_comes() -> None:
    books = opened()
    books.trade("BTC", Decimal("0.5"))

    assert books.check("BTC", DUST, 0) is None
    found = books.check("BTC", DUST, LATER)

    assert found is not None
    assert found.words.startswith("VALR has 1 BTC, our books say 1.5: 0.5 less;")


def test_a_difference_is_told_once_and_then_the_venue_s_word_counts() -> None:
    books = opened()
    books.balance("BTC", Decimal("3"))
    books.check("BTC", DUST, 0)
    assert books.check("BTC", DUST, LATER) is not None

    assert books.check("BTC", DUST, 3 * LATER) is None
    books.trade("BTC", Decimal("-1"))
    books.balance("BTC", Decimal("2"))
    assert books.check("BTC", DUST, 5 * LATER) is None


def test_a_difference_that_goes_away_in_time_was_none() -> None:
    books = opened()
    books.balance("BTC", Decimal("3"))
    books.check("BTC", DUST, 0)
    books.balance("BTC", Decimal("1"))
    assert books.check("BTC", DUST, 30 * NS_PER_SEC) is None
    books.balance("BTC", Decimal("3"))

    assert books.check("BTC", DUST, LATER) is None, "counted from now on"


def test_dust_and_a_fee_that_nobody_told_are_none() -> None:
    books = opened()
    books.trade("BTC", Decimal("1"), unsure=Decimal("0.005"))
    books.balance("BTC", Decimal("1.9949"))

    books.check("BTC", DUST, 0)
    assert books.check("BTC", DUST, LATER) is None


def test_of_a_currency_that_the_venue_never_told_nothing_is_said() -> None:
    books = opened()
    books.trade("ETH", Decimal("5"))
    assert books.check("ETH", DUST, LATER) is None


@given(st.lists(st.decimals("-10", "10", places=8), max_size=50))
def test_any_number_of_trades_whose_balances_come_leaves_no_difference_not_even_the_smallest(
    trades: list[Decimal],
) -> None:
    books, total = opened("100"), Decimal(100)
    for step, amount in enumerate(trades):
        total += amount
        books.trade("BTC", amount)
        books.balance("BTC", total)
        assert books.check("BTC", Decimal(0), step * LATER) is None
