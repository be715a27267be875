"""The figures of a soak, and the script of its faults."""

import math

import pytest

from helios_nautilus.simulator.exchange.faults import KINDS, Occasion
from tests.soak.faults import draw_faults
from tests.soak.figures import percentile, slope


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.95, 4.0), (0.25, 1.0), (0.0, 1.0)])
def test_a_percentile_is_a_value_that_so_large_a_share_does_not_exceed(share: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == value


def test_without_values_there_is_no_percentile() -> None:
    assert math.isnan(percentile([], 0.5))


def test_what_grows_by_two_in_half_an_hour_grows_by_four_an_hour() -> None:
    assert slope([0.0, 900.0, 1800.0], [100.0, 101.0, 102.0]) == pytest.approx(4.0)
    assert slope([5.0], [100.0]) == 0.0


def test_a_seed_has_the_same_faults_every_time_and_an_hour_has_every_kind_of_line_fault() -> None:
    script = draw_faults(1, 3600.0, 20.0)
    assert script == draw_faults(1, 3600.0, 20.0) != draw_faults(2, 3600.0, 20.0)
    timed = {fault.kind for fault in script.fault if KINDS[fault.kind] is Occasion.TIME}
    assert timed == {"drop_sockets", "stall_sockets", "maintenance"}


def test_a_fault_lasts_as_long_in_our_time_whatever_the_speed() -> None:
    lasting = {"slow_reply", "timeout_before", "delay_frame", "stall_sockets", "maintenance"}
    slow, fast = (
        [fault.secs for fault in draw_faults(1, 600.0, speed).fault if fault.kind in lasting] for speed in (1.0, 20.0)
    )
    assert fast == pytest.approx([20.0 * secs for secs in slow])
