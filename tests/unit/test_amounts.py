from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.objects import Price, Quantity

from helios_nautilus.amounts import exact


@given(st.decimals(0, 9_999_999, places=2))
def test_a_price_becomes_the_float_nearest_to_it(value: Decimal) -> None:
    assert exact(Price.from_str(str(value))) == float(value)


@given(st.decimals(0, 999_999, places=8))
def test_a_quantity_becomes_the_float_nearest_to_it(value: Decimal) -> None:
    assert exact(Quantity.from_str(f"{value:f}")) == float(value)


def test_the_engines_own_conversion_is_not_that_float() -> None:
    assert Price.from_str("61787").as_double() != 61787.0
    assert exact(Price.from_str("61787")) == 61787.0
