"""``helios sim`` as its user starts it: a process, a line that says where it is, an end on interrupt."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from tests.acceptance.cli import helios

START = "from helios_nautilus.cli.sim import sim; sim()"


@contextmanager
def simulator(*options: str) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-c", START, "--port", "0", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield json.loads(line)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
            assert "Traceback" not in process.stderr.read()


def get(url: str) -> object:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.loads(reply.read())


def test_it_says_where_it_listens_and_with_which_demo_key() -> None:
    with simulator("--days", "2") as shown:
        assert len(shown["key"]) == len(shown["secret"]) == 64
        book = get(f"{shown['url']}/v1/public/BTCZAR/orderbook")
        assert isinstance(book, dict)
        assert len(book["Asks"]) == 40


def test_a_given_secret_is_not_printed() -> None:
    with simulator("--days", "2", "--key", "k" * 64, "--secret", "s" * 64) as shown:
        assert shown["key"] == "k" * 64
        assert "secret" not in shown


def test_an_account_begins_with_what_was_deposited() -> None:
    with simulator("--days", "2", "--deposit", "ZAR=1000.50", "--deposit", "SOL=2") as shown:
        ledger = get(f"{shown['url']}/simulator/ledger")
        assert isinstance(ledger, dict)
        funds = {row["currency"]: row["total"] for row in ledger["balances"] if float(row["total"])}
        assert funds == {"ZAR": "1000.50", "SOL": "2"}


def test_it_replays_a_catalogue(tmp_path: Path) -> None:
    from helios_nautilus.history import write_demo
    from helios_nautilus.simulator.market import MarketConfig

    write_demo(tmp_path / "demo", MarketConfig(days=2, trades_days=1))
    with simulator("--catalog", str(tmp_path / "demo"), "--speed", "60") as shown:
        buckets = get(f"{shown['url']}/v1/public/ETHZAR/buckets?limit=3")
        assert isinstance(buckets, list)
        assert len(buckets) == 3


def record_trades(path: Path) -> None:
    """An hour with a trade every ten seconds, at the price of the minute."""
    start_ns = 28_000_000 * NS_PER_MIN
    stamps = [start_ns + i * 10 * NS_PER_SEC for i in range(360)]
    price = [60_000.0 + stamp // NS_PER_MIN % 60 for stamp in stamps]
    columns = {"ts": stamps, "price": price, "qty": [0.01] * 360, "side": [1, -1] * 180}
    pq.write_table(pa.table(columns), path)


def test_it_replays_a_recorded_file_as_the_pair_it_is_given_from_a_given_time(tmp_path: Path) -> None:
    record_trades(tmp_path / "trades.parquet")
    options = ["--file", f"BTCUSDTPERP={tmp_path / 'trades.parquet'}", "--start", "2023-03-28T10:59", "--speed", "0.01"]
    with simulator(*options) as shown:
        rows = get(f"{shown['url']}/v1/public/BTCUSDTPERP/buckets?limit=3")
        assert isinstance(rows, list)
        last = rows[0]
        assert (last["startTime"], last["close"]) == ("2023-03-28T10:59:00Z", "60059")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--file", "trades.parquet"], "PAIR=FILE"),
        (["--file", "BTCUSDT=a", "--catalog", "b"], "not both"),
        (["--file", "BTCUSDT=nothing.parquet"], "nothing.parquet"),
        (["--start", "noon"], "--start wants a time"),
        (["--deposit", "ZAR=much"], "CURRENCY=AMOUNT"),
    ],
)
def test_a_wrong_option_is_one_clear_line(options: list[str], words: str) -> None:
    assert words in refusal(*options)


@pytest.mark.parametrize("option", ["--faults", "--catalog"])
def test_what_is_not_there_is_one_clear_line(tmp_path: Path, option: str) -> None:
    assert str(tmp_path / "nothing") in refusal(option, str(tmp_path / "nothing"))


def refusal(*options: str) -> str:
    """The line that refuses these options; `click` puts its usage above."""
    outcome = helios("sim", "--port", "0", *options)
    assert outcome.code in (1, 2)
    assert outcome.out == ""
    return outcome.err.splitlines()[-1]
