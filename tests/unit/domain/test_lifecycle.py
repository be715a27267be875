import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.lifecycle import Lifecycle, Phase
from helios_nautilus.domain.plan import Bracket, CloseReason, Side
from helios_nautilus.domain.timeframe import NS_PER_HOUR

sides = st.sampled_from(Side)
prices = st.floats(1.0, 200.0)


def bet(side: Side = Side.LONG, *, hold_hours: int = 4, max_hours: int = 24) -> Lifecycle:
    """Measured from 100, with a stop 2 % and a target 4 % away."""
    bracket = Bracket(stop=0.02, target=0.04, hold_ns=hold_hours * NS_PER_HOUR)
    return Lifecycle(side, 100.0, bracket, max_hours * NS_PER_HOUR)


def open_bet(side: Side = Side.LONG) -> Lifecycle:
    life = bet(side)
    life.entry_filled(NS_PER_HOUR)
    return life


@pytest.mark.parametrize(("side", "stop", "target"), [(Side.LONG, 98.0, 104.0), (Side.SHORT, 102.0, 96.0)])
def test_stop_and_target_lie_on_either_side_of_the_reference(side: Side, stop: float, target: float) -> None:
    life = bet(side)

    assert (life.stop_price, life.target_price) == pytest.approx((stop, target))
    assert life.phase is Phase.ENTERING


def test_the_hold_is_counted_from_the_first_fill() -> None:
    life = bet(hold_hours=4)
    assert life.deadline_ns is None

    assert life.entry_filled(NS_PER_HOUR)
    assert not life.entry_filled(2 * NS_PER_HOUR)

    assert life.deadline_ns == 5 * NS_PER_HOUR
    assert life.phase is Phase.OPEN


def test_no_bracket_holds_longer_than_the_most_allowed() -> None:
    life = bet(hold_hours=48, max_hours=24)
    life.entry_filled(0)

    assert life.deadline_ns == 24 * NS_PER_HOUR


def test_an_exit_is_requested_once_and_its_first_reason_stays() -> None:
    life = open_bet()

    assert life.request_exit(CloseReason.TIMEOUT)
    assert not life.request_exit(CloseReason.KILL)

    assert life.phase is Phase.EXITING
    assert life.close() is CloseReason.TIMEOUT


def test_a_fill_after_the_exit_was_requested_starts_the_hold_but_does_not_reopen_the_bet() -> None:
    life = bet()
    life.request_exit(CloseReason.KILL)

    assert life.entry_filled(NS_PER_HOUR)

    assert life.phase is Phase.EXITING
    assert life.deadline_ns is not None


def test_a_bracket_order_that_fills_first_names_the_reason() -> None:
    life = open_bet()
    life.request_exit(CloseReason.TIMEOUT)

    assert life.close(CloseReason.STOP_LOSS) is CloseReason.STOP_LOSS


def test_a_position_closed_by_nobody_we_know_was_closed_by_hand() -> None:
    assert open_bet().close() is CloseReason.MANUAL


def test_what_fills_after_the_close_is_closed_for_the_same_reason() -> None:
    life = open_bet()
    life.close(CloseReason.STOP_LOSS)

    assert life.phase is Phase.EXITING
    assert life.close() is CloseReason.STOP_LOSS


def test_an_entry_that_was_given_up_can_neither_be_left_nor_trailed() -> None:
    life = bet()

    life.give_up()

    assert not life.request_exit(CloseReason.SIGNAL)
    assert not life.tighten(99.0)
    assert life.deadline_ns is None


def test_nothing_moves_a_bet_that_is_done() -> None:
    life = open_bet()
    life.finish()

    assert life.phase is Phase.DONE
    assert not life.request_exit(CloseReason.KILL)
    assert not life.tighten(99.0)


def test_the_stop_is_not_moved_before_anything_is_held() -> None:
    assert not bet().tighten(99.0)


@pytest.mark.parametrize(("side", "extreme", "stop"), [(Side.LONG, 103.0, 100.0), (Side.SHORT, 97.0, 100.0)])
def test_a_trail_follows_the_best_price_at_its_distance(side: Side, extreme: float, stop: float) -> None:
    life = open_bet(side)

    assert life.trail(extreme, atr=1.5, multiple=2.0)

    assert life.stop_price == pytest.approx(stop)


@given(side=sides, path=st.lists(st.tuples(prices, st.floats(0.0, 10.0)), max_size=30))
def test_a_trail_only_ever_tightens(side: Side, path: list[tuple[float, float]]) -> None:
    life = open_bet(side)

    for extreme, atr in path:
        before = life.stop_price
        moved = life.trail(extreme, atr, multiple=3.0)
        gain = (life.stop_price - before) * side.sign
        assert gain > 0 if moved else gain == 0
