from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.objects import Price, Quantity

from helios_nautilus.adapters.valr.instruments import build_instrument, load_pairs
from helios_nautilus.amounts import exact, is_dust
from helios_nautilus.strategies.orders import affordable


@given(st.decimals(0, 9_999_999, places=2))
def test_a_price_becomes_the_float_nearest_to_it(value: Decimal) -> None:
    assert exact(Price.from_str(str(value))) == float(value)


@given(st.decimals(0, 999_999, places=8))
def test_a_quantity_becomes_the_float_nearest_to_it(value: Decimal) -> None:
    assert exact(Quantity.from_str(f"{value:f}")) == float(value)


def test_the_engines_own_conversion_is_not_that_float() -> None:
    assert Price.from_str("61787").as_double() != 61787.0
    assert exact(Price.from_str("61787")) == 61787.0


@given(st.sampled_from(sorted(load_pairs())), st.integers(1, 10_000))
def test_what_is_held_is_dust_where_no_order_could_be_made_of_it(name: str, lots: int) -> None:
    instrument = build_instrument(name)
    held = instrument.make_qty(lots * instrument.size_increment.as_decimal())
    assert is_dust(instrument, held) == (affordable(instrument, exact(held)) is None)


def test_the_least_that_can_be_traded_is_no_dust() -> None:
    for instrument in map(build_instrument, load_pairs()):
        least = instrument.min_quantity or instrument.size_increment
        assert not is_dust(instrument, least)
