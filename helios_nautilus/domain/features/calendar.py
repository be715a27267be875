"""Where in the day and in the week a close falls: the hours that markets keep, as points on two circles.

Crypto never closes, but how much it moves depends on who is awake: over 2022 to 2025 the mean range of a five-minute
bar of BTCUSDT is 2.8 times as wide at its busiest time of the day as at its quietest.
"""

from typing import Final

import numpy as np

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.timeframe import NS_PER_MIN

_MINS_PER_DAY: Final = 24 * 60
_MINS_PER_WEEK: Final = 7 * _MINS_PER_DAY


def _circle(steps: int) -> Floats:
    angle = 2.0 * np.pi * np.arange(steps) / steps
    return np.column_stack((np.sin(angle), np.cos(angle)))


# Looked up rather than computed, so that one close and a million of them give the same bits.
_DAY: Final = _circle(_MINS_PER_DAY)
_WEEK: Final = _circle(_MINS_PER_WEEK)


def place_in_time(ts_ns: Ints) -> Floats:
    """Sine and cosine of the time of day (from 00:00 UTC) and of the week (from Thursday) of closes (n,): (n, 4)."""
    minute = ts_ns // NS_PER_MIN
    return np.hstack((_DAY[minute % _MINS_PER_DAY], _WEEK[minute % _MINS_PER_WEEK]))
