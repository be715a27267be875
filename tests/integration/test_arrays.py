"""Training arrays from a catalogue: what is known at each decision, what became of it, and nothing from beyond."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.labels import Label, LabelConfig
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.risk.volatility import VolatilityRules
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.errors import DataError, NotEnoughHistoryError, UnknownInstrumentError
from helios_nautilus.history.arrays import export_arrays
from helios_nautilus.models.dataset import Arrays
from helios_nautilus.simulator.market import MarketConfig
from tests.integration.markets import IDS, write_market

SPEC = FeatureSpec(universe=IDS, reference=IDS[0])
PLAN = ExitPlan()
MARKET = MarketConfig(seed=4, days=4, trades_days=0)
START = MARKET.start_ns
BTC, ETH, SOL = range(3)
HOLE = (2 * 1440 + 300, 2 * 1440 + 309)
"""Ten minutes of the third day, as rows."""


def export(
    catalog: Path, start_ns: int = START, end_ns: int = START + 4 * NS_PER_DAY, spec: FeatureSpec = SPEC
) -> Arrays:
    return export_arrays(catalog, spec, start_ns, end_ns, PLAN, LabelConfig(), VolatilityRules())


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole")
    write_market(path, MARKET)
    return path


@pytest.fixture(scope="module")
def whole(catalog: Path) -> Arrays:
    return export(catalog)


@pytest.fixture(scope="module")
def with_hole(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    path = tmp_path_factory.mktemp("hole")
    write_market(path, MARKET, {"ETHZAR.VALR": HOLE})
    return export(path)


def columns(arrays: Arrays) -> Mapping[str, np.ndarray]:
    """Every array by name."""
    decisions = {name: getattr(arrays, name) for name in ("ts_ns", "label", "net_long", "net_short", "vol_daily")}
    series = {
        f"{name} {column}": getattr(series, column)
        for name, series in zip(arrays.timeframes.names, arrays.series, strict=True)
        for column in ("ts_ns", "x", "ready")
    }
    return decisions | series


def test_every_close_of_the_window_has_its_row_and_nothing_else(whole: Arrays) -> None:
    for series, length_ns in zip(whole.series, (NS_PER_MIN, 5 * NS_PER_MIN, 15 * NS_PER_MIN), strict=True):
        np.testing.assert_array_equal(series.ts_ns, np.arange(START + length_ns, START + 4 * NS_PER_DAY + 1, length_ns))
    np.testing.assert_array_equal(whole.ts_ns, whole.series[1].ts_ns)
    assert whole.n_features == SPEC.width


def test_everything_known_is_finite(whole: Arrays) -> None:
    for series in whole.series:
        assert np.isfinite(series.x).all()
    known = whole.label != Label.UNKNOWN
    for name in ("net_long", "net_short", "vol_daily"):
        assert np.isfinite(getattr(whole, name)[known]).all()


def test_features_are_ready_after_a_hundred_bars_of_each_length(whole: Arrays) -> None:
    for series in whole.series:
        assert not series.ready[:99].any()
        assert series.ready[100:].all()


def test_label_is_the_side_whose_plan_would_have_earned_more(whole: Arrays) -> None:
    known = whole.label != Label.UNKNOWN
    best = np.maximum(whole.net_long, whole.net_short)
    assert ((whole.label == Label.HOLD) == (best <= 0))[known].all()
    assert (whole.net_long > whole.net_short)[whole.label == Label.BUY].all()
    assert (whole.net_short > whole.net_long)[whole.label == Label.SELL].all()
    assert set(np.unique(whole.label)) == set(map(int, Label))


def test_outcome_of_the_last_hold_is_unknown(whole: Arrays) -> None:
    late = whole.ts_ns + PLAN.hold_ns > START + 4 * NS_PER_DAY
    stopped = np.isfinite(whole.net_long) & np.isfinite(whole.net_short)
    assert not stopped[whole.ts_ns == START + 4 * NS_PER_DAY].any()
    assert (whole.label[late] == Label.UNKNOWN).mean() > 0.9
    assert (whole.label[~late][200:] != Label.UNKNOWN).all()


def test_window_that_ends_earlier_gives_the_same_rows_up_to_its_end(catalog: Path, whole: Arrays) -> None:
    end_ns = START + 3 * NS_PER_DAY
    shorter = columns(export(catalog, end_ns=end_ns))
    settled = shorter["ts_ns"] + PLAN.hold_ns <= end_ns
    for name, values in columns(whole).items():
        rows = len(shorter[name])
        if name in ("label", "net_long", "net_short"):
            np.testing.assert_array_equal(shorter[name][settled], values[:rows][settled], err_msg=name)
        else:
            np.testing.assert_array_equal(shorter[name], values[:rows], err_msg=name)


def test_equal_data_have_an_equal_hash_and_one_other_bar_changes_it(
    catalog: Path, whole: Arrays, with_hole: Arrays
) -> None:
    assert export(catalog).data_hash == whole.data_hash
    assert with_hole.data_hash != whole.data_hash
    assert export(catalog, end_ns=START + 4 * NS_PER_DAY - NS_PER_MIN).data_hash != whole.data_hash


def test_hole_is_not_filled(with_hole: Arrays) -> None:
    first_ns, last_ns = (START + (row + 1) * NS_PER_MIN for row in HOLE)
    for series, length_ns in zip(with_hole.series, with_hole.timeframes.lengths_ns, strict=True):
        inside = (series.ts_ns >= first_ns) & (series.ts_ns - length_ns < last_ns)
        recovering = (series.ts_ns > last_ns) & (series.ts_ns < last_ns + 99 * length_ns)
        assert inside.any()
        assert not series.ready[inside | recovering, ETH].any()
        assert series.ready[(series.ts_ns < first_ns), ETH][100:].all()


def test_no_plan_is_followed_across_a_hole(with_hole: Arrays, whole: Arrays) -> None:
    first_ns, last_ns = (START + (row + 1) * NS_PER_MIN for row in HOLE)
    entered_before = (with_hole.ts_ns < first_ns) & (with_hole.ts_ns > first_ns - NS_PER_HOUR)
    inside = (with_hole.ts_ns >= first_ns - NS_PER_MIN) & (with_hole.ts_ns < last_ns)
    ran_into_it = entered_before & np.isnan(with_hole.net_long[:, ETH])
    assert ran_into_it.sum() >= 10
    assert (with_hole.label[inside, ETH] == Label.UNKNOWN).all()
    np.testing.assert_array_equal(with_hole.net_long[:, BTC], whole.net_long[:, BTC])


def test_volatility_is_unknown_where_the_newest_is_older_than_a_bar(with_hole: Arrays) -> None:
    first_ns, last_ns = (START + (row + 1) * NS_PER_MIN for row in HOLE)
    stale = (with_hole.ts_ns > first_ns) & (with_hole.ts_ns <= last_ns)
    assert stale.any()
    assert np.isnan(with_hole.vol_daily[stale, ETH]).all()
    assert np.isfinite(with_hole.vol_daily[stale, BTC]).all()


def test_window_too_short_to_be_ready_is_refused(catalog: Path) -> None:
    with pytest.raises(NotEnoughHistoryError, match="100 unbroken bars of 15m"):
        export(catalog, end_ns=START + NS_PER_DAY)


def test_instrument_that_is_not_there_is_refused(catalog: Path) -> None:
    with pytest.raises(DataError, match=r"no 1m bars of DOGEZAR\.VALR"):
        export(catalog, spec=structs.replace(SPEC, universe=(*IDS, "DOGEZAR.VALR")))


def test_instrument_without_a_definition_is_refused(tmp_path: Path) -> None:
    write_market(tmp_path, MARKET)
    for path in (tmp_path / "data" / "currency_pair" / "SOLZAR.VALR").iterdir():
        path.unlink()
    with pytest.raises(UnknownInstrumentError, match=r"SOLZAR\.VALR"):
        export(tmp_path)


def test_trades_that_were_never_recorded_are_not_made_up(catalog: Path) -> None:
    with pytest.raises(DataError, match="has no recorded trades"):
        export(catalog, spec=structs.replace(SPEC, trades=True))
