"""What a drawdown takes off a bet."""

import pytest

from helios_nautilus.domain.risk.drawdown import leverage_cut, size_factor


@pytest.mark.parametrize(("drawdown", "factor"), [(0.0, 1.0), (0.10, 1.0), (0.1001, 0.5), (1.0, 0.5)])
def test_size_is_halved_past_the_limit(drawdown: float, factor: float) -> None:
    assert size_factor(drawdown, limit=0.10, factor=0.5) == factor


@pytest.mark.parametrize(("drawdown", "cut"), [(0.0, 0.0), (0.10, 0.0), (0.11, 0.5), (0.20, 0.5), (0.21, 1.0)])
def test_leverage_is_cut_once_for_every_limit_passed(drawdown: float, cut: float) -> None:
    assert leverage_cut(drawdown, (0.10, 0.20), step=0.5) == cut
