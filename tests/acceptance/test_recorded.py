"""Recorded candles, under their true venue: five weeks to train on, three days after traded, reported as it is."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helios_nautilus.actors.progress import Progress
from helios_nautilus.config import LoadedConfig
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EquityRecord, FillRecord, PositionRecord
from helios_nautilus.node.backtest import BacktestResult, run_backtest
from tests.acceptance.cli import Outcome, succeed

ROOT = Path(__file__).parents[2]
RECORDED = ROOT.parent / "shared" / "data"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
INSTRUMENTS = [f"{symbol}-PERP.BINANCE" for symbol in SYMBOLS]
TRADED = 'end = "2025-06-24"'
THREE_DAYS = 'end = "2025-06-10"'
FILES = [RECORDED / f"{symbol.lower()}_perp_1m_2025.parquet" for symbol in SYMBOLS]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(path.exists() for path in FILES), reason="recorded candles are not here (../shared/data)"
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`configs/recorded.toml` in a folder of its own, where its relative paths are; for time, cut short.

    Fewer epochs than three leave a model that makes no trade.
    """
    folder = tmp_path_factory.mktemp("recorded")
    text = (ROOT / "configs" / "recorded.toml").read_text()
    assert TRADED in text
    text = text.replace(TRADED, THREE_DAYS)
    (folder / "recorded.toml").write_text(f"{text}\n[training.optimiser]\nepochs = 3\n")
    with contextlib.chdir(folder):
        yield folder


@pytest.fixture(scope="module")
def imported(folder: Path) -> list[dict[str, Any]]:
    definitions = str(ROOT / "configs" / "instruments" / "binance_usdm.toml")
    options = ("--stamp", "open", "--instruments", definitions, "--json")
    return [
        succeed("data", "import", str(path), "--instrument-id", name, *options).json
        for name, path in zip(INSTRUMENTS, FILES, strict=True)
    ]


@pytest.fixture(scope="module")
def run(imported: list[dict[str, Any]]) -> tuple[dict[str, Any], BacktestResult]:
    """What the command printed, and the records behind it."""
    results = []

    def remember(loaded: LoadedConfig, progress: Progress, journal: MemoryJournal) -> BacktestResult:
        results.append(run_backtest(loaded, progress, journal))
        return results[0]

    succeed("train", "recorded.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("helios_nautilus.cli.backtest.run_backtest", remember)
        return succeed("backtest", "recorded.toml", "--json").json, results[0]


@pytest.fixture(scope="module")
def summary(run: tuple[dict[str, Any], BacktestResult]) -> dict[str, Any]:
    return run[0]


@pytest.fixture(scope="module")
def page(summary: dict[str, Any]) -> str:
    return Path("reports", summary["run"]["run_id"], "index.html").read_text()


def test_fifty_one_days_are_imported_and_pass_every_check(imported: list[dict[str, Any]]) -> None:
    assert [one["added"] for one in imported] == [73_138, 73_139, 73_140]
    assert {one["label"] for one in imported} == {"recorded BINANCE"}
    checked: Outcome = succeed("data", "verify")
    assert "0 violations" in checked.out


def test_data_are_called_what_they_are(summary: dict[str, Any], page: str) -> None:
    assert summary["run"]["data_label"] == "recorded BINANCE"
    assert summary["run"]["is_synthetic"] is False
    assert summary["run"]["instrument_ids"] == INSTRUMENTS
    assert "recorded BINANCE" in page
    assert "VALR" not in summary["run"]["data_label"]


def test_way_to_fills_is_walked(summary: dict[str, Any]) -> None:
    kept = {step["name"]: step["kept"] for step in summary["funnel"]["steps"]}
    assert kept["filled"] > 0
    assert summary["total"]["performance"]["trades"]["count"] > 0
    assert summary["funnel"]["entries_without_consent"] == []


def test_report_says_that_no_edge_was_asked_for(summary: dict[str, Any], page: str) -> None:
    (note,) = (note for note in summary["run"]["notes"] if "min_edge" in note)
    assert "says nothing about what Helios would earn" in note
    assert "min_edge is lowered to" in page


def test_equity_is_the_starting_balance_and_all_that_was_made_and_lost(
    run: tuple[dict[str, Any], BacktestResult],
) -> None:
    summary, result = run
    closed = result.journal.of(PositionRecord)
    done = {position.decision_id for position in closed}
    left = [fill for fill in result.journal.of(FillRecord) if fill.decision_id not in done]
    assert len({fill.decision_id for fill in left}) == summary["open_positions"]
    # What is still open is worth what it would fetch at the last close, less what its entry cost.
    marked = sum(
        (1 if fill.side == "BUY" else -1)
        * float(fill.quantity)
        * (result.prices[fill.instrument_id].close[-1] - float(fill.price))
        - float(fill.commission_value)
        for fill in left
    )
    made = sum(position.pnl for position in closed) + marked
    equity = result.journal.of(EquityRecord)[-1].equity
    assert equity == pytest.approx(summary["run"]["starting_balance"] + made, abs=1e-3)
    assert summary["total"]["pnl"] == pytest.approx(made, abs=1e-3)


def test_costs_are_paid_on_both_sides_of_every_trade(summary: dict[str, Any]) -> None:
    for result in (summary["total"], *summary["instruments"].values()):
        assert result["costs"] == pytest.approx(sum(result["costs_by_role"].values()))
    assert summary["total"]["costs_by_role"]["ENTRY"] > 0
    assert summary["total"]["costs"] > summary["total"]["costs_by_role"]["ENTRY"]
