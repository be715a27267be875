"""What is done about a bet of an earlier run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.lifecycle import Lifecycle, Phase
from helios_nautilus.domain.plan import Bracket, CloseReason, Side
from helios_nautilus.domain.recovery import Decision, Step, decide
from helios_nautilus.domain.timeframe import NS_PER_HOUR

HOLD_NS = 4 * NS_PER_HOUR
OPENED_NS = NS_PER_HOUR
NOW_NS = 2 * NS_PER_HOUR

sides = st.sampled_from(Side)
prices = st.none() | st.floats(50.0, 150.0)
stamps = st.integers(OPENED_NS, 10 * NS_PER_HOUR)
reasons = st.none() | st.sampled_from(CloseReason)


def a_bet(side: Side = Side.LONG, *, is_open: bool = True, exit_reason: CloseReason | None = None) -> Lifecycle:
    """Entered at 100 with a stop 2 % and a target 4 % away."""
    life = Lifecycle(side, 100.0, Bracket(stop=0.02, target=0.04, hold_ns=HOLD_NS), HOLD_NS)
    if is_open:
        life.entry_filled(OPENED_NS)
    if exit_reason is not None:
        life.request_exit(exit_reason)
    return life


def decided(
    life: Lifecycle,
    held: Side | None = Side.LONG,
    *,
    may_fill: bool = False,
    price: float | None = 100.0,
    now_ns: int = NOW_NS,
) -> Decision:
    return decide(life, held, may_fill=may_fill, price=price, now_ns=now_ns)


def test_what_is_held_under_a_known_bet_gets_its_guard_back() -> None:
    assert decided(a_bet()) == Decision(step=Step.GUARD)


def test_without_a_price_the_guard_itself_finds_out_whether_it_is_crossed() -> None:
    assert decided(a_bet(), price=None).step is Step.GUARD


@pytest.mark.parametrize(("side", "price"), [(Side.LONG, 98.0), (Side.SHORT, 102.0)])
def test_a_stop_that_was_crossed_meanwhile_is_obeyed_at_once_and_not_sent(side: Side, price: float) -> None:
    expected = Decision(step=Step.LEAVE, reason=CloseReason.STOP_LOSS, is_stop_crossed=True)
    assert decided(a_bet(side), side, price=price) == expected


def test_the_hold_went_on_while_nobody_looked() -> None:
    deadline_ns = OPENED_NS + HOLD_NS

    assert decided(a_bet(), now_ns=deadline_ns - 1).step is Step.GUARD
    assert decided(a_bet(), now_ns=deadline_ns) == Decision(step=Step.LEAVE, reason=CloseReason.TIMEOUT)


def test_an_exit_that_was_asked_for_goes_on_for_its_own_reason() -> None:
    assert decided(a_bet(exit_reason=CloseReason.SIGNAL)).reason is CloseReason.SIGNAL


def test_what_an_entry_filled_after_it_was_given_up_is_left() -> None:
    life = a_bet(is_open=False)
    life.give_up()

    assert decided(life) == Decision(step=Step.LEAVE, reason=CloseReason.MANUAL)


def test_an_entry_that_nobody_knows_the_outcome_of_is_waited_for() -> None:
    assert decided(a_bet(is_open=False), None, may_fill=True).step is Step.WAIT


def test_a_bet_of_which_nothing_is_held_and_nothing_can_come_is_forgotten() -> None:
    assert decided(a_bet(), None).step is Step.FORGET


def test_what_is_held_on_the_other_side_is_another_bet() -> None:
    assert decided(a_bet(Side.LONG), Side.SHORT).step is Step.ADOPT


@given(sides, st.booleans(), reasons, st.none() | sides, st.booleans(), prices, stamps)
def test_whatever_was_left_nothing_held_goes_without_a_stop_or_an_exit(
    side: Side,
    is_open: bool,
    exit_reason: CloseReason | None,
    held: Side | None,
    may_fill: bool,
    price: float | None,
    now_ns: int,
) -> None:
    life = a_bet(side, is_open=is_open, exit_reason=exit_reason)

    decision = decide(life, held, may_fill=may_fill, price=price, now_ns=now_ns)

    assert (held is None) == (decision.step in (Step.WAIT, Step.FORGET))
    assert (decision.reason is not None) == (decision.step is Step.LEAVE)
    if decision.step is Step.WAIT:
        assert may_fill
    if decision.step is Step.GUARD:
        assert life.phase is not Phase.EXITING
        assert price is None or (price - life.stop_price) * side.sign > 0
    if exit_reason is not None and decision.step is Step.LEAVE:
        assert decision.reason is exit_reason
