"""Catches training arrays that know too much, by working out a sample of them again from what was known in time.

A label may look ahead, but no further than its reach; features and volatility may not look ahead at all. Whatever
code made the arrays, and however long ago, they have to come out the same from bars that end there.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import structs
from nautilus_trader.core.datetime import unix_nanos_to_iso8601
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.domain.bars import BookDepths, Floats, MarketData, Trades
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.labels import label_decisions
from helios_nautilus.domain.risk.volatility import VolatilityRules
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import LookaheadError, NotEnoughHistoryError
from helios_nautilus.history.arrays import build_arrays
from helios_nautilus.models.dataset import Arrays, Series

_LABELS: Final = 64
"""Decisions of each instrument whose labels are made again, spread over the whole history."""
_SLOW_BARS: Final = 120
"""Length of the history that features are made again from, in bars of the slowest timeframe that are ready."""


def check_labels(arrays: Arrays, spec: FeatureSpec, data: Mapping[str, MarketData]) -> None:
    """`LookaheadError` if a label or a plan's outcome changes once the bars beyond its reach are gone."""
    reach_ns = arrays.label_config.reach_ns(arrays.plan)
    # The nets of the other kind of entry are for reports alone, and a maker waits longer than a taker's plan reaches.
    learnt = "label", f"{arrays.plan.entry}_long", f"{arrays.plan.entry}_short"
    for column, name in enumerate(arrays.instrument_ids):
        known = np.flatnonzero(arrays.label[:, column] >= 0)
        for row in known[np.unique(np.linspace(0, len(known) - 1, _LABELS).astype(int))] if len(known) else ():
            ts_ns, vol_daily = arrays.ts_ns[row : row + 1], arrays.vol_daily[row : row + 1, column]
            bars = data[name].bars.window(0, int(ts_ns[0]) + reach_ns)
            again = label_decisions(bars, ts_ns, vol_daily, arrays.plan, arrays.label_config, bar_ns=spec.base_ns)
            for each in learnt:
                if not _same(getattr(again, each), getattr(arrays, each)[row : row + 1, column]):
                    raise LookaheadError(
                        f"{each} of {name} at {unix_nanos_to_iso8601(int(ts_ns[0]))} is another one without the prices "
                        f"after its {reach_ns // NS_PER_MIN} minutes: it knows more than its purge takes away"
                    )


def check_features(
    arrays: Arrays,
    spec: FeatureSpec,
    data: Mapping[str, MarketData],
    instruments: Mapping[str, Instrument],
    volatility: VolatilityRules,
) -> None:
    """`LookaheadError` if features or volatilities change once all that came after them is gone.

    Everything is made again from the first part of the history, which ends within a bar of the slowest timeframe
    where decisions are faster, and compared bar by bar up to there.
    """
    end_ns = _moment(arrays)
    before = {name: _cut(market, end_ns) for name, market in data.items()}
    try:
        again = build_arrays(spec, before, instruments, arrays.plan, arrays.label_config, volatility)
    except NotEnoughHistoryError:
        return
    for one, given, name in zip(again.series, arrays.series, arrays.timeframes.names, strict=True):
        _compare_series(one, given, name)
    if not _same(again.vol_daily, arrays.vol_daily[: len(again.ts_ns)]):
        raise LookaheadError("the volatility of some decisions changes without the prices that came after them")


def _moment(arrays: Arrays) -> int:
    """A decision some bars after features are ready, not at the end of a slow bar where there is another."""
    slow = arrays.series[-1]
    ready = np.flatnonzero(slow.ready.any(axis=1))
    first = int(ready[0]) if len(ready) else 0
    slow_ns = int(slow.ts_ns[min(first + _SLOW_BARS, len(slow.ts_ns) - 1)])
    return int(arrays.ts_ns[max(int(np.searchsorted(arrays.ts_ns, slow_ns)) - 1, 0)])


def _cut(market: MarketData, end_ns: int) -> MarketData:
    """What was recorded of an instrument up to a moment."""
    trades, books = market.trades, market.books
    return structs.replace(
        market,
        bars=market.bars.window(0, end_ns),
        trades=None if trades is None else _head(trades, end_ns),
        books=None if books is None else _head(books, end_ns),
    )


def _head[T: (Trades, BookDepths)](recorded: T, end_ns: int) -> T:
    rows = int(np.searchsorted(recorded.ts_ns, end_ns, side="right"))
    return type(recorded)(**{name: getattr(recorded, name)[:rows] for name in recorded.__struct_fields__})


def _compare_series(again: Series, given: Series, name: str) -> None:
    rows = len(again.ts_ns)
    same = (
        np.array_equal(again.ts_ns, given.ts_ns[:rows])
        and np.array_equal(again.ready, given.ready[:rows])
        and np.array_equal(again.x[again.ready], given.x[:rows][again.ready])
    )
    if not same:
        raise LookaheadError(f"the {name} features of some bars change without the data that came after them")


def _same(one: Floats, other: Floats) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
