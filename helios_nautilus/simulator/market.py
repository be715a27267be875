"""The seeded synthetic market: 1-minute bars of three rand pairs, and trades that rebuild them.

The model, per pair and sub-minute step (twelve a minute)::

    d log p = sigma_t (e / sqrt(12) + kappa m_t / 12)  -  the variance term that keeps p a martingale when kappa = 0
    m_t     = fast less slow exponential mean of the past minutes' returns in units of their own sigma  (momentum
              over hours that reverts over days, so that it does not add to the moves of weeks)
    sigma_t = pair's level x regime (calm, normal, wild: a Markov chain) x time of day x exp(two AR(1) log volatilities)
    e       = loading x common factor + own noise, both Student t over the minute

``kappa`` is `MarketConfig.strength` times `KAPPA_AT_FULL_STRENGTH`; at strength 0 the past says nothing about the
future beyond the rounding to ticks. All of it is invented: whatever shows these data must call them synthetic.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bars, Floats, Ints, MarketData
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import ConfigError
from helios_nautilus.simulator.tape import draw_trades

MINS_PER_DAY: Final = 1440
STEPS_PER_MIN: Final = 12
SIZE_SCALE: Final = 10**8
"""Sizes are whole multiples of 1e-8, as on VALR."""

KAPPA_AT_FULL_STRENGTH: Final = 1.0
MAX_STRENGTH: Final = 1.15
"""Momentum feeds on itself: much beyond this the market would swing ever wider."""
SLOW_HALF_LIFE_MINS: Final = 1440
"""Half-life of the mean the momentum reverts to."""

TAIL_DEGREES: Final = 5.0
REGIME_VOLS: Final = np.array([0.6, 1.0, 2.0])
REGIME_MEAN_HOURS: Final = np.array([10.0, 20.0, 4.0])
REGIME_NEXT: Final = np.array([[0.0, 0.9, 0.1], [0.7, 0.0, 0.3], [0.2, 0.8, 0.0]])
"""Where a regime goes when it ends: calm, normal, wild, by row."""


class SyntheticPair(Struct, frozen=True, kw_only=True):
    """What sets one synthetic pair apart; prices move in ticks of one rand."""

    symbol: str
    price: float
    vol_daily: float
    """Standard deviation of a day's return without the momentum, which adds to it."""
    loading: float
    """Correlation of the pair's shocks with the common factor."""
    volume_daily: float
    min_size: float


PAIRS: Final = (
    SyntheticPair(
        symbol="BTCZAR", price=1_900_000.0, vol_daily=0.023, loading=0.90, volume_daily=60.0, min_size=0.000008
    ),
    SyntheticPair(symbol="ETHZAR", price=65_000.0, vol_daily=0.028, loading=0.88, volume_daily=900.0, min_size=0.0002),
    SyntheticPair(symbol="SOLZAR", price=2_600.0, vol_daily=0.033, loading=0.80, volume_daily=9_000.0, min_size=0.003),
)


class MarketConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides a synthetic market; equal configs give equal data."""

    seed: int = 6
    days: int = 45
    start_ns: int = 1_767_225_600_000_000_000
    """Start of the first bar: 2026-01-01 00:00 UTC."""
    strength: float = 1.0
    """Of the predictable part: 0 is an efficient market."""
    half_life_mins: int = 210
    """Half-life of the momentum that predicts."""
    trades_days: int = 2
    """The last days, for which the single trades are given as well."""

    def __post_init__(self) -> None:
        if self.seed < 0 or self.days < 1 or self.half_life_mins < 1:
            raise ConfigError("market: seed must be 0 or more, days and half_life_mins at least 1")
        if not 0.0 <= self.strength <= MAX_STRENGTH:
            raise ConfigError(f"market: strength {self.strength} is not between 0 and {MAX_STRENGTH}")
        if not 0 <= self.trades_days <= self.days:
            raise ConfigError(f"market: trades_days {self.trades_days} is not between 0 and days ({self.days})")
        if self.start_ns < 0 or self.start_ns % NS_PER_MIN:
            raise ConfigError("market: start_ns is not a whole minute")


def simulate_market(config: MarketConfig) -> dict[str, MarketData]:
    """Market data of all `PAIRS` by instrument id: ``days`` of 1-minute bars, trades for the last ``trades_days``."""
    common_seed, *pair_seeds = np.random.SeedSequence(config.seed).spawn(1 + len(PAIRS))
    common = _draw_common(np.random.default_rng(common_seed), config)
    return {
        f"{pair.symbol}.VALR": _simulate_pair(pair, common, np.random.default_rng(seed), config)
        for pair, seed in zip(PAIRS, pair_seeds, strict=True)
    }


class _Common(Struct, frozen=True, kw_only=True):
    """What all pairs share, by minute (n,) or by step (n, steps)."""

    vol: Floats
    """Volatility in units of each pair's own; mean square 1."""
    tail: Floats
    """Variance of the factor over the minute; mean 1."""
    factor: Floats
    season: Floats


def _draw_common(rng: np.random.Generator, config: MarketConfig) -> _Common:
    n = config.days * MINS_PER_DAY
    season = _season(config)
    return _Common(
        vol=_draw_regimes(rng, n) * season * _draw_log_vol(rng, n, half_life_mins=720, std=0.30),
        tail=_draw_tail(rng, n),
        factor=rng.standard_normal((n, STEPS_PER_MIN)),
        season=season,
    )


def _simulate_pair(pair: SyntheticPair, common: _Common, rng: np.random.Generator, config: MarketConfig) -> MarketData:
    n = len(common.vol)
    vol = common.vol * _draw_log_vol(rng, n, half_life_mins=120, std=0.25)
    path = _draw_path(pair, common, vol, rng, config)
    volume = _draw_volume(pair, common, vol, path, rng)
    close_ns = config.start_ns + NS_PER_MIN * np.arange(1, n + 1, dtype=np.int64)
    bars = Bars(
        ts_ns=close_ns,
        open=path[:, 0].copy(),
        high=path.max(axis=1),
        low=path.min(axis=1),
        close=path[:, -1].copy(),
        volume=volume / SIZE_SCALE,
    )
    trades = None
    if config.trades_days:
        first = n - config.trades_days * MINS_PER_DAY
        trades = draw_trades(
            close_ns[first:] - NS_PER_MIN, path[first:], volume[first:], round(pair.min_size * SIZE_SCALE), rng
        )
    return MarketData(instrument_id=f"{pair.symbol}.VALR", bars=bars, trades=trades)


def _draw_path(
    pair: SyntheticPair, common: _Common, vol: Floats, rng: np.random.Generator, config: MarketConfig
) -> Floats:
    """Prices on the tick grid, shape (n, steps)."""
    n = len(vol)
    own_tail = _draw_tail(rng, n)
    own_weight = 1.0 - pair.loading**2
    shocks = pair.loading * np.sqrt(common.tail)[:, None] * common.factor
    shocks += np.sqrt(own_weight * own_tail)[:, None] * rng.standard_normal((n, STEPS_PER_MIN))
    shocks /= np.sqrt(STEPS_PER_MIN)
    sigma = vol * pair.vol_daily / np.sqrt(MINS_PER_DAY)
    drift = sigma * _momentum(shocks.sum(axis=1), config)
    variance = sigma**2 * (pair.loading**2 * common.tail + own_weight * own_tail)
    steps = sigma[:, None] * shocks + ((drift - variance / 2) / STEPS_PER_MIN)[:, None]
    log_price = np.log(pair.price) + np.cumsum(steps.ravel()).reshape(steps.shape)
    prices: Floats = np.maximum(np.rint(np.exp(log_price)), 1.0)
    return prices


def _momentum(shocks: Floats, config: MarketConfig) -> Floats:
    """Drift of each minute in units of its sigma: kappa times the momentum of the past normalised returns.

    A return is ``r = kappa (fast mean - slow mean of past r) + shock``, so the returns follow from the shocks alone by
    a linear filter, and the drift is what they exceed them by.
    """
    kappa = KAPPA_AT_FULL_STRENGTH * config.strength
    fast, slow = (1.0 - 0.5 ** (1.0 / mins) for mins in (config.half_life_mins, SLOW_HALF_LIFE_MINS))
    # Polynomials in the lag: an exponential mean of past returns is a L / (1 - (1 - a) L).
    forget_fast, forget_slow = np.array([1.0, fast - 1.0]), np.array([1.0, slow - 1.0])
    direct = np.polymul(forget_fast, forget_slow)
    feedback = np.concatenate(([0.0], fast * forget_slow - slow * forget_fast))
    returns = _filter(direct, direct - kappa * feedback, shocks)
    return returns - shocks


def _filter(direct: Floats, feedback: Floats, values: Floats) -> Floats:
    """The series whose polynomial ``feedback`` in the lag is the polynomial ``direct`` of ``values``."""
    # Here, as it takes a second: whoever reads a catalogue comes by this file, and few of them make a market.
    from scipy.signal import lfilter

    filtered: Floats = lfilter(direct, feedback, values)
    return filtered


def _draw_tail(rng: np.random.Generator, n: int) -> Floats:
    """Variances of mean 1 that turn normal shocks into Student t ones."""
    return np.asarray((TAIL_DEGREES - 2.0) / rng.chisquare(TAIL_DEGREES, n))


def _draw_log_vol(rng: np.random.Generator, n: int, *, half_life_mins: float, std: float) -> Floats:
    """exp of a stationary AR(1); mean square 1."""
    phi = 0.5 ** (1.0 / half_life_mins)
    noise = rng.standard_normal(n) * std * np.sqrt(1.0 - phi**2)
    noise[0] = rng.standard_normal() * std
    log_vol = _filter(np.ones(1), np.array([1.0, -phi]), noise)
    vol: Floats = np.exp(log_vol - std**2)
    return vol


def _draw_regimes(rng: np.random.Generator, n: int) -> Floats:
    """Volatility multiplier of each minute's regime; mean square 1 in the long run."""
    multipliers = np.empty(n)
    state, at = 1, 0
    while at < n:
        length = int(rng.geometric(1.0 / (60.0 * REGIME_MEAN_HOURS[state])))
        multipliers[at : at + length] = REGIME_VOLS[state]
        state, at = int(rng.choice(3, p=REGIME_NEXT[state])), at + length
    multipliers /= np.sqrt(_mean_square_of_regimes())
    return multipliers


def _mean_square_of_regimes() -> float:
    """Long-run mean of the squared multiplier: visits of the jump chain, weighted by how long each lasts."""
    visits = np.linalg.matrix_power((REGIME_NEXT + np.eye(3)) / 2.0, 64)[0]
    share = visits * REGIME_MEAN_HOURS
    return float(share @ REGIME_VOLS**2 / share.sum())


def _season(config: MarketConfig) -> Floats:
    """Volatility by time of day: quiet at night, highest when Europe and America both trade; mean square 1."""
    minute_of_day = (config.start_ns // NS_PER_MIN + np.arange(config.days * MINS_PER_DAY)) % MINS_PER_DAY
    shape = 1.0 + 0.35 * np.cos(2.0 * np.pi * (minute_of_day - 15 * 60) / MINS_PER_DAY)
    season: Floats = shape / np.sqrt(1.0 + 0.35**2 / 2.0)
    return season


def _draw_volume(pair: SyntheticPair, common: _Common, vol: Floats, path: Floats, rng: np.random.Generator) -> Ints:
    """Volume of each minute in units of 1e-8: clustered, larger by day, in wild times and on large moves."""
    moves = np.abs(np.log(path[:, -1] / path[:, 0])) / (vol * pair.vol_daily / np.sqrt(MINS_PER_DAY))
    activity = common.season * vol * (0.5 + 0.5 * moves)
    activity *= _draw_log_vol(rng, len(vol), half_life_mins=60, std=0.5) * np.exp(0.5 * rng.standard_normal(len(vol)))
    least = 2 * STEPS_PER_MIN * pair.min_size
    volume = np.maximum(pair.volume_daily / MINS_PER_DAY * activity, least)
    units: Ints = np.rint(volume * SIZE_SCALE).astype(np.int64)
    return units
