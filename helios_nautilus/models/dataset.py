"""What a model is trained on: feature and label arrays, how they are kept, split in time and scaled.

Plain numpy, made once by whoever has the bars, and read here without any engine. How the arrays become sequences is
`models.sequences`.
"""

from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from helios_nautilus.domain.bars import Bools, Floats, Ints
from helios_nautilus.domain.labels import LabelArray, LabelConfig
from helios_nautilus.domain.plan import ExitPlan, Liquidity
from helios_nautilus.domain.timeframe import NS_PER_MIN, Timeframes
from helios_nautilus.errors import ConfigError, DataError, NotEnoughHistoryError

type Float32s = NDArray[np.float32]


class Series(Struct, frozen=True, kw_only=True):
    """Features of all instruments at one bar length, on a grid without gaps: rows without data are just not ready."""

    ts_ns: Ints
    """Closes (t,), one bar length apart."""
    x: Float32s
    """Unscaled features (t, instruments, features); anything where not ready."""
    ready: Bools
    """(t, instruments)."""


class Arrays(Struct, frozen=True, kw_only=True):
    """A training set: three series, and the decisions with what became of them."""

    timeframes: Timeframes
    instrument_ids: tuple[str, ...]
    series: tuple[Series, Series, Series]
    """Fastest first."""
    ts_ns: Ints
    """Decision stamps (d,), increasing closes of the decision timeframe."""
    label: LabelArray
    """`Label` of each decision (d, instruments)."""
    taker_long: Floats
    """Net return of the long plan (d, instruments), entered as a taker; NaN: unknown."""
    taker_short: Floats
    maker_long: Floats
    """0 where a maker's entry was never filled, as in ``maker_short``."""
    maker_short: Floats
    vol_daily: Floats
    """Daily volatility known at the decision (d, instruments); NaN: unknown."""
    plan: ExitPlan
    label_config: LabelConfig
    spec: dict[str, Any]
    """The feature specification, as plain data for the model's card."""
    spec_hash: str
    data_hash: str

    def __post_init__(self) -> None:
        shape = (len(self.ts_ns), len(self.instrument_ids))
        for name in _DECISION_COLUMNS[1:]:
            if getattr(self, name).shape != shape:
                raise DataError(f"training arrays: {name} has shape {getattr(self, name).shape}, expected {shape}")
        if len(self.ts_ns) == 0 or np.any(np.diff(self.ts_ns) <= 0) or np.any(self.ts_ns % self.timeframes.decision_ns):
            raise DataError(f"training arrays: decisions are not increasing closes of {self.timeframes.decision} bars")
        for series, name, length_ns in zip(self.series, self.timeframes.names, self.timeframes.lengths_ns, strict=True):
            _check_series(series, name, length_ns, (len(self.instrument_ids), self.n_features))

    @property
    def n_features(self) -> int:
        """Columns of every series."""
        return int(self.series[0].x.shape[2])

    def nets(self, entry: Liquidity) -> tuple[Floats, Floats]:
        """Net returns of the long and the short plan (d, instruments), entered one way or the other."""
        return (self.taker_long, self.taker_short) if entry == "taker" else (self.maker_long, self.maker_short)

    @property
    def net_long(self) -> Floats:
        """Net return of the long plan, entered as the plan says."""
        return self.nets(self.plan.entry)[0]

    @property
    def net_short(self) -> Floats:
        """Net return of the short plan, entered as the plan says."""
        return self.nets(self.plan.entry)[1]


def _check_series(series: Series, name: str, length_ns: int, width: tuple[int, int]) -> None:
    n = len(series.ts_ns)
    if series.x.shape != (n, *width) or series.ready.shape != (n, width[0]):
        raise DataError(
            f"training arrays: {name} features have shape {series.x.shape}, readiness {series.ready.shape}, "
            f"expected {(n, *width)} and {(n, width[0])}"
        )
    if n == 0 or series.ts_ns[0] % length_ns or np.any(np.diff(series.ts_ns) != length_ns):
        raise DataError(f"training arrays: {name} stamps are not a gapless grid of {name} closes")


def cut_arrays(arrays: Arrays, start_ns: int, end_ns: int) -> Arrays:
    """The bars and decisions in ``(start_ns, end_ns]``, as views. `DataError` if nothing is left of one of them."""

    def cut(ts_ns: Ints) -> slice:
        first, stop = np.searchsorted(ts_ns, (start_ns, end_ns), side="right").tolist()
        return slice(first, stop)

    def cut_series(series: Series) -> Series:
        rows = cut(series.ts_ns)
        return Series(**{name: getattr(series, name)[rows] for name in _SERIES_COLUMNS})

    high, medium, low = map(cut_series, arrays.series)
    columns = {name: getattr(arrays, name)[cut(arrays.ts_ns)] for name in _DECISION_COLUMNS}
    return msgspec.structs.replace(arrays, series=(high, medium, low), **columns)


_FORMAT: Final = 2


class _Meta(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything of `Arrays` that is not an array."""

    format: int = _FORMAT
    timeframes: Timeframes
    instrument_ids: tuple[str, ...]
    plan: ExitPlan
    label_config: LabelConfig
    spec: dict[str, Any]
    spec_hash: str
    data_hash: str


_DECISION_COLUMNS: Final = ("ts_ns", "label", "taker_long", "taker_short", "maker_long", "maker_short", "vol_daily")
_SERIES_COLUMNS: Final = ("ts_ns", "x", "ready")


def save_arrays(arrays: Arrays, folder: Path) -> None:
    """Write a training set as one .npy file per array and a ``meta.json``; files of that name are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    for column in _DECISION_COLUMNS:
        np.save(folder / f"decision_{column}.npy", getattr(arrays, column))
    for name, series in zip(arrays.timeframes.names, arrays.series, strict=True):
        for column in _SERIES_COLUMNS:
            np.save(folder / f"{name}_{column}.npy", getattr(series, column))
    meta = _Meta(**{name: getattr(arrays, name) for name in _Meta.__struct_fields__ if name != "format"})
    (folder / "meta.json").write_bytes(msgspec.json.format(msgspec.json.encode(meta)))


def load_arrays(folder: Path) -> Arrays:
    """Open a training set without reading it into memory; `DataError` if it is not one."""
    try:
        meta = msgspec.json.decode((folder / "meta.json").read_bytes(), type=_Meta)
        if meta.format != _FORMAT:
            raise DataError(f"{folder} holds training arrays of format {meta.format}, not {_FORMAT}; make them anew")
        columns = {name: _open(folder / f"decision_{name}.npy") for name in _DECISION_COLUMNS}
        high, medium, low = (
            Series(**{column: _open(folder / f"{name}_{column}.npy") for column in _SERIES_COLUMNS})
            for name in meta.timeframes.names
        )
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise DataError(f"{folder} holds no readable training arrays: {error}") from error
    fields: dict[str, Any] = {name: getattr(meta, name) for name in _Meta.__struct_fields__ if name != "format"}
    return Arrays(**(fields | columns), series=(high, medium, low))


def _open(path: Path) -> NDArray[Any]:
    return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


class Span(Struct, frozen=True, kw_only=True):
    """Decisions with ``start_ns < ts <= end_ns``."""

    start_ns: int
    end_ns: int

    def holds(self, ts_ns: Ints) -> Bools:
        """Which stamps lie inside."""
        return (ts_ns > self.start_ns) & (ts_ns <= self.end_ns)


class Splits(Struct, frozen=True, kw_only=True):
    """Three spans, in the order of time."""

    train: Span
    validation: Span
    test: Span


class SplitConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of the decisions' time span; what is left over is the test."""

    train: float = 0.7
    validation: float = 0.15
    embargo_mins: int = 60
    """Dropped after each boundary, beyond the purge before it."""

    def __post_init__(self) -> None:
        if min(self.train, self.validation) <= 0 or self.train + self.validation >= 1 or self.embargo_mins < 0:
            raise ConfigError("split: train and validation must be above 0 and leave something for the test")


def split_by_share(arrays: Arrays, config: SplitConfig) -> Splits:
    """Split by shares of time; see `split_at` for what is dropped at the boundaries."""
    first, last = int(arrays.ts_ns[0]), int(arrays.ts_ns[-1])
    validation_ns = first + int((last - first) * config.train)
    test_ns = first + int((last - first) * (config.train + config.validation))
    return split_at(arrays, validation_ns, test_ns, embargo_ns=config.embargo_mins * NS_PER_MIN)


def split_at(arrays: Arrays, validation_ns: int, test_ns: int, *, embargo_ns: int, end_ns: int | None = None) -> Splits:
    """Train before ``validation_ns``, validate up to ``test_ns``, test after it, up to ``end_ns`` or the last decision.

    Before a boundary as much is dropped as a label may look ahead, so that no training label knows prices of the
    next span; after it, ``embargo_ns``.
    """
    purge_ns = arrays.label_config.reach_ns(arrays.plan)
    splits = Splits(
        train=Span(start_ns=int(arrays.ts_ns[0]) - 1, end_ns=validation_ns - purge_ns),
        validation=Span(start_ns=validation_ns + embargo_ns, end_ns=test_ns - purge_ns),
        test=Span(start_ns=test_ns + embargo_ns, end_ns=end_ns or int(arrays.ts_ns[-1])),
    )
    for name in Splits.__struct_fields__:
        if not (arrays.label[getattr(splits, name).holds(arrays.ts_ns)] >= 0).any():
            raise NotEnoughHistoryError(
                f"the {name} span has no labelled decision once {purge_ns // NS_PER_MIN} minutes of purge and "
                f"{embargo_ns // NS_PER_MIN} of embargo are taken off; train on a longer window"
            )
    return splits


class Scaler(Struct, frozen=True, kw_only=True):
    """Column means and deviations, (timeframes, features), and the limit in deviations that scaled values keep to."""

    mean: tuple[tuple[float, ...], ...]
    std: tuple[tuple[float, ...], ...]
    clip: float = 8.0

    def columns(self, timeframe: int) -> tuple[Float32s, Float32s]:
        """Mean and deviation of one timeframe's columns, each (features,)."""
        return np.array(self.mean[timeframe], dtype=np.float32), np.array(self.std[timeframe], dtype=np.float32)

    def apply(self, timeframe: int, x: Float32s) -> Float32s:
        """Scale and clip features (..., features) of one timeframe."""
        mean, std = self.columns(timeframe)
        scaled: Float32s = np.clip((x - mean) / std, -self.clip, self.clip)
        return scaled


def fit_scaler(arrays: Arrays, train: Span) -> Scaler:
    """Mean and deviation of every column over the ready rows of the training span alone.

    A column that does not move there is scaled by 1.
    """
    mean, std = [], []
    for series, name in zip(arrays.series, arrays.timeframes.names, strict=True):
        rows = np.flatnonzero((series.ts_ns > train.start_ns) & (series.ts_ns <= train.end_ns))
        cut = slice(rows[0], rows[-1] + 1) if len(rows) else slice(0)
        x = np.asarray(series.x[cut][series.ready[cut]], dtype=np.float64)
        if len(x) == 0:
            raise NotEnoughHistoryError(f"no {name} features are ready in the training span")
        deviation = x.std(axis=0)
        mean.append(tuple(x.mean(axis=0).tolist()))
        std.append(tuple(np.where(deviation > 1e-9, deviation, 1.0).tolist()))
    return Scaler(mean=tuple(mean), std=tuple(std))
