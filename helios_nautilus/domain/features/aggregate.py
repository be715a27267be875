"""From recorded bars to longer ones on the UTC grid, with volumes equal to the engine's to the last bit.

The engine adds volumes as fixed-point numbers. Here they are counted in whole units of 10^-precision, which float64
holds exactly up to 2^53 of them, and divided once.
"""

import numpy as np

from helios_nautilus.domain.bars import Bars, Floats, Ints
from helios_nautilus.errors import DataError


def units[T: (float, Floats)](amount: T, precision: int) -> T:
    """An amount of at most ``precision`` decimals, in whole units of its last decimal."""
    whole: T = np.rint(amount * 10.0**precision)
    return whole


def canonical[T: (float, Floats)](amount: T, precision: int) -> T:
    """The float64 nearest to an amount of at most ``precision`` decimals, whatever sum or cast it came from."""
    return units(amount, precision) / 10.0**precision


def aggregate(bars: Bars, base_ns: int, length_ns: int, precision: int) -> Bars:
    """Bars of ``length_ns`` from those of ``base_ns``; a bar exists only if all its parts do.

    With equal lengths only the volumes are made canonical. Raises `DataError` for bars off the grid or out of order.
    """
    _check_grid(bars.ts_ns, base_ns)
    if len(bars) == 0:
        return bars
    close_ns = -(-bars.ts_ns // length_ns) * length_ns
    starts = np.flatnonzero(np.concatenate(([True], close_ns[1:] != close_ns[:-1])))
    counts = np.diff(starts, append=len(bars))
    whole = counts == length_ns // base_ns
    ends = starts + counts - 1
    with np.errstate(over="ignore", invalid="ignore"):  # an absurd volume stays absurd, and the kernel refuses it
        volume = np.add.reduceat(units(bars.volume, precision), starts) / 10.0**precision
    return Bars(
        ts_ns=close_ns[starts][whole],
        open=bars.open[starts][whole],
        high=np.maximum.reduceat(bars.high, starts)[whole],
        low=np.minimum.reduceat(bars.low, starts)[whole],
        close=bars.close[ends][whole],
        volume=volume[whole],
    )


def _check_grid(ts_ns: Ints, length_ns: int) -> None:
    """Raise `DataError` unless the stamps rise and are multiples of the bar length."""
    off = np.flatnonzero(ts_ns % length_ns)
    if len(off):
        raise DataError(
            f"a bar stamped {ts_ns[off[0]]} is not the close of a {length_ns} ns bar; stamp bars with their close"
        )
    if np.any(np.diff(ts_ns) <= 0):
        raise DataError("bars are not in strictly rising order of time; sort them and drop duplicates")
