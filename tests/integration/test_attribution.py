"""A real run through all tiers: its outcomes, its daily snapshots, and the same decisions without a tier."""

import os
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from helios_nautilus.config import HeliosConfig, LoadedConfig
from helios_nautilus.domain.attribution import RunFigures, Trials
from helios_nautilus.domain.labels import Label, label_decisions
from helios_nautilus.domain.risk.sizing import SizingRules
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.errors import HeliosError
from helios_nautilus.history.catalogue import load_market_data
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import (
    FillRecord,
    GateRecord,
    GuardianRecord,
    OutcomeRecord,
    PositionRecord,
    PredictionRecord,
    SizingRecord,
    SnapshotRecord,
)
from helios_nautilus.messages import Stage
from helios_nautilus.node.attribution import _absences, _try_side_by_side, replay_without, try_without_tiers
from helios_nautilus.node.backtest import BacktestResult, run_backtest
from helios_nautilus.node.tiers import Absence
from helios_nautilus.report.fingerprint import trade_hash
from helios_nautilus.report.summary import summarise
from helios_nautilus.simulator.market import MarketConfig
from tests.acceptance.cli import succeed
from tests.integration.markets import prepare, write_market


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedConfig:
    """A margin account with eager sizing, on a day and a half."""
    folder = tmp_path_factory.mktemp("attributed")
    write_market(folder / "market", MarketConfig(seed=4, days=8, trades_days=0))
    return prepare(folder, {"gate.provider": "rules", "backtest.end": "2026-01-07T12:30"})


@pytest.fixture(scope="module")
def trials(loaded: LoadedConfig, result: BacktestResult) -> Trials:
    return try_without_tiers(loaded.config, result.journal)


@pytest.fixture(scope="module")
def result(loaded: LoadedConfig) -> BacktestResult:
    return run_backtest(loaded)


def on_cash(config: HeliosConfig) -> HeliosConfig:
    aether = replace(config.aether, sizing=replace(config.aether.sizing, margin=False))
    return replace(config, account=replace(config.account, kind="cash"), aether=aether)


def mirrored(told: list[PredictionRecord]) -> list[PredictionRecord]:
    """The opposite of what the model said: a cash account cannot follow one that mostly sells."""
    return [replace(each, p_buy=each.p_sell, p_sell=each.p_buy) for each in told]


def predictions(result: BacktestResult) -> list[PredictionRecord]:
    return result.journal.of(PredictionRecord)


def test_outcomes_are_the_training_labels_of_all_predictions_whose_horizon_lies_in_the_run(
    loaded: LoadedConfig, result: BacktestResult
) -> None:
    config = loaded.config
    reach_ns = config.training.label.reach_ns(config.plan)
    told = result.journal.of(OutcomeRecord)
    assert len(told) > 300
    data = load_market_data(config.data.catalog, config.data.instruments, None, None, bar="1m", trades=False)
    vol_daily = {record.decision_id: record.vol_daily for record in result.journal.of(SizingRecord)}
    for name in config.data.instruments:
        own = [record for record in told if record.instrument_id == name]
        known = [each for each in own if each.decision_id in vol_daily]
        sigma = np.array([vol_daily[each.decision_id] for each in known])
        stamps = np.array([each.predicted_ns for each in known])
        found = label_decisions(data[name].bars, stamps, sigma, config.plan, config.training.label)
        assert [each.label for each in known] == [Label(label).name for label in found.label]
        nets = zip(known, found.taker_long, found.taker_short, strict=True)
        expected = [long if each.side == "LONG" else short for each, long, short in nets]
        assert [each.net_return for each in known] == pytest.approx(expected)
    bar_ns = 5 * NS_PER_MIN
    due = [each for each in predictions(result) if each.ts_ns // bar_ns * bar_ns + reach_ns <= config.backtest.end_ns]
    assert {each.decision_id for each in told} == {each.decision_id for each in due}


def test_no_outcome_is_told_before_its_last_bar_has_closed(loaded: LoadedConfig, result: BacktestResult) -> None:
    reach_ns = loaded.config.training.label.reach_ns(loaded.config.plan)
    waits = [each.ts_ns - each.predicted_ns - reach_ns for each in result.journal.of(OutcomeRecord)]
    assert min(waits) >= 0
    assert max(waits) < NS_PER_HOUR


@pytest.mark.parametrize("kind", ["margin", "cash"])
def test_what_the_instruments_made_is_the_change_of_equity_to_the_cent(
    loaded: LoadedConfig, result: BacktestResult, kind: str
) -> None:
    journal = result.journal
    if kind == "cash":
        journal = replay_without(on_cash(loaded.config), mirrored(predictions(result)), None)
    snapshots = journal.of(SnapshotRecord)
    config = loaded.config
    assert [each.ts_ns for each in snapshots] == [config.backtest.start_ns + NS_PER_DAY, config.backtest.end_ns]
    equity = [config.account.balance, *(each.equity for each in snapshots)]
    for before, snapshot in zip(equity, snapshots, strict=False):
        assert snapshot.pnl == pytest.approx(snapshot.equity - before, abs=1e-6)
        assert sum(each.pnl for each in snapshot.holdings) == pytest.approx(snapshot.pnl, abs=0.005)
        assert snapshot.cash + sum(each.value for each in snapshot.holdings) == pytest.approx(snapshot.equity)
    fills = journal.of(FillRecord)
    assert fills
    assert sum(each.costs for each in snapshots) == pytest.approx(float(sum(fill.commission_value for fill in fills)))


def test_every_closed_position_has_its_id(result: BacktestResult) -> None:
    closed = result.journal.of(PositionRecord)
    assert closed
    assert all(each.position_id.startswith(each.instrument_id) for each in closed)


def test_the_parts_of_the_active_return_add_up_to_the_reports_own_figures(result: BacktestResult) -> None:
    summary = summarise(result.journal, result.prices)
    origin, hold = summary.attribution, summary.buy_and_hold
    assert origin is not None
    assert hold is not None
    assert origin.portfolio == pytest.approx(summary.total.performance.total_return)
    assert origin.benchmark == pytest.approx(hold.performance.total_return)
    assert origin.effects.active == pytest.approx(origin.active, abs=1e-12)
    assert origin.effects.currency == 0.0
    assert origin.effects.costs == pytest.approx(summary.total.costs / summary.run.starting_balance, rel=0.05)


def test_with_no_tier_left_out_the_recorded_predictions_make_the_same_trades(
    loaded: LoadedConfig, result: BacktestResult
) -> None:
    again = replay_without(loaded.config, predictions(result), None)
    assert trade_hash(again) == trade_hash(result.journal)
    assert [each for each in again if isinstance(each, OutcomeRecord)] == result.journal.of(OutcomeRecord)


def without(loaded: LoadedConfig, result: BacktestResult, absence: Absence) -> MemoryJournal:
    return replay_without(loaded.config, predictions(result), absence)


def test_without_aether_nothing_is_declined_for_its_odds_and_every_size_is_the_same(
    loaded: LoadedConfig, result: BacktestResult
) -> None:
    sizings = without(loaded, result, Absence(stage=Stage.AETHER, fraction=0.02)).of(SizingRecord)
    assert sizings
    assert {(each.approved, each.fraction) for each in sizings} == {(True, 0.02)}


def test_without_the_gate_nothing_is_rejected_and_no_time_passes(loaded: LoadedConfig, result: BacktestResult) -> None:
    journal = without(loaded, result, Absence(stage=Stage.GATE))
    sized = {each.decision_id: each.ts_ns for each in journal.of(SizingRecord) if each.approved}
    answers = journal.of(GateRecord)
    assert {each.decision for each in answers} == {"APPROVE"}
    assert {each.decision_id: each.ts_ns for each in answers} == sized


def test_without_guardian_no_check_is_made(loaded: LoadedConfig, result: BacktestResult) -> None:
    checks = without(loaded, result, Absence(stage=Stage.GUARDIAN)).of(GuardianRecord)
    assert checks
    assert {(each.passed, each.checks) for each in checks} == {(True, ())}


def test_the_trials_have_the_runs_own_figures_and_one_run_for_each_tier(result: BacktestResult, trials: Trials) -> None:
    summary = summarise(result.journal, result.prices, trials)
    assert isinstance(summary.tiers, Trials)
    assert trials.base == RunFigures(
        pnl=pytest.approx(summary.total.pnl),
        costs=pytest.approx(summary.total.costs),
        drawdown=pytest.approx(summary.total.performance.max_drawdown.depth),  # type: ignore[union-attr]
        trades=summary.total.performance.trades.count,
    )
    assert [each.tier for each in trials.without] == ["aether", "gate", "guardian"]
    granted = [each.fraction for each in result.journal.of(SizingRecord) if each.approved]
    assert f"{np.mean(granted):.2%}" in trials.without[0].words
    assert all(each.added.pnl == pytest.approx(trials.base.pnl - each.figures.pnl) for each in trials.without)


@pytest.mark.slow
def test_runs_in_processes_of_their_own_come_to_the_same(
    loaded: LoadedConfig, result: BacktestResult, trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process is enough to see it: what starting one costs is the whole of this test."""
    monkeypatch.setattr("helios_nautilus.node.attribution._LONG_NS", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert try_without_tiers(loaded.config, result.journal) == trials


@pytest.mark.slow
def test_a_process_that_dies_is_one_clear_line() -> None:
    with pytest.raises(HeliosError, match="has died; was there enough memory"):
        _try_side_by_side(os._exit, [3])  # type: ignore[arg-type,list-item]


def test_where_aether_granted_nothing_every_proposal_gets_the_least_of_its_caps() -> None:
    (aether, words), *_ = _absences([], SizingRules(max_fraction=0.03))
    assert aether.fraction == 0.03
    assert "3.00% of equity, the least of its caps" in words


@pytest.fixture
def short(loaded: LoadedConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The configuration of a few hours of the same, in a working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    whole, path = (loaded.config.data.catalog.parent / "run.toml").read_text(), tmp_path / "short.toml"
    path.write_text(whole.replace("2026-01-07T12:30", "2026-01-06T06:00"))
    assert path.read_text() != whole
    return str(path)


def test_a_run_that_breaks_without_a_tier_is_reported_all_the_same(short: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop_early(*_: object) -> None:
        raise HeliosError("the engine stopped")

    monkeypatch.setattr("helios_nautilus.cli.backtest.try_without_tiers", stop_early)
    told = succeed("backtest", short, "--attribution", "--no-journal", "--json")
    assert told.json["tiers"] is None
    assert "Not attributed to tiers: the engine stopped" in told.err


def test_the_command_reports_what_each_tier_added_and_asks_for_no_journal(short: str, tmp_path: Path) -> None:
    told = succeed("backtest", short, "--attribution", "--no-journal", "--json").json
    assert [each["tier"] for each in told["tiers"]["without"]] == ["aether", "gate", "guardian"]
    (page,) = tmp_path.rglob("index.html")
    assert "Without Guardian" in page.read_text()
