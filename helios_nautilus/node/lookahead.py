"""Proves on given data that nothing looks ahead.

Batch and streaming features must be equal to the last bit; and features, predictions and decisions up to a moment must
stay what they are when everything after it is removed or replaced by noise. What is checked is the product itself: the
same tables, the same network, the same engine run.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct, structs
from nautilus_trader.core.datetime import unix_nanos_to_iso8601
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.config import HeliosConfig, LoadedConfig, Window
from helios_nautilus.domain.bars import BUY, SELL, Bars, Bools, MarketData, Trades
from helios_nautilus.domain.features.aggregate import aggregate
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.domain.features.table import FeatureTables, build_tables
from helios_nautilus.domain.timeframe import NS_PER_DAY, parse_timeframe
from helios_nautilus.errors import NotEnoughHistoryError
from helios_nautilus.history.arrays import unlabelled_arrays
from helios_nautilus.history.catalogue import load_market_data
from helios_nautilus.history.provenance import Provenance
from helios_nautilus.history.staging import open_staging
from helios_nautilus.history.store import store_market
from helios_nautilus.journal.records import OutcomeRecord, Record, RunRecord, SnapshotRecord
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.predict import predict_arrays
from helios_nautilus.node.backtest import load_market, run_backtest

type BuildTables = Callable[[FeatureSpec, Mapping[str, MarketData], Mapping[str, int]], FeatureTables]
type Futures = Iterator[tuple[str, Mapping[str, MarketData]]]

PREDICTION_TOLERANCE: Final = 1e-6
"""Logits of one bar may differ by rounding where matrix products have other shapes."""


class Finding(Struct, frozen=True, kw_only=True):
    """Result of one check."""

    check: str
    passed: bool
    words: str


class _Case(Struct, frozen=True, kw_only=True):
    """What the checks share."""

    config: HeliosConfig
    text: str
    data: dict[str, MarketData]
    instruments: dict[str, Instrument]
    model: Model
    moments: tuple[int, ...]
    seed: int

    @property
    def precisions(self) -> dict[str, int]:
        return {name: instrument.size_precision for name, instrument in self.instruments.items()}


def verify_lookahead(
    loaded: LoadedConfig, *, days: float = 2.0, times: int = 3, seed: int = 0, build: BuildTables = build_tables
) -> Iterator[Finding]:
    """Yield the findings one by one, on the first ``days`` of the backtest window and ``times`` moments within.

    Raises what a backtest of the same configuration would raise.
    """
    case = _prepare(loaded, days, times, seed)
    tables = build(case.config.spec, case.data, case.precisions)
    yield _check_stream(case, tables)
    raw = _logits(case, tables)
    for moment_ns in case.moments:
        for what, future in _futures(case, moment_ns):
            changed = build(case.config.spec, future, case.precisions)
            yield _check_features(moment_ns, what, tables, changed)
            yield _check_predictions(moment_ns, what, tables, raw, _logits(case, changed), changed)
    yield from _check_decisions(case)


def _prepare(loaded: LoadedConfig, days: float, times: int, seed: int) -> _Case:
    config, spec = loaded.config, loaded.config.spec
    start_ns, end_ns = config.backtest.start_ns, config.backtest.end_ns
    end_ns = min(end_ns, start_ns + int(days * NS_PER_DAY // spec.base_ns * spec.base_ns))
    config = _until(structs.replace(config, model=structs.replace(config.model, predictions="model")), end_ns)
    market = load_market(config)
    end_ns = max(int(data.bars.ts_ns[-1]) for data in market.window.values())
    data = load_market_data(config.data.catalog, spec.universe, None, end_ns, bar=spec.base, trades=config.data.trades)
    steps = np.arange(1, (end_ns - start_ns) // spec.base_ns)
    if not len(steps):
        raise NotEnoughHistoryError(
            f"{config.data.catalog} has no two bars after {config.backtest.start}: there is no moment to check"
        )
    rng = np.random.default_rng(seed)
    later = steps[len(steps) // 4 :]
    picked = sorted(rng.choice(later, size=min(times, len(later)), replace=False).tolist())
    return _Case(
        config=_until(config, end_ns),
        text=loaded.text,
        data=data,
        instruments=market.instruments,
        model=market.model,
        moments=tuple(start_ns + step * spec.base_ns for step in picked),
        seed=seed,
    )


def _until(config: HeliosConfig, end_ns: int) -> HeliosConfig:
    return structs.replace(config, backtest=Window(start=config.backtest.start, end=_iso(end_ns)))


# Features


def _check_stream(case: _Case, tables: FeatureTables) -> Finding:
    """Stream the window bar by bar after catching up with history, and compare with the batch."""
    spec, start_ns = case.config.spec, case.config.backtest.start_ns
    stream = FeatureStream(spec, case.precisions)
    stream.catch_up({name: _cut(data, start_ns) for name, data in case.data.items()})
    compared = 0
    for timeframe, ts_ns in _play(case, stream):
        row, table = stream.close_bar(timeframe, ts_ns), tables[timeframe]
        at = int(np.searchsorted(table.ts_ns, ts_ns))
        if not (np.array_equal(row.values, table.values[at]) and np.array_equal(row.ready, table.ready[at])):
            words = f"the {timeframe} features of {_iso(ts_ns)} differ between batch and stream"
            return Finding(check="features, batch = stream", passed=False, words=words)
        compared += row.values.size
    return Finding(
        check="features, batch = stream", passed=True, words=f"{compared:,} values are equal to the last bit"
    )


def _play(case: _Case, stream: FeatureStream) -> Iterator[tuple[str, int]]:
    """Feed the window to a stream in the order of time; yields each timeframe and close when its bars are in."""
    spec, start_ns, end_ns = case.config.spec, case.config.backtest.start_ns, case.config.backtest.end_ns
    columns: dict[str, dict[str, dict[int, tuple[float, ...]]]] = {
        timeframe: {
            name: _by_close(
                aggregate(data.bars, spec.base_ns, parse_timeframe(timeframe), case.precisions[name]).window(
                    start_ns, end_ns
                )
            )
            for name, data in case.data.items()
        }
        for timeframe in dict.fromkeys((spec.base, *spec.timeframes.names))
    }
    lengths = dict(zip(spec.timeframes.names, spec.timeframes.lengths_ns, strict=True))
    for ts_ns in range(start_ns + spec.base_ns, end_ns + 1, spec.base_ns):
        for name, data in case.data.items():
            for trade in _trades_between(data.trades, ts_ns - spec.base_ns, ts_ns):
                stream.on_trade(name, *trade)
        for timeframe, per_name in columns.items():
            for name, bars in per_name.items():
                if ts_ns not in bars:
                    continue
                if timeframe in lengths:
                    stream.on_bar(timeframe, name, ts_ns, *bars[ts_ns])
                else:
                    stream.on_base_bar(name, ts_ns)
        for timeframe, length_ns in lengths.items():
            if ts_ns % length_ns == 0:
                yield timeframe, ts_ns


def _trades_between(trades: Trades | None, first_ns: int, end_ns: int) -> Iterator[tuple[int, float, int]]:
    if trades is None:
        return iter(())
    cut = slice(*np.searchsorted(trades.ts_ns, [first_ns, end_ns]))
    return zip(trades.ts_ns[cut].tolist(), trades.size[cut].tolist(), trades.side[cut].tolist(), strict=True)


def _by_close(bars: Bars) -> dict[int, tuple[float, ...]]:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return dict(zip(bars.ts_ns.tolist(), zip(*(column.tolist() for column in columns), strict=True), strict=True))


def _check_features(moment_ns: int, what: str, tables: FeatureTables, changed: FeatureTables) -> Finding:
    check = f"features up to {_iso(moment_ns)}, future {what}"
    compared = 0
    for table in tables.tables:
        other = changed[table.timeframe]
        rows = int(np.searchsorted(table.ts_ns, moment_ns, side="right"))
        same_shape = len(other.ts_ns) >= rows
        if not same_shape or not (
            np.array_equal(table.values[:rows], other.values[:rows])
            and np.array_equal(table.ready[:rows], other.ready[:rows])
        ):
            return Finding(check=check, passed=False, words=f"the {table.timeframe} features changed")
        compared += table.values[:rows].size
    return Finding(check=check, passed=True, words=f"{compared:,} values unchanged")


# Predictions


def _logits(case: _Case, tables: FeatureTables) -> np.ndarray:
    arrays = unlabelled_arrays(tables, case.config.plan, case.config.training.label, "")
    return predict_arrays(case.model, arrays).logits


def _check_predictions(
    moment_ns: int, what: str, tables: FeatureTables, raw: np.ndarray, changed_raw: np.ndarray, changed: FeatureTables
) -> Finding:
    check = f"predictions up to {_iso(moment_ns)}, future {what}"
    slowest = tables.spec.timeframes.lengths_ns[-1]
    last_ns = moment_ns // slowest * slowest  # a bar of the slowest timeframe still open is not predicted in a batch
    rows = int(np.searchsorted(tables.decision_closes, last_ns, side="right"))
    before, after = raw[:rows], changed_raw[:rows]
    both = np.isfinite(before) & np.isfinite(after)
    same_holes = before.shape == after.shape and np.array_equal(np.isfinite(before), np.isfinite(after))
    gap = float(np.abs(before - after)[both].max(initial=0.0)) if same_holes else np.inf
    return Finding(
        check=check,
        passed=same_holes and gap <= PREDICTION_TOLERANCE,
        words=f"{int(both.sum()):,} logits, largest difference {gap:.1e}",
    )


# Decisions


def _check_decisions(case: _Case) -> Iterator[Finding]:
    """Run the engine with the true future, with none, and with noise; compare every record up to each moment."""
    truth = _run(case, case.config)
    for moment_ns in case.moments:
        yield _compare_runs(moment_ns, "removed", truth, _run(case, _until(case.config, moment_ns)))
        with tempfile.TemporaryDirectory() as folder:
            noisy = dict(_futures(case, moment_ns))["replaced by noise"]
            _write_catalogue(case, noisy, Path(folder))
            elsewhere = structs.replace(case.config, data=structs.replace(case.config.data, catalog=Path(folder)))
            yield _compare_runs(moment_ns, "replaced by noise", truth, _run(case, elsewhere))


def _run(case: _Case, config: HeliosConfig) -> list[Record]:
    result = run_backtest(LoadedConfig(config=config, text=case.text))
    return [record for record in result.journal if not isinstance(record, RunRecord)]


def _compare_runs(moment_ns: int, what: str, truth: list[Record], other: list[Record]) -> Finding:
    check = f"decisions up to {_iso(moment_ns)}, future {what}"
    before, after = (_records_until(moment_ns, records) for records in (truth, other))
    for one, two in zip(before, after, strict=False):
        if one != two:
            return Finding(check=check, passed=False, words=f"at {_iso(one.ts_ns)}: {one} became {two}")
    if len(before) != len(after):
        return Finding(check=check, passed=False, words=f"{len(before)} records became {len(after)}")
    return Finding(check=check, passed=True, words=f"{len(before):,} records unchanged")


def _records_until(moment_ns: int, records: list[Record]) -> list[Record]:
    """The records up to a moment, but for what a run says at it only because it ends there: a last snapshot, and the
    outcomes known since the last hour.
    """
    return [
        record
        for record in records
        if record.ts_ns < moment_ns
        or (record.ts_ns == moment_ns and not isinstance(record, OutcomeRecord | SnapshotRecord))
    ]


# Other futures


def _futures(case: _Case, moment_ns: int) -> Futures:
    """The data with everything after a moment removed, and replaced by noise."""
    yield "removed", {name: _cut(data, moment_ns) for name, data in case.data.items()}
    rng = np.random.default_rng((case.seed, moment_ns))
    yield (
        "replaced by noise",
        {name: _noise(data, moment_ns, case.instruments[name], rng) for name, data in case.data.items()},
    )


def _cut(data: MarketData, moment_ns: int) -> MarketData:
    trades = None if data.trades is None else _rows(data.trades, data.trades.ts_ns < moment_ns)
    return structs.replace(data, bars=data.bars.window(-1, moment_ns), trades=trades)


def _rows(trades: Trades, keep: Bools) -> Trades:
    return Trades(**{name: getattr(trades, name)[keep] for name in Trades.__struct_fields__})


def _noise(data: MarketData, moment_ns: int, instrument: Instrument, rng: np.random.Generator) -> MarketData:
    """The same stamps with a random walk of five times the usual size, on the tick grid, after the moment.

    Trades follow the new bars; sizes and volumes are shuffled, aggressors drawn.
    """
    bars, tick = data.bars, float(instrument.price_increment)
    after = bars.ts_ns > moment_ns
    last = bars.close[max(int((~after).sum()) - 1, 0)]
    steps = rng.normal(0.0, 5 * float(np.diff(np.log(bars.close)).std()), int(after.sum()))
    close = np.maximum(np.round(last * np.exp(np.cumsum(steps)) / tick), 2.0)
    opened = np.concatenate(([np.round(last / tick)], close))[:-1]
    new = {
        "open": opened,
        "high": np.maximum(opened, close) + 1.0,
        "low": np.minimum(opened, close) - 1.0,
        "close": close,
    }
    changed = {name: np.concatenate((getattr(bars, name)[~after], ticks * tick)) for name, ticks in new.items()}
    volume = np.concatenate((bars.volume[~after], rng.permutation(bars.volume[after])))
    bars = structs.replace(bars, volume=volume, **changed)
    trades = None if data.trades is None else _noise_of_trades(data.trades, bars, moment_ns, rng)
    return structs.replace(data, bars=bars, trades=trades)


def _noise_of_trades(trades: Trades, bars: Bars, moment_ns: int, rng: np.random.Generator) -> Trades:
    """Trades from the moment on at the open or the close of their new bar, with other sizes and aggressors."""
    after = trades.ts_ns >= moment_ns
    of_bar = np.minimum(np.searchsorted(bars.ts_ns, trades.ts_ns[after], side="right"), len(bars) - 1)
    price, size, side = trades.price.copy(), trades.size.copy(), trades.side.copy()
    price[after] = np.where(rng.random(len(of_bar)) < 0.5, bars.open[of_bar], bars.close[of_bar])
    size[after] = rng.permutation(size[after])
    side[after] = rng.choice(np.array([BUY, SELL], dtype=np.int8), len(of_bar))
    return Trades(ts_ns=trades.ts_ns, price=price, size=size, side=side)


def _write_catalogue(case: _Case, data: Mapping[str, MarketData], folder: Path) -> None:
    with open_staging(folder) as staging:
        for name, market in data.items():
            instrument, length_ns = case.instruments[name], case.config.spec.base_ns
            store_market(staging, folder, instrument, market, length_ns, Provenance())


def _iso(ts_ns: int) -> str:
    return unix_nanos_to_iso8601(ts_ns).removesuffix(".000000000Z")
