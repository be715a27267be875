import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.portfolio.live_value import Holdings, LiveValue
from helios_nautilus.domain.timeframe import NS_PER_SEC

NAMES = ("BTC", "ETH", "SOL")
MINUTE = 60 * NS_PER_SEC
amounts = st.dictionaries(st.sampled_from(NAMES), st.floats(-100.0, 100.0), max_size=3)
moves = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(NAMES), st.floats(1.0, 1e6)),
        st.builds(Holdings, money=st.floats(-1e6, 1e6), quantities=amounts),
    ),
    max_size=60,
)


def held(money: float, **quantities: float) -> Holdings:
    return Holdings(money=money, quantities=quantities)


@given(moves)
def test_carried_on_from_price_to_price_it_is_what_a_full_sum_gives(steps: list[tuple[str, float] | Holdings]) -> None:
    value, prices, holdings = LiveValue(), {}, Holdings(money=0.0, quantities={})
    for step, each in enumerate(steps):
        if isinstance(each, Holdings):
            value.hold(each, step * MINUTE)
            holdings = each
        else:
            value.price(*each)
            prices[each[0]] = each[1]
        found = value.value((step + 1) * MINUTE)
        if not any(isinstance(told, Holdings) for told in steps[: step + 1]) or any(
            held and name not in prices for name, held in holdings.quantities.items()
        ):
            assert found is None
        else:
            parts = [holdings.money, *(held * prices.get(name, 0.0) for name, held in holdings.quantities.items())]
            assert found == pytest.approx(sum(parts), rel=1e-9, abs=1e-9 * sum(map(abs, parts)) + 1e-6)


def test_before_anything_is_held_or_while_a_price_is_missing_there_is_no_value() -> None:
    value = LiveValue()
    assert value.value(0) is None

    value.hold(held(100.0, BTC=2.0), 0)
    assert value.value(MINUTE) is None
    value.price("BTC", 50.0)
    assert value.value(MINUTE) == 200.0


def test_a_price_that_is_none_leaves_the_last_one() -> None:
    value = LiveValue()
    value.hold(held(0.0, BTC=1.0), 0)
    for price in (50.0, 0.0, float("nan"), -1.0):
        value.price("BTC", price)
    assert value.value(MINUTE) == 50.0


def test_while_the_account_is_half_told_there_is_no_value_and_so_no_false_peak() -> None:
    """Bought for 60: the bought coin comes first, then what was paid."""
    value = LiveValue(settle_secs=1.0)
    value.price("BTC", 60.0)
    value.hold(held(100.0), 0)
    assert value.value(0) == 100.0

    value.change(held(100.0, BTC=1.0), MINUTE)
    assert value.value(MINUTE + NS_PER_SEC // 2) is None
    value.change(held(40.0, BTC=1.0), MINUTE + NS_PER_SEC // 2)

    assert value.value(MINUTE + NS_PER_SEC) is None
    assert value.value(MINUTE + 2 * NS_PER_SEC) == 100.0


def test_what_is_only_said_again_interrupts_nothing() -> None:
    value = LiveValue(settle_secs=1.0)
    value.hold(held(100.0), 0)
    value.change(held(100.0), MINUTE)
    assert value.value(MINUTE) == 100.0


def test_a_jump_that_no_price_explains_is_doubted_and_forgotten_when_the_rest_is_told() -> None:
    value = LiveValue(settle_secs=1.0, doubt_secs=35.0)
    value.price("BTC", 60.0)
    value.hold(held(100.0), 0)
    value.hold(held(100.0, BTC=1.0), MINUTE)
    assert value.value(MINUTE + 34 * NS_PER_SEC) is None, "the frame of what was paid is lost"

    value.hold(held(40.0, BTC=1.0), MINUTE + 34 * NS_PER_SEC)

    assert value.value(MINUTE + 34 * NS_PER_SEC) == 100.0


def test_a_jump_that_lasts_is_money_paid_in_or_out_and_counts() -> None:
    value = LiveValue(settle_secs=1.0, doubt_secs=35.0)
    value.hold(held(100.0), 0)
    value.hold(held(200.0), MINUTE)

    assert value.value(MINUTE + 34 * NS_PER_SEC) is None
    assert value.value(MINUTE + 35 * NS_PER_SEC) == 200.0
    value.hold(held(201.0), 2 * MINUTE)
    assert value.value(2 * MINUTE) == 201.0, "it is what the next change is compared with"


def test_prices_move_the_value_without_any_doubt() -> None:
    value = LiveValue()
    value.price("BTC", 60.0)
    value.hold(held(0.0, BTC=1.0), 0)
    value.price("BTC", 30.0)
    assert value.value(0) == 30.0
