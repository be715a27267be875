"""`verify_lookahead` passes where nothing looks ahead, and fails where a feature, a prediction or a decision does.

One small market with trades, one quickly trained model, an account that trades without an edge: what is checked is the
machinery, not the profit.
"""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from msgspec import structs

from helios_nautilus.config import LoadedConfig
from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.table import FeatureTables, build_tables
from helios_nautilus.domain.portfolio.allocate import AllocationRules
from helios_nautilus.domain.portfolio.guardian import GuardianRules
from helios_nautilus.domain.portfolio.rebalance import RebalanceRules
from helios_nautilus.domain.portfolio.targets import RebalanceSettings
from helios_nautilus.errors import NotEnoughHistoryError
from helios_nautilus.history import import_bars
from helios_nautilus.journal.records import EquityRecord, EventRecord, FillRecord, PositionRecord, RebalanceRecord
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.dataset import Arrays
from helios_nautilus.models.predict import ArrayPredictions, predict_arrays
from helios_nautilus.node import backtest, lookahead
from helios_nautilus.node.lookahead import Finding, verify_lookahead
from helios_nautilus.simulator.market import MarketConfig
from tests.acceptance.cli import helios
from tests.integration.markets import prepare, write_market

ROOT = Path(__file__).parents[2]
RECORDED = ROOT.parent / "shared" / "data"
PERPETUALS = ("BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE", "SOLUSDT-PERP.BINANCE")
SHORT = {"days": 0.25, "times": 1, "seed": 1}

type Build = Callable[[FeatureSpec, Mapping[str, MarketData], Mapping[str, int]], FeatureTables]


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> LoadedConfig:
    """Five days to train on and one to check."""
    folder = tmp_path_factory.mktemp("bars")
    write_market(folder / "market", MarketConfig(seed=4, days=6, trades_days=0))
    return prepare(folder, {})


@pytest.fixture(scope="module")
def trades(tmp_path_factory: pytest.TempPathFactory) -> LoadedConfig:
    """The same with every trade."""
    folder = tmp_path_factory.mktemp("trades")
    write_market(folder / "market", MarketConfig(seed=4, days=6, trades_days=6))
    return prepare(folder, {"data.trades": True})


def rebalanced(loaded: LoadedConfig) -> LoadedConfig:
    """The same on an account that cannot follow the model, which leans to SELL: it holds what its targets say.

    Its first fees are a drawdown that counts as a risk event, and no trade is too dear.
    """
    settings = RebalanceSettings(
        mode="full",
        history_days=4,
        drawdown_share=0.001,
        rules=RebalanceRules(horizon_days=10_000.0),
        allocation=AllocationRules(max_weight=0.05),
    )
    config = loaded.config
    config = structs.replace(
        config,
        account=structs.replace(config.account, kind="cash"),
        aether=structs.replace(config.aether, sizing=structs.replace(config.aether.sizing, margin=False)),
        guardian=structs.replace(config.guardian, rules=GuardianRules(correlation_days=4, max_correlation=1.0)),
        rebalance=settings,
    )
    return structs.replace(loaded, config=config)


def failed(findings: list[Finding]) -> set[str]:
    """What was checked where something failed: the first word of each check."""
    return {finding.check.split()[0].rstrip(",") for finding in findings if not finding.passed}


BOTH = pytest.mark.parametrize("data", ["bars", pytest.param("trades", marks=pytest.mark.slow)])


@BOTH
def test_nothing_looks_ahead(data: str, request: pytest.FixtureRequest) -> None:
    findings = list(verify_lookahead(request.getfixturevalue(data), **SHORT))
    assert failed(findings) == set()
    assert [finding.check.split()[0].rstrip(",") for finding in findings] == [
        *("features", "features", "predictions", "features", "predictions", "decisions", "decisions")
    ]
    assert {finding.check.rpartition("future ")[2] for finding in findings[1:]} == {"removed", "replaced by noise"}


def test_nothing_looks_ahead_where_the_portfolio_is_rebalanced(bars: LoadedConfig) -> None:
    """Every trade of the run is the rebalancing's: what is bought at the day's first decision, until it is over."""
    loaded = rebalanced(bars)
    morning = structs.replace(loaded.config.backtest, end="2026-01-06T06:00")
    result = backtest.run_backtest(structs.replace(loaded, config=structs.replace(loaded.config, backtest=morning)))
    journal = result.journal
    assert [record.reason for record in journal.of(RebalanceRecord)] == ["WEEKLY", "RISK_EVENT"]
    told = {event.decision_id for event in journal.of(EventRecord) if event.kind == "rebalanced"}
    assert {fill.decision_id for fill in journal.of(FillRecord)} == told != set()
    made = sum(position.pnl for position in journal.of(PositionRecord))
    assert journal.of(EquityRecord)[-1].equity == pytest.approx(result.run.starting_balance + made, abs=0.05)

    assert failed(list(verify_lookahead(loaded, **SHORT))) == set()


@BOTH
def test_decisions_that_are_compared_include_fills(data: str, request: pytest.FixtureRequest) -> None:
    loaded: LoadedConfig = request.getfixturevalue(data)
    morning = structs.replace(loaded.config.backtest, end="2026-01-06T06:00")
    result = backtest.run_backtest(structs.replace(loaded, config=structs.replace(loaded.config, backtest=morning)))
    assert result.journal.of(FillRecord)


def shifted(column: str, by_rows: int = 1) -> Build:
    """Tables in which one column of the fastest timeframe holds what is known a bar later only."""

    def build(spec: FeatureSpec, data: Mapping[str, MarketData], precisions: Mapping[str, int]) -> FeatureTables:
        tables = build_tables(spec, data, precisions)
        fastest, *others = tables.tables
        values, at = fastest.values.copy(), spec.columns.index(column)
        values[:-by_rows, :, at] = values[by_rows:, :, at]
        return structs.replace(tables, tables=(structs.replace(fastest, values=values), *others))

    return build


def test_feature_shifted_by_one_bar_is_found(bars: LoadedConfig) -> None:
    findings = verify_lookahead(bars, build=shifted("return_1"), **SHORT)
    features = list(islice((one for one in findings if one.check.startswith("features")), 3))
    for what, finding in zip(("batch = stream", "removed", "replaced by noise"), features, strict=True):
        assert what in finding.check
        assert not finding.passed, what


@pytest.mark.slow
def test_feature_of_trades_shifted_by_one_bar_is_found_because_later_trades_are_replaced_too(
    trades: LoadedConfig,
) -> None:
    findings = verify_lookahead(trades, build=shifted("taker_imbalance"), **SHORT)
    noisy = next(one for one in findings if one.check.startswith("features") and one.check.endswith("noise"))
    assert not noisy.passed


def test_shifted_feature_ends_the_command_with_a_failure(
    bars: LoadedConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = partial(verify_lookahead, build=shifted("return_1"))
    monkeypatch.setattr("helios_nautilus.cli.verify.verify_lookahead", planted)
    path = tmp_path / "run.toml"
    path.write_text(bars.text)
    outcome = helios("verify", "lookahead", str(path), "--days", "0.1", "--times", "1", "--json")
    assert outcome.code == 1
    assert "FAIL" in outcome.err
    assert not all(finding["passed"] for finding in outcome.json)


def test_prediction_that_knows_the_label_is_found(bars: LoadedConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that was handed what becomes of the plan: here, its own logits of four hours later."""

    def leak(model: Model, arrays: Arrays) -> ArrayPredictions:
        found = predict_arrays(model, arrays)
        ahead = np.concatenate((found.logits[48:], found.logits[-48:]))
        return structs.replace(found, logits=ahead)

    monkeypatch.setattr(lookahead, "predict_arrays", leak)
    assert failed(list(verify_lookahead(bars, **SHORT))) == {"predictions"}


def test_order_that_trades_at_a_price_of_the_future_is_found(
    bars: LoadedConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening quotes that stand at the price of two hours later."""
    honest = backtest.opening_quotes

    def peek(instrument: object, bars: Bars, bar_ns: int, half_spread: float) -> object:
        later = np.minimum(np.arange(len(bars)) + 120, len(bars) - 1)
        return honest(instrument, structs.replace(bars, open=bars.open[later]), bar_ns, half_spread)

    monkeypatch.setattr(backtest, "opening_quotes", peek)
    assert failed(list(verify_lookahead(bars, **SHORT))) == {"decisions"}


@pytest.mark.slow
def test_data_that_end_before_the_window_are_checked_up_to_their_end(bars: LoadedConfig) -> None:
    longer = structs.replace(bars.config.backtest, start="2026-01-06T21:00", end="2026-01-09")
    config = structs.replace(bars.config, backtest=longer)
    assert failed(list(verify_lookahead(structs.replace(bars, config=config), days=2.0, times=1))) == set()


def test_window_without_a_moment_between_its_bars_is_refused(bars: LoadedConfig) -> None:
    with pytest.raises(NotEnoughHistoryError, match="no moment to check"):
        list(verify_lookahead(bars, days=1 / 1440))


@pytest.mark.slow
@pytest.mark.skipif(not RECORDED.exists(), reason="recorded candles are not here (../shared/data)")
def test_nothing_looks_ahead_on_recorded_candles(tmp_path: Path) -> None:
    for name in PERPETUALS:
        symbol = name.partition("-")[0].lower()
        recorded = pq.read_table(RECORDED / f"{symbol}_perp_1m_2025.parquet")
        pq.write_table(recorded.slice(0, 6 * 1440), tmp_path / f"{symbol}.parquet")
        definitions = ROOT / "configs" / "instruments" / "binance_usdm.toml"
        import_bars([tmp_path / f"{symbol}.parquet"], name, tmp_path / "market", stamp="open", instruments=definitions)
    config = prepare(
        tmp_path,
        {
            "data.instruments": PERPETUALS,
            "data.reference": PERPETUALS[0],
            "account.currency": "USDT",
            "training.window.start": "2025-05-04",
            "training.window.end": "2025-05-10",
            "backtest.start": "2025-05-10",
            "backtest.end": "2025-05-11",
        },
    )
    assert failed(list(verify_lookahead(config, **SHORT))) == set()
