"""The tape: single trades that rebuild given bars exactly."""

import numpy as np
from numpy.typing import NDArray

from helios_nautilus.domain.bars import BUY, SELL, Bools, Floats, Ints, Trades
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_MS

_SIZE_SCALE = 10**8


def draw_trades(open_ns: Ints, path: Floats, volume: Ints, min_size: int, rng: np.random.Generator) -> Trades:
    """Trades of n minutes whose prices are steps of ``path`` (n, k) and whose sizes add up to ``volume``.

    Every minute trades at its first, last, highest and lowest step, so that open, high, low and close come back, and
    at some of the others. ``volume`` and ``min_size`` are in units of 1e-8 and the sizes of a minute add up to its
    volume to the last unit; ``volume`` must be at least k times ``min_size``. Stamps are whole milliseconds.
    """
    n, k = path.shape
    traded = _choose_steps(path, rng)
    sizes = _split(volume, traded, min_size, rng)
    step_ms = NS_PER_MIN // NS_PER_MS // k
    stamps = open_ns[:, None] + NS_PER_MS * (step_ms * np.arange(k) + rng.integers(0, step_ms, (n, k)))
    price = path[traded]
    return Trades(
        ts_ns=stamps[traded], price=price, size=sizes[traded] / _SIZE_SCALE, side=_draw_aggressors(price, rng)
    )


def _choose_steps(path: Floats, rng: np.random.Generator) -> Bools:
    rows = np.arange(len(path))
    traded = rng.random(path.shape) < rng.uniform(0.1, 0.9, (len(path), 1))
    traded[:, 0] = traded[:, -1] = True
    traded[rows, path.argmax(axis=1)] = traded[rows, path.argmin(axis=1)] = True
    return traded


def _split(volume: Ints, traded: Bools, min_size: int, rng: np.random.Generator) -> Ints:
    """Sizes (n, k) in units: the least size for every trade, the rest by random shares."""
    shares = rng.gamma(0.7, size=traded.shape) * traded
    shares /= shares.sum(axis=1, keepdims=True)
    rest = volume - min_size * traded.sum(axis=1)
    # A hair below 1 keeps rounded shares from adding up to more than there is.
    sizes = np.floor(rest[:, None] * shares * (1.0 - 1e-12)).astype(np.int64) + min_size * traded
    # What rounding left over goes to the last trade.
    sizes[:, -1] += volume - sizes.sum(axis=1)
    return sizes


def _draw_aggressors(price: Floats, rng: np.random.Generator) -> NDArray[np.int8]:
    """Buyers lift the price and sellers press it, most of the time; an unchanged price says nothing."""
    tick = np.sign(np.diff(price, prepend=price[:1]))
    return np.where(rng.random(len(price)) < 0.5 + 0.35 * tick, BUY, SELL).astype(np.int8)
