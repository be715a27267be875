"""`helios doctor` looks over a machine and a configuration: a line for everything, a cure for what is wrong."""

import json
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from helios_nautilus.domain.portfolio.kill_switch import KillState, KillStatus, Trigger
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.embedded import start_server
from helios_nautilus.journal.kill_file import KillFile
from helios_nautilus.node import model as node_model
from helios_nautilus.simulator.exchange.opening import synthetic_markets
from helios_nautilus.simulator.market import MarketConfig
from tests.acceptance.cli import SMALL, Outcome, helios, write_config
from tests.integration.journal.samples import RUN, small_run
from tests.integration.markets import write_market
from tests.integration.serving import serving

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"
MACHINE = ["Python", "packages", "extras", "processor", "GPU", "disk", "journal", "last run", "spool"]
KEY, SECRET = "0a1b2c3d" * 8, "f9e8d7c6" * 8
BACKFILL = "helios data backfill BTCZAR ETHZAR SOLZAR"
TRAIN = "helios train changed.toml"
SLOWER = {f"data__timeframes__{name}": bar for name, bar in (("high", "5m"), ("medium", "15m"), ("low", "1h"))} | {
    "data__base": "5m"
}
LATER = {"backtest__start": "2027-01-01", "backtest__end": "2027-02-01"}
EARLIER = {"backtest__start": "2026-01-08", "training__window__end": "2026-01-08"}
WITHOUT_TORCH = """
import sys
from importlib.abc import MetaPathFinder

class Wall(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "nautilus_trader"):
            raise ModuleNotFoundError(f"No module named '{name}'")

sys.meta_path.insert(0, Wall())
from helios_nautilus.cli.main import main
main()
"""
_numbers = count()


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VALR_API_KEY", "VALR_API_SECRET", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def database(helios_home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty journal of this test's own."""
    server, name = start_server(helios_home / "journal"), f"doctor_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = make_conninfo(server, dbname=name)
    monkeypatch.setenv("HELIOS_DATABASE_URL", url)
    return url


def doctor(*arguments: str) -> Outcome:
    return helios("doctor", "--url", NOBODY, *arguments)


def lines(*arguments: str) -> dict[str, dict[str, str]]:
    """The lines by name."""
    outcome = doctor(*arguments, "--json")
    found = {line["name"]: line for line in outcome.json}
    assert outcome.code == any(line["level"] == "fail" for line in found.values())
    assert not outcome.err
    return found


def change(desk: Path, **fields: Any) -> str:
    """The configuration with fields changed; a dot is two underscores here."""
    changed = {name.replace("__", "."): value for name, value in fields.items()}
    return str(write_config(desk / "changed.toml", {**SMALL, **changed}))


def test_a_machine_is_looked_over_without_a_configuration() -> None:
    outcome = doctor()
    assert outcome.code == 0, outcome.out
    assert [line[6:17].strip() for line in outcome.out.splitlines() if line[:4].strip() in ("ok", "warn")] == [
        *MACHINE,
        *("model key", "VALR key", "VALR", "clock"),
    ]
    assert outcome.out.endswith(
        "0 failed, 2 to know of.\nData, model and gate are looked at with a configuration: helios doctor CONFIG\n"
    )
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_a_configuration_that_fits_has_nothing_that_fails(desk: Path) -> None:
    found = lines("small.toml")
    assert list(found) == [
        *MACHINE[:3],
        "config",
        *MACHINE[3:],
        *("catalogue", "gaps", "model", "gate", "model key", "VALR key", "VALR", "clock"),
    ]
    levels = {name: line["level"] for name, line in found.items() if line["level"] != "ok"}
    # Two days of test span tell nothing of a model, and nobody is at the venue's address.
    assert levels == {"model": "warn", "VALR": "warn", "clock": "warn"}
    assert found["catalogue"]["words"] == "3 series of 1m bars from 2026-01-01 to 2026-01-11"
    assert found["model"]["cure"] == "helios models show model --registry ."


@pytest.mark.usefixtures("desk")
def test_paper_trading_needs_the_venue_and_no_key() -> None:
    found = lines("small.toml", "--mode", "paper")
    assert found["VALR"]["level"] == "fail"
    assert found["VALR key"]["level"] == "ok"
    assert found["kill"]["level"] == "ok"
    assert found["model"]["level"] == "warn"
    assert found["catalogue"]["level"] == "warn"
    assert found["catalogue"]["words"].endswith(", invented: no market to trade by")


def test_paper_trading_may_begin_without_data_but_not_with_settings_of_a_backtest(desk: Path) -> None:
    change(desk, data__catalog="nowhere", data__trades=True)
    found = lines("changed.toml", "--mode", "paper")
    assert found["config"]["level"] == "fail"
    assert "data.trades and data.book must be false" in found["config"]["words"]
    assert found["catalogue"]["cure"].startswith("the start fetches them")
    assert [found[name]["level"] for name in ("catalogue", "gaps")] == ["warn", "warn"]


def test_a_latched_kill_switch_keeps_its_mode_from_being_ready(helios_home: Path) -> None:
    path = helios_home / "kill" / "live.json"
    path.parent.mkdir(exist_ok=True)
    KillFile(path).save(KillStatus(state=KillState.HALT, trigger=Trigger.DRAWDOWN, words="down by 16 %", ts_ns=1))
    try:
        assert lines("--mode", "live")["kill"]["words"] == "HALT, by DRAWDOWN: down by 16 %"
        assert lines("--mode", "paper")["kill"]["level"] == "ok"
    finally:
        path.unlink()


@pytest.mark.usefixtures("desk")
def test_live_trading_does_not_go_by_an_invented_market() -> None:
    line = lines("small.toml", "--mode", "live")["catalogue"]
    assert (line["level"], line["cure"]) == ("fail", "name a data.catalog with VALR's own bars")


def test_live_trading_needs_a_key_and_one_line_says_how_to_give_it() -> None:
    key = lines("--mode", "live")["VALR key"]
    assert (key["level"], key["cure"]) == ("fail", "set VALR_API_KEY and VALR_API_SECRET in the environment")


def test_a_file_that_cannot_be_read_is_one_line_and_the_machine_is_looked_at_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("[data]\ncatalgo = 1\n")
    found = lines(str(path))
    assert found["config"]["level"] == "fail"
    assert found["config"]["words"].startswith(f"{path}: ")
    assert "model" not in found
    assert set(MACHINE) <= set(found)


@pytest.mark.parametrize(
    ("fields", "name", "level", "words", "cure"),
    [
        ({"data__catalog": "nowhere"}, "catalogue", "fail", "defines no instrument", BACKFILL),
        ({"plan__costs__taker_fee": 0.0001}, "catalogue", "fail", "plan.costs are below the fees of BTCZAR.VALR", ""),
        ({"account__currency": "USDT"}, "catalogue", "fail", "but the account is in USDT", ""),
        (SLOWER, "catalogue", "fail", "market has no 5m bars of BTCZAR.VALR, ETHZAR.VALR, SOLZAR.VALR", BACKFILL),
        ({"data__trades": True}, "catalogue", "fail", "market has no trades of BTCZAR.VALR", "trades = false"),
        ({"backtest__end": "2026-02-01"}, "catalogue", "warn", "not all of the backtest", BACKFILL),
        (LATER, "catalogue", "fail", "nothing of the backtest", BACKFILL),
        ({"model__folder": "elsewhere"}, "model", "fail", "there is no model at elsewhere", TRAIN),
        ({"plan__hold_mins": 60}, "model", "fail", "trained for another exit plan", f"{TRAIN} --replace"),
        ({"data__calendar": True}, "model", "fail", "was trained on features", f"{TRAIN} --replace"),
        (EARLIER, "model", "fail", "has seen data up to", f"{TRAIN} --replace"),
        ({"model__registry": "registry"}, "model", "fail", "registry has no champion", "helios models promote"),
        ({"model__predictions": "catalogue"}, "model", "fail", "holds no predictions to replay", ""),
        ({"aether__sizing__min_edge": -0.5}, "config", "warn", "allows bets that lose", "0 asks of every entry"),
        ({"gate__provider": "off"}, "gate", "warn", "no entry is examined", "rules"),
        ({"gate__provider": "anthropic"}, "gate", "warn", "holds no answers: on_failure = rules", "helios gate record"),
    ],
)
def test_what_does_not_fit_is_named_with_its_cure(
    desk: Path, fields: dict[str, Any], name: str, level: str, words: str, cure: str
) -> None:
    change(desk, **fields)
    line = lines("changed.toml")[name]
    assert (line["level"], line["name"]) == (level, name)
    assert words in line["words"]
    assert cure in line["cure"]


def test_a_damaged_model_is_a_failure_and_not_a_traceback(desk: Path) -> None:
    weights = desk / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    line = lines("small.toml")["model"]
    assert line["level"] == "fail"
    assert "the SHA-256 differs" in line["words"]
    assert line["cure"] == "helios train small.toml --replace"


def test_holes_in_the_bars_are_counted_and_the_rest_is_well(desk: Path) -> None:
    shutil.rmtree(desk / "market")
    write_market(desk / "market", MarketConfig(days=10, trades_days=0), {"ETHZAR.VALR": (100, 119)})
    line = lines("small.toml")["gaps"]
    assert (line["level"], line["words"]) == ("warn", "ETHZAR.VALR lacks 20 bars: nothing is decided near a hole")
    assert line["cure"] == "helios data gaps --catalog market"


def test_a_run_whose_chain_is_broken_is_a_failure(database: str) -> None:
    with open_journal() as journal:
        run = journal.store_run(small_run(), RUN)
    assert lines()["last run"]["words"] == f"{run.run_id}: {run.rows} rows, unbroken"
    with psycopg.connect(database) as burglar:
        burglar.execute("SET session_replication_role = replica")
        burglar.execute("DELETE FROM fills")
    found = lines()
    assert (found["journal"]["level"], found["last run"]["level"]) == ("ok", "fail")
    assert "row 7 is missing" in found["last run"]["words"]


def test_a_journal_that_cannot_be_had_keeps_no_other_check_from_being_made(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELIOS_DATABASE_URL", f"postgresql:///helios?host={desk}")
    found = lines("small.toml")
    assert [found[name]["level"] for name in ("journal", "last run", "catalogue")] == ["fail", "fail", "ok"]
    assert found["journal"]["words"].startswith("the journal's database: connection")


def test_a_gate_without_its_key_keeps_paper_trading_from_starting(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(desk, gate__provider="openai", llm__fallbacks=["anthropic"], llm__openai__key_env="MY_ROUTER")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    found = lines("changed.toml", "--mode", "paper")
    assert found["model key"]["level"] == "fail"
    assert found["model key"]["words"] == "MY_ROUTER: not set, but the gate asks"
    monkeypatch.setenv("MY_ROUTER", KEY)
    found = lines("changed.toml", "--mode", "live")
    assert found["model key"]["words"] == "MY_ROUTER set, ANTHROPIC_API_KEY set"
    assert found["gate"]["level"] == "warn"
    assert found["gate"]["words"] == "openai then anthropic within 5 s, $2 a day; when none answers, the rules do"


def test_a_simulated_valr_stands_in_for_the_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    markets = synthetic_markets(seed=4, days=2)
    opens_ns = int(markets["BTCZAR"].bars.ts_ns[500])
    monkeypatch.setenv("VALR_API_KEY", KEY)
    monkeypatch.setenv("VALR_API_SECRET", SECRET)
    with serving(markets, opens_ns) as exchange:
        found = {line["name"]: line for line in helios("doctor", "--url", f"{exchange.url}/", "--json").json}
    assert found["VALR"]["level"] == "ok"
    assert found["VALR"]["words"].startswith(f"{exchange.url} answers and takes orders; ")
    # Its time stands still in the past: a backtest does not mind.
    assert found["clock"]["level"] == "warn"
    assert found["clock"]["cure"].startswith("synchronise the clock")


def crash(*_: object) -> None:
    raise ValueError(f"request with X-VALR-API-KEY {KEY} and {SECRET}")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_key_and_no_password_is_shown_whatever_fails(
    desk: Path, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]
) -> None:
    change(desk, gate__provider="openai", llm__openai__key_env="MY_ROUTER")
    secrets = {"VALR_API_KEY": KEY, "VALR_API_SECRET": f"{SECRET}-", "MY_ROUTER": f"two words {KEY}"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HELIOS_DATABASE_URL", f"postgresql://me:{SECRET}@127.0.0.1:9/helios")
    monkeypatch.setattr(node_model, "load_model", crash)
    outcome = doctor("changed.toml", "--mode", "live", *form)
    assert outcome.code == 1
    assert "this check broke: ValueError" in " ".join(outcome.out.split())
    assert [value for value in (KEY, SECRET) if value in outcome.out + outcome.err] == []


def test_a_wrong_key_is_refused_by_the_venue_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    markets = synthetic_markets(seed=4, days=2)
    monkeypatch.setenv("VALR_API_KEY", KEY)
    monkeypatch.setenv("VALR_API_SECRET", SECRET)
    with serving(markets, int(markets["BTCZAR"].bars.ts_ns[500])) as exchange:
        outcome = helios("doctor", "--url", exchange.url, "--mode", "live")
    assert outcome.code == 1
    assert [value for value in (KEY, SECRET) if value in outcome.out + outcome.err] == []


def test_without_torch_and_the_engine_the_machine_is_looked_at_and_the_lines_say_so() -> None:
    arguments = ("doctor", str(ROOT / "configs" / "backtest.toml"), "--url", NOBODY, "--json")
    command = [sys.executable, "-c", WITHOUT_TORCH, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = {line["name"]: line for line in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["Python"]["level"] == found["journal"]["level"] == "ok"
    for name in ("config", "GPU", "VALR"):
        assert found[name]["words"].startswith("this check broke: ModuleNotFoundError: No module named")
    assert "Traceback" not in done.stderr
