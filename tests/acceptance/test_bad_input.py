"""Whatever is wrong, the user reads one line that says what, where and what to do, and loses nothing.

Every refusal here goes through `refuse`: exit code 1, exactly one line on standard error, no traceback, and every file
(catalogue, model, reports) byte for byte as before.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cli import SMALL, launch, refuse, snapshot, succeed, write_config

HEADER = "open_time,open,high,low,close,volume\n"
BARS = Path("market/data/bar/BTCZAR.VALR-1-MINUTE-LAST-EXTERNAL")
COMMANDS = [("train",), ("predict",), ("backtest",), ("verify", "lookahead")]


def small(**changed: Any) -> str:
    """The small configuration with some fields changed: dots are written as two underscores."""
    fields = {name.replace("__", "."): value for name, value in changed.items()}
    return str(write_config(Path("changed.toml"), {**SMALL, **fields}))


def cut_tail(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def blot_middle(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:1000] + bytes(2000) + content[3000:])


# Importing


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("", "cannot be read"),
        (HEADER, "no row in it"),
        ("a,b,c\n1,2,3\n", "no column for ts among a, b, c"),
        (HEADER + "1735689600,2,3,1,2\n", "Expected 6 columns, got 5"),
        (HEADER + "1735689600,2,3,1,nan,0.5\n1735689660,2,3,1,2,0\n", "row 1, column close: nan is not a possible"),
        (HEADER + "1735689600,2,3,1,2,0\n1735689660,2,3,1,-2,0.5\n", "row 2, column close: -2 is not a possible"),
        (HEADER + "1735689600,2,3,1,2,0\n1735689660,2,1,1,2,0.5\n", "row 2, column high: the high is below"),
        (HEADER + "1735689660,2,3,1,2,0\n1735689720,2,3,1,2,0\n1735689600,2,3,1,2,0\n", "row 3, column open_time"),
        (HEADER + "1735689600,2,3,1,2,0\n1735689660,2,3,1,2,0\n1735689660,2,3,1,2,0\n", "the stamp occurs twice"),
    ],
    ids=["missing", "empty", "no rows", "columns", "ragged", "NaN", "negative", "high", "order", "twice"],
)
def test_file_that_holds_no_bars(desk: Path, text: str | None, words: str) -> None:
    if text is not None:
        Path("bars.csv").write_text(text)
    line = refuse("data", "import", "bars.csv", "--instrument-id", "BTCUSDT.VALR")
    assert line.startswith("bars.csv: ")
    assert words in line
    assert line.endswith("nothing was written")


@pytest.mark.parametrize("name", ["bars.csv", "bars.parquet", "bars.feather", "bars.xlsx"])
def test_file_that_is_something_else(desk: Path, name: str) -> None:
    Path(name).write_bytes(b"\xff\xfe\x00\x01" * 50)
    assert refuse("data", "import", name, "--instrument-id", "BTCUSDT.VALR").startswith(f"{name}: ")


def test_instrument_nobody_has_defined(desk: Path) -> None:
    Path("bars.csv").write_text(HEADER + "1735689600,2,3,1,2,0\n1735689660,2,3,1,2,0\n")
    assert "--instruments" in refuse("data", "import", "bars.csv", "--instrument-id", "FOOBAR.NOWHERE")


@pytest.mark.parametrize(
    "definition",
    [b"\xff", b"= what", b"[[instrument]]\nsymbol = 'A'\n", b"unknown = 1\n"],
    ids=["binary", "garbage", "incomplete", "unknown field"],
)
def test_instruments_file_that_defines_none(desk: Path, definition: bytes) -> None:
    Path("bars.csv").write_text(HEADER + "1735689600,2,3,1,2,0\n1735689660,2,3,1,2,0\n")
    Path("mine.toml").write_bytes(definition)
    line = refuse("data", "import", "bars.csv", "--instrument-id", "A.B", "--instruments", "mine.toml")
    assert line.startswith("mine.toml: ")


def test_recorded_bars_do_not_mix_with_invented_ones(desk: Path) -> None:
    Path("bars.csv").write_text(HEADER + "1735689600,2,3,1,2,0\n1735689660,2,3,1,2,0\n")
    line = refuse("data", "import", "bars.csv", "--instrument-id", "BTCZAR.VALR", "--catalog", "market")
    assert "synthetic" in line


def test_another_synthetic_market_does_not_replace_the_first_unasked(desk: Path) -> None:
    assert "--replace" in refuse("data", "demo", "--catalog", "market", "--days", "3")


# Configurations


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_configuration_that_is_not_there(desk: Path, command: tuple[str, ...]) -> None:
    assert refuse(*command, "nowhere.toml") == "nowhere.toml: cannot be read (No such file or directory)"


@pytest.mark.parametrize("content", [b"= what", b'name = "\xff"', b""], ids=["garbage", "not UTF-8", "empty"])
def test_configuration_that_is_none(desk: Path, content: bytes) -> None:
    Path("mine.toml").write_bytes(content)
    assert refuse("backtest", "mine.toml").startswith("mine.toml: ")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_unknown_field_is_named_with_its_path(desk: Path, command: tuple[str, ...]) -> None:
    line = refuse(*command, small(aether__sizing__min_egde=0.1))
    assert line == "changed.toml: Object contains unknown field `min_egde` - at `$.aether.sizing`"


# Catalogues and windows


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("is_there", [False, True], ids=["none", "empty"])
def test_catalogue_that_holds_nothing(desk: Path, command: tuple[str, ...], is_there: bool) -> None:
    if is_there:
        Path("void").mkdir()
    assert "void" in refuse(*command, small(data__catalog="void"))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_instrument_without_bars(desk: Path, command: tuple[str, ...]) -> None:
    with_doge = small(data__instruments=["BTCZAR.VALR", "DOGEZAR.VALR"], model__folder="another")
    line = refuse(*command, with_doge)
    assert "DOGEZAR.VALR" in line or "no model at another" in line


@pytest.mark.parametrize("damage", [cut_tail, blot_middle])
@pytest.mark.parametrize("command", [*COMMANDS, ("data", "verify")], ids=" ".join)
def test_damaged_bars_are_named_by_their_file(
    desk: Path, command: tuple[str, ...], damage: Callable[[Path], None]
) -> None:
    (path,) = BARS.glob("*.parquet")
    damage(path)
    with_model = small(model__folder="another") if command == ("train",) else "small.toml"
    target = ("--catalog", "market") if command[0] == "data" else (with_model,)
    assert refuse(*command, *target).startswith(f"{path}: not a readable Parquet file")


def test_damaged_definitions(desk: Path) -> None:
    for path in Path("market/data/currency_pair").rglob("*.parquet"):
        cut_tail(path)
    assert refuse("backtest", "small.toml").startswith("market: its instruments cannot be read")


@pytest.mark.parametrize("end", ["2026-01-01T00:01", "2026-01-02", "2026-01-02T12:00"])
def test_window_with_too_little_history_to_train_on(desk: Path, end: str) -> None:
    line = refuse("train", small(training__window__end=end, model__folder="another"))
    assert "longer window" in line


def test_backtest_before_there_is_history(desk: Path) -> None:
    early = {"training.window.start": "2025-12-01", "training.window.end": "2026-01-01"}
    write_config(Path("early.toml"), {**SMALL, **early, "backtest.start": "2026-01-01", "backtest.end": "2026-01-02"})
    assert "after the run starts" in refuse("backtest", "early.toml")


@pytest.mark.parametrize("command", [("predict",), ("backtest",), ("verify", "lookahead")], ids=" ".join)
def test_window_without_bars(desk: Path, command: tuple[str, ...]) -> None:
    line = refuse(*command, small(backtest__start="2026-03-01", backtest__end="2026-03-02"))
    assert line.startswith("market has no ")
    assert "between 2026-03-01 and 2026-03-02" in line


def test_recorded_trades_that_are_not_there(desk: Path) -> None:
    line = refuse("train", small(data__trades=True, model__folder="another"))
    assert "has no recorded trades" in line


# Accounts and instruments


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"account__currency": "USDT"}, "BTCZAR.VALR is quoted in ZAR, but the account is in USDT"),
        ({"plan__costs__taker_fee": 0.001}, "plan.costs are below the fees of BTCZAR.VALR"),
        ({"plan__costs__maker_fee": 0.001}, "plan.costs are below the fees of BTCZAR.VALR"),
    ],
    ids=["currency", "taker fee", "maker fee"],
)
def test_account_that_does_not_fit_the_instruments(desk: Path, changed: dict[str, Any], words: str) -> None:
    assert words in refuse("backtest", small(**changed))


def test_instruments_of_several_venues(desk: Path) -> None:
    Path("elsewhere.toml").write_text(
        '[[instrument]]\nsymbol = "BTCZAR"\nvenue = "ELSEWHERE"\nbase = "BTC"\nquote = "ZAR"\nprice_increment = "1"\n'
        'size_increment = "0.000001"\nmaker_fee = "0"\ntaker_fee = "0"\n'
    )
    Path("bars.csv").write_text(HEADER + "1767225600,2,3,1,2,0.5\n1767225660,2,3,1,2,0\n")
    options = ("--instrument-id", "BTCZAR.ELSEWHERE", "--catalog", "market", "--instruments", "elsewhere.toml")
    succeed("data", "import", "bars.csv", *options)
    line = refuse("backtest", small(data__instruments=["BTCZAR.VALR", "BTCZAR.ELSEWHERE"]))
    assert "several venues (ELSEWHERE, VALR)" in line


# Models


@pytest.mark.parametrize("command", [("predict",), ("backtest",), ("verify", "lookahead")], ids=" ".join)
def test_model_that_is_not_there(desk: Path, command: tuple[str, ...]) -> None:
    assert refuse(*command, small(model__folder="nowhere")) == "there is no model at nowhere"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", ["model.safetensors", "card.json"])
@pytest.mark.parametrize("damage", [cut_tail, Path.unlink])
def test_damaged_model(desk: Path, command: tuple[str, ...], name: str, damage: Callable[[Path], None]) -> None:
    damage(Path("model", name))
    line = refuse(*command, "small.toml")
    assert name in line
    assert ("--replace" in line) == (command == ("train",))


@pytest.mark.slow
def test_damaged_model_is_replaced_when_asked(desk: Path) -> None:
    whole = snapshot(Path("model"))
    cut_tail(Path("model", "model.safetensors"))
    succeed("train", "small.toml", "--replace")
    assert snapshot(Path("model"))["model/model.safetensors"] == whole["model/model.safetensors"]


@pytest.mark.parametrize("command", [("predict",), ("backtest",), ("verify", "lookahead")], ids=" ".join)
def test_model_of_other_features(desk: Path, command: tuple[str, ...]) -> None:
    line = refuse(*command, small(data__reference=None))
    assert "was trained on features" in line


@pytest.mark.parametrize("command", [("predict",), ("backtest",), ("verify", "lookahead")], ids=" ".join)
def test_model_of_another_bet(desk: Path, command: tuple[str, ...]) -> None:
    assert "another exit plan" in refuse(*command, small(plan__hold_mins=60))


@pytest.mark.parametrize("command", [("predict",), ("backtest",), ("verify", "lookahead")], ids=" ".join)
def test_model_that_has_seen_the_window_it_is_to_trade(desk: Path, command: tuple[str, ...]) -> None:
    earlier = small(training__window__end="2026-01-05", backtest__start="2026-01-06", backtest__end="2026-01-08")
    assert "has seen data up to 2026-01-09" in refuse(*command, earlier)


# Replayed predictions


def test_replay_without_written_predictions(desk: Path) -> None:
    line = refuse("backtest", small(model__predictions="catalogue"))
    assert line == "market holds no predictions to replay: write them with 'helios predict'"


def test_replay_of_another_models_predictions(desk: Path) -> None:
    succeed("predict", "small.toml")
    other = small(model__folder="another", model__predictions="catalogue", training__optimiser__seed=5)
    succeed("train", other)
    assert "of another model or another window" in refuse("backtest", other)


def test_replay_of_a_shorter_windows_predictions(desk: Path) -> None:
    succeed("predict", small(backtest__end="2026-01-10"))
    assert "helios predict" in refuse("backtest", small(model__predictions="catalogue"))


# The system says no


def test_report_that_cannot_be_written(desk: Path) -> None:
    Path("reports").write_text("not a folder")
    assert "Not a directory" in refuse("backtest", small(backtest__end="2026-01-09T01:00"))


# The same from a shell: a process of its own, with whatever it prints before and after


def test_the_shell_sees_one_line_and_a_failure(desk: Path) -> None:
    write_config(desk / "no_model.toml", {**SMALL, "model.folder": "nowhere"})
    process = launch("backtest", "no_model.toml")
    _, err = process.communicate()
    assert (process.returncode, err) == (1, "helios: there is no model at nowhere\n")
