"""``helios data`` as its user meets it."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from helios_nautilus.cli.main import cli
from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.errors import ConfigError, DataError, ImportFileError
from helios_nautilus.simulator.market import MarketConfig, simulate_market
from tests.integration.serving import serving

HEADER = "open_time,open,high,low,close,volume\n"
MARKET = simulate_market(MarketConfig(seed=4, days=1, trades_days=0))["BTCZAR.VALR"]
ROWS = "1735689600,2,3,1,2,0.5\n1735689660,2,3,1,2,0\n1735689840,2,3,1,2,1\n"
"""Three bars with a hole of two minutes, one of them without volume."""


@pytest.fixture(autouse=True)
def _somewhere_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["data", *arguments], catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    return result


def run_json(*arguments: str, exit_code: int = 0) -> object:
    return json.loads(run(*arguments, "--json", exit_code=exit_code).stdout)


def import_bars(text: str = HEADER + ROWS, *arguments: str) -> Result:
    Path("bars.csv").write_text(text)
    return run("import", "bars.csv", "--instrument-id", "BTCUSDT.VALR", *arguments)


def test_the_demo_is_made_once_and_named_synthetic_everywhere() -> None:
    demo = ("demo", "--days", "1", "--trades-days", "1", "--seed", "4")
    made = run(*demo).output
    assert made.startswith("Wrote 4,320 bars")
    assert "synthetic (seed 4, strength 1.0)" in made
    assert run(*demo).output.startswith("Already there: 4,320 bars")
    assert all(row["is_synthetic"] for row in run_json("list"))
    assert "synthetic" in run("list").output
    assert "synthetic" in run("gaps").output


def test_another_demo_is_refused_until_told_to_replace() -> None:
    run("demo", "--days", "1", "--trades-days", "0")
    with pytest.raises(DataError, match="--replace"):
        run("demo", "--days", "1", "--trades-days", "0", "--seed", "9")
    assert run_json("demo", "--days", "1", "--trades-days", "0", "--seed", "9", "--replace")["written"]


def test_an_import_says_what_it_added_and_what_there_is_now() -> None:
    first = import_bars()
    assert "Added 3 1m bars to BTCUSDT.VALR in catalog/recorded, recorded VALR: now 3" in first.output
    assert "from 2025-01-01 00:01 to 2025-01-01 00:05" in first.output
    assert "Added 0 1m bars" in import_bars().output


def test_an_import_that_is_refused_raises_one_line() -> None:
    with pytest.raises(ImportFileError, match=r"^bars\.csv: row 1, column high: .*nothing was written$"):
        import_bars(HEADER + "1735689600,2,1,1,2,0.5\n", "--bar", "1m")
    assert not Path("catalog").joinpath("recorded").exists()


def test_columns_stamp_and_length_can_be_said() -> None:
    text = "when,a,b,c,d,e\n2025-01-01 00:01,2,3,1,2,0.5\n"
    columns = "ts=when,open=a,high=b,low=c,close=d,volume=e"
    report = import_bars(text, "--columns", columns, "--stamp", "close", "--bar", "1m")
    assert "to 2025-01-01 00:01" in report.output


def test_gaps_lists_every_hole() -> None:
    import_bars()
    (ledger,) = run_json("gaps")
    assert (ledger["instrument_id"], ledger["missing"], len(ledger["holes"])) == ("BTCUSDT.VALR", 2, 1)
    output = run("gaps").output
    assert "2 missing in 1 holes" in output
    assert "2025-01-01 00:03" in output


def test_verify_ends_with_one_on_a_hole_and_with_zero_where_holes_are_allowed() -> None:
    import_bars()
    assert "1 violations, 1 warnings" in run("verify", exit_code=1).output
    assert "0 violations, 2 warnings" in run("verify", "--allow-gaps").output
    checks = {row["check"]: row["is_violation"] for row in run_json("verify", exit_code=1)}
    assert checks == {"gap": True, "volume": False}


def test_one_catalogue_can_be_looked_at_by_itself() -> None:
    import_bars()
    import_bars(HEADER + ROWS, "--catalog", "elsewhere")
    assert [row["catalog"] for row in run_json("list")] == ["catalog/recorded"]
    assert [row["catalog"] for row in run_json("list", "--catalog", "elsewhere")] == ["elsewhere"]


def test_backfill_tells_what_was_missing_and_gaps_tells_what_nobody_traded() -> None:
    bars = MARKET.bars
    traded = np.delete(np.arange(len(bars)), [100, 101, 500])
    thin = Bars(**{name: getattr(bars, name)[traded] for name in Bars.__struct_fields__})
    opens_ns = int(bars.ts_ns[720])
    with serving({"BTCZAR": MarketData(instrument_id="BTCZAR.VALR", bars=thin)}, opens_ns) as exchange:
        arguments = ("btczar.VALR", "--from", "2026-01-01", "--to", "2026-01-01T12:00", "--url", exchange.url + "/")
        first = run("backfill", *arguments)
        (again,) = run_json("backfill", *arguments)
        (later,) = run_json("backfill", "BTCZAR", "--from", "2025-12-31T23:00", "--url", exchange.url)
    assert first.stdout == (
        "BTCZAR.VALR to 2026-01-01 12:00: 720 minutes were missing, 717 filled, 3 without a trade by the venue's word; "
        "now 717 bars\n"
    )
    assert first.stderr == ""
    assert (again["missing"], again["rows"], again["catalog"]) == (0, 717, "catalog/valr")
    assert (later["missing"], later["filled"], later["empty"]) == (60, 0, 60)
    (ledger,) = run_json("gaps")
    assert (ledger["missing"], ledger["confirmed"], ledger["holes"]) == (0, 3, [])
    shown = run("gaps").output
    assert "0 missing in 0 holes, 3 not there because nobody traded" in shown
    assert "2026-01-01 01:41" in shown
    assert "0 violations, 1 warnings" in run("verify").output
    (listed,) = run_json("list")
    assert (listed["label"], listed["is_synthetic"]) == (f"VALR, from {exchange.url}", False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--from", "yesterday"), "does not match the formats"),
        (("--to", "2026-01-02"), "Missing option '--from'"),
    ],
)
def test_backfill_without_a_proper_date_says_so(options: tuple[str, ...], words: str) -> None:
    assert words in run("backfill", "BTCZAR", *options, exit_code=2).output


def test_backfill_of_an_address_that_is_none_says_so() -> None:
    with pytest.raises(ConfigError, match="is not like https://host"):
        run("backfill", "BTCZAR", "--from", "2026-01-01", "--url", "api.valr.com")


@pytest.mark.parametrize("command", ["list", "gaps", "verify"])
def test_without_any_catalogue_the_way_to_one_is_said(command: str) -> None:
    with pytest.raises(DataError, match="helios data demo"):
        run(command)


@pytest.mark.parametrize("command", ["backfill", "demo", "import", "list", "gaps", "verify"])
def test_every_command_has_help_and_json(command: str) -> None:
    output = run(command, "--help").output
    assert "--json" in output
    assert "--catalog" in output
