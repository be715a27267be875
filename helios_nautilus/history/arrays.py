"""Training arrays from a catalogue: features, labels and volatility of every decision, with a hash of the data."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.domain.bars import Bars, Floats, Ints, MarketData
from helios_nautilus.domain.features.aggregate import aggregate
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.table import FeatureTables, build_tables
from helios_nautilus.domain.labels import Label, LabelConfig, Labels, label_decisions
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.risk.volatility import VolatilityRules, volatility_path
from helios_nautilus.errors import NotEnoughHistoryError
from helios_nautilus.history.catalogue import load_instruments, load_market_data
from helios_nautilus.models.dataset import Arrays, Series


def export_arrays(
    catalog: Path,
    spec: FeatureSpec,
    start_ns: int,
    end_ns: int,
    plan: ExitPlan,
    label: LabelConfig,
    volatility: VolatilityRules,
) -> Arrays:
    """Read ``(start_ns, end_ns]`` of the specification's universe and work out all a model trains on.

    Nothing after ``end_ns`` is read, so the last decisions of the window have no label. Raises `DataError` where the
    catalogue lacks data, `NotEnoughHistoryError` where no instrument is ever ready.
    """
    data = load_market_data(catalog, spec.universe, start_ns, end_ns, bar=spec.base, trades=spec.trades)
    instruments = {each.id.value: each for each in load_instruments(catalog, spec.universe)}
    return build_arrays(spec, data, instruments, plan, label, volatility)


def build_arrays(
    spec: FeatureSpec,
    data: Mapping[str, MarketData],
    instruments: Mapping[str, Instrument],
    plan: ExitPlan,
    label: LabelConfig,
    volatility: VolatilityRules,
) -> Arrays:
    """The same from data already read."""
    precisions = {name: instruments[name].size_precision for name in spec.universe}
    arrays = unlabelled_arrays(build_tables(spec, data, precisions), plan, label, hash_data(data))
    for i, name in enumerate(spec.universe):
        bars, base = data[name].bars, instruments[name].base_currency.code
        vol_daily = _volatility(bars, spec, volatility, base, precisions[name], arrays.ts_ns)
        found = label_decisions(bars, arrays.ts_ns, vol_daily, plan, label, bar_ns=spec.base_ns)
        arrays.vol_daily[:, i] = vol_daily
        for column in Labels.__struct_fields__:
            getattr(arrays, column)[:, i] = getattr(found, column)
    return arrays


def unlabelled_arrays(tables: FeatureTables, plan: ExitPlan, label: LabelConfig, data_hash: str) -> Arrays:
    """Arrays without labels: all a model needs to predict. Raises `NotEnoughHistoryError` if nothing is ready."""
    spec, ts_ns = tables.spec, tables.decision_closes
    if not tables.decision_ready(ts_ns).any():
        raise NotEnoughHistoryError(
            f"no decision of {', '.join(spec.universe)} is ready: features need 100 unbroken bars of "
            f"{spec.timeframes.low}; take a longer window or fill the gaps ('helios data gaps')"
        )
    shape = len(ts_ns), len(spec.universe)
    high, medium, low = (_series(tables, name) for name in spec.timeframes.names)
    return Arrays(
        timeframes=spec.timeframes,
        instrument_ids=spec.universe,
        series=(high, medium, low),
        ts_ns=ts_ns,
        label=np.full(shape, Label.UNKNOWN, dtype=np.int8),
        **{name: np.full(shape, np.nan) for name in ("taker_long", "taker_short", "maker_long", "maker_short")},
        vol_daily=np.full(shape, np.nan),
        plan=plan,
        label_config=label,
        spec=msgspec.to_builtins(spec),
        spec_hash=spec.hash,
        data_hash=data_hash,
    )


def hash_data(data: Mapping[str, MarketData]) -> str:
    """16 hexadecimal digits of everything that was read."""
    digest = hashlib.sha256()
    for name in sorted(data):
        digest.update(name.encode())
        market = data[name]
        for part in (market.bars, market.trades, market.books):
            for column in () if part is None else part.__struct_fields__:
                digest.update(np.ascontiguousarray(getattr(part, column)).tobytes())
    return digest.hexdigest()[:16]


def _volatility(
    bars: Bars, spec: FeatureSpec, rules: VolatilityRules, base_currency: str, precision: int, ts_ns: Ints
) -> Floats:
    """Daily volatility known at each decision: the newest forecast made within the last bar of the model's own."""
    own = aggregate(bars, spec.base_ns, rules.bar_ns, precision)
    path = volatility_path(own.ts_ns, own.close, rules, base_currency)
    if not len(own):
        return np.full(len(ts_ns), np.nan)
    row = np.searchsorted(own.ts_ns, ts_ns, side="right") - 1
    is_fresh = (row >= 0) & (ts_ns - own.ts_ns[np.maximum(row, 0)] < rules.bar_ns)
    return np.where(is_fresh, path[np.maximum(row, 0)], np.nan)


def _series(tables: FeatureTables, timeframe: str) -> Series:
    table = tables[timeframe]
    return Series(ts_ns=table.ts_ns, x=table.values.astype(np.float32), ready=table.ready)
