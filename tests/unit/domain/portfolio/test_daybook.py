from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.portfolio.daybook import DayBook, Stake

CENT = Decimal("0.01")
prices = st.decimals("0.01", "2000000", places=2)
trades = st.lists(
    st.tuples(
        st.sampled_from(("BTC", "ETH")),
        st.decimals("-3", "3", places=4).filter(bool),
        prices,
        st.decimals("0", "900", places=2),
    ),
    max_size=30,
)


class Account:
    """A cash account with a pencil: exact decimals, trades rounded to the cent."""

    def __init__(self) -> None:
        self.cash = Decimal("100000.00")
        self.held = {"BTC": Decimal(0), "ETH": Decimal(0)}

    def stakes(self, marks: dict[str, Decimal]) -> dict[str, Stake]:
        return {name: Stake(quantity=float(held), price=float(marks[name])) for name, held in self.held.items()}

    def equity(self, marks: dict[str, Decimal]) -> float:
        return float(self.cash + sum(held * marks[name] for name, held in self.held.items()))


@given(days=st.lists(st.tuples(trades, prices, prices), min_size=1, max_size=5))
def test_the_instruments_profits_are_the_change_of_equity_to_the_cent(days):
    account, marks = Account(), {"BTC": Decimal("1000000"), "ETH": Decimal("50000")}
    book = DayBook(account.equity(marks), account.stakes(marks))
    for traded, btc, eth in days:
        before = account.equity(marks)
        for name, quantity, price, commission in traded:
            paid = -(quantity * price).quantize(CENT) - commission
            account.cash += paid
            account.held[name] += quantity
            book.write(name, paid, commission)
        marks = {"BTC": btc, "ETH": eth}
        day = book.close(account.equity(marks), account.stakes(marks))
        assert sum(day.by_instrument.values()) == pytest.approx(day.pnl, abs=0.005)
        assert day.pnl == account.equity(marks) - before
        assert day.costs == float(sum(commission for *_, commission in traded))


def test_a_bought_coin_that_rose_earned_its_rise_less_the_commission():
    book = DayBook(100_000.0, {"BTC": Stake(quantity=0.0, price=1_000_000.0)})
    book.write("BTC", Decimal("-10035.00"), Decimal("35.00"))
    day = book.close(100_465.0, {"BTC": Stake(quantity=0.01, price=1_050_000.0)})
    assert day.by_instrument == {"BTC": pytest.approx(465.0)}
    assert (day.pnl, day.costs) == (465.0, 35.0)


def test_a_coin_that_was_held_already_earns_from_the_last_close_on():
    book = DayBook(100_000.0, {"BTC": Stake(quantity=0.01, price=1_000_000.0)})
    book.close(100_100.0, {"BTC": Stake(quantity=0.01, price=1_010_000.0)})
    day = book.close(99_900.0, {"BTC": Stake(quantity=0.01, price=990_000.0)})
    assert day.by_instrument == {"BTC": pytest.approx(-200.0)}


def test_a_short_earns_when_the_price_falls():
    book = DayBook(100_000.0, {"BTC": Stake(quantity=-0.01, price=1_000_000.0)})
    day = book.close(100_500.0, {"BTC": Stake(quantity=-0.01, price=950_000.0)})
    assert day.by_instrument == {"BTC": pytest.approx(500.0)}


def test_an_instrument_without_a_price_yet_has_made_nothing_and_one_that_was_traded_is_not_forgotten():
    book = DayBook(100_000.0, {})
    book.write("ETH", Decimal("12.34"), Decimal(0))
    day = book.close(100_012.34, {"BTC": Stake(quantity=0.0, price=1.0)})
    assert day.by_instrument == {"BTC": 0.0, "ETH": pytest.approx(12.34)}
