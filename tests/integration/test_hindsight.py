"""Leaks planted where arrays are made: each is caught when a sample is made again from what was known in time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.table import FeatureTables, build_tables
from helios_nautilus.domain.labels import LabelConfig, Labels, label_decisions
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.risk.volatility import VolatilityRules, volatility_path
from helios_nautilus.errors import LookaheadError
from helios_nautilus.history import arrays as making
from helios_nautilus.history import hindsight
from helios_nautilus.history.arrays import build_arrays
from helios_nautilus.history.catalogue import load_instruments, load_market_data
from helios_nautilus.history.hindsight import check_features, check_labels
from helios_nautilus.models.dataset import Arrays
from helios_nautilus.simulator.market import MarketConfig
from tests.integration.markets import IDS, write_market

SPEC = FeatureSpec(universe=IDS, reference=IDS[0])
PLAN = ExitPlan(hold_mins=60)
MARKET = MarketConfig(seed=4, days=4, trades_days=0)
LATE = (0, 2000)
"""The first rows of an instrument that was listed a day and a half later."""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, MarketData], dict[str, Any]]:
    path = tmp_path_factory.mktemp("whole")
    write_market(path, MARKET, {"SOLZAR.VALR": LATE})
    data = load_market_data(path, IDS, MARKET.start_ns, None, bar="1m", trades=False)
    return data, {each.id.value: each for each in load_instruments(path, IDS)}


def make(market: tuple[dict[str, MarketData], dict[str, Any]], plan: ExitPlan = PLAN) -> Arrays:
    return build_arrays(SPEC, *market, plan, LabelConfig(), VolatilityRules())


def check(market: tuple[dict[str, MarketData], dict[str, Any]], arrays: Arrays) -> None:
    data, instruments = market
    check_labels(arrays, SPEC, data)
    check_features(arrays, SPEC, data, instruments, VolatilityRules())


@pytest.mark.parametrize("plan", [PLAN, ExitPlan(hold_mins=60, entry="maker")], ids=["taker", "maker"])
def test_arrays_made_in_time_pass_also_with_an_instrument_that_came_late(market, plan):
    check(market, make(market, plan))


def label_with_last_close(bars: Bars, ts_ns: Any, vol_daily: Any, *rest: Any, **named: Any) -> Labels:
    """Labels that know where the history ends."""
    found = label_decisions(bars, ts_ns, vol_daily, *rest, **named)
    return structs.replace(found, taker_long=found.taker_long + 1e-6 * bars.close[-1])


def label_later(bars: Bars, ts_ns: Any, vol_daily: Any, *rest: Any, **named: Any) -> Labels:
    """Labels of a decision five minutes later."""
    return label_decisions(bars, ts_ns + 5 * 60 * 10**9, vol_daily, *rest, **named)


@pytest.mark.parametrize("leaky", [label_with_last_close, label_later])
@pytest.mark.parametrize("places", [(making,), (making, hindsight)], ids=["in the arrays", "in the labels themselves"])
def test_label_that_knows_prices_beyond_its_reach_is_caught(market, monkeypatch, leaky, places):
    for place in places:
        monkeypatch.setattr(place, "label_decisions", leaky)
    with pytest.raises(LookaheadError, match=r"(label|taker_long|taker_short) of BTCZAR\.VALR at 2026"):
        check_labels(make(market), SPEC, market[0])


def test_label_that_reaches_further_than_it_says_is_caught(market):
    longer = make(market, ExitPlan(hold_mins=120))
    with pytest.raises(LookaheadError, match="after its 60 minutes"):
        check_labels(structs.replace(longer, plan=PLAN), SPEC, market[0])


def spoil(tables: FeatureTables, index: int, change: Callable[[np.ndarray], np.ndarray]) -> FeatureTables:
    spoilt = structs.replace(tables.tables[index], values=change(tables.tables[index].values))
    return structs.replace(tables, tables=tuple(spoilt if i == index else t for i, t in enumerate(tables.tables)))


@pytest.mark.parametrize("timeframe", range(3))
@pytest.mark.parametrize(
    "change", [lambda x: x - x.mean(axis=0), lambda x: np.roll(x, -1, axis=0)], ids=["centred on all", "next bar"]
)
def test_feature_that_knows_what_comes_is_caught(market, monkeypatch, timeframe, change):
    monkeypatch.setattr(making, "build_tables", lambda *given: spoil(build_tables(*given), timeframe, change))
    arrays = make(market)
    name = arrays.timeframes.names[timeframe]
    with pytest.raises(LookaheadError, match=f"the {name} features of some bars change"):
        check_features(arrays, SPEC, *market, VolatilityRules())


def test_volatility_of_the_next_bar_is_caught(market, monkeypatch):
    monkeypatch.setattr(making, "volatility_path", lambda *given: np.roll(volatility_path(*given), -1))
    with pytest.raises(LookaheadError, match="volatility"):
        check_features(make(market), SPEC, *market, VolatilityRules())
