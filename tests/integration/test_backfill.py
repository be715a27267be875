"""Back-filling from the simulated exchange over REST, while it answers badly, and by a process that is killed."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.errors import DataError, UnknownInstrumentError
from helios_nautilus.history import describe, load_instruments, load_market_data, read_ledger, verify_catalogue
from helios_nautilus.history.backfill import BackfillReport, backfill
from helios_nautilus.history.candles import MAX_MINUTES, CandleSource
from helios_nautilus.simulator.exchange.clock import RunningClock
from helios_nautilus.simulator.exchange.faults import Fault
from helios_nautilus.simulator.exchange.server import Exchange
from tests.integration.serving import BUCKETS, count_questions, serving
from tests.integration.simulator.client import markets

START_NS = 1_767_225_600_000_000_000
HOURS = 12
MINUTES = HOURS * 60 - 1
"""Those that are over by a minute when the exchange opens."""
OPENS_NS = START_NS + HOURS * NS_PER_HOUR
PATIENCE_SECS = 60.0
COMMAND = (sys.executable, "-c", "from helios_nautilus.cli.main import main; main()", "data", "backfill")


def bars_of(symbol: str, *missing: int) -> Bars:
    """Two synthetic days, without some of their minutes."""
    bars = markets()[symbol].bars
    keep = np.setdiff1d(np.arange(len(bars)), missing)
    return Bars(**{name: getattr(bars, name)[keep] for name in Bars.__struct_fields__})


def market(symbol: str, bars: Bars | None = None) -> dict[str, MarketData]:
    return {symbol: MarketData(instrument_id=f"{symbol}.VALR", bars=bars or bars_of(symbol))}


@contextmanager
def venue(*faults: Fault, bars: Bars | None = None) -> Iterator[Exchange]:
    """An exchange that opens half a day into its recording."""
    with serving(market("BTCZAR", bars) | market("ETHZAR"), OPENS_NS, faults) as exchange:
        yield exchange


def fill(
    exchange: Exchange, catalog: Path, *symbols: str, start_ns: int = START_NS, patience_secs: float = PATIENCE_SECS
) -> list[BackfillReport]:
    async def work() -> list[BackfillReport]:
        source = CandleSource(exchange.url, patience_secs=patience_secs)
        try:
            return await backfill(source, symbols or ("BTCZAR",), catalog, start_ns)
        finally:
            await source.close()

    return asyncio.run(work())


def assert_holds(catalog: Path, symbol: str, bars: Bars) -> None:
    """The catalogue has exactly these bars, as far as they are over, to the last digit."""
    stored = load_market_data(catalog, [f"{symbol}.VALR"])[f"{symbol}.VALR"].bars
    expected = bars.window(START_NS, OPENS_NS - NS_PER_MIN)
    for name in Bars.__struct_fields__:
        assert getattr(stored, name).tolist() == getattr(expected, name).tolist(), name


def test_candles_come_back_exactly_as_they_were_recorded(tmp_path: Path) -> None:
    with venue() as exchange:
        reports = fill(exchange, tmp_path, "BTCZAR", "ETHZAR")
    assert [(one.filled, one.empty, one.doubtful) for one in reports] == [(MINUTES, 0, 0)] * 2
    assert_holds(tmp_path, "BTCZAR", bars_of("BTCZAR"))
    assert_holds(tmp_path, "ETHZAR", bars_of("ETHZAR"))
    assert verify_catalogue(tmp_path) == ()


def test_series_and_instrument_say_which_venue_they_are_from(tmp_path: Path) -> None:
    with venue() as exchange:
        fill(exchange, tmp_path)
    (series,) = describe(tmp_path)
    assert series.provenance.addresses == (exchange.url,)
    assert series.label == f"VALR, from {exchange.url}"
    (instrument,) = load_instruments(tmp_path, ["BTCZAR.VALR"])
    assert instrument.info["source"] == exchange.url
    assert (str(instrument.price_increment), str(instrument.max_quantity)) == ("1", "9.00000000")
    assert (str(instrument.maker_fee), str(instrument.taker_fee)) == ("0.0018", "0.0035")


def test_minutes_without_a_trade_become_no_bar_and_are_not_asked_for_again(tmp_path: Path) -> None:
    silent = (0, 1, 2, 100, 400, 401, 402)
    with venue(bars=bars_of("BTCZAR", *silent)) as exchange:
        (report,) = fill(exchange, tmp_path)
        asked = count_questions(exchange)
        (again,) = fill(exchange, tmp_path)
        assert count_questions(exchange) == asked
    assert (report.filled, report.empty) == (MINUTES - len(silent), len(silent))
    assert again.missing == 0
    assert_holds(tmp_path, "BTCZAR", bars_of("BTCZAR", *silent))
    (ledger,) = read_ledger(tmp_path)
    assert (ledger.missing, [hole.missing for hole in ledger.empty]) == (0, [1, 3])
    assert [(one.check, one.count, one.is_violation) for one in verify_catalogue(tmp_path)] == [("empty", 4, False)]


def test_flat_candles_without_volume_become_no_bar(tmp_path: Path) -> None:
    bars = bars_of("BTCZAR")
    silent = np.arange(len(bars)) % 5 == 3
    filled = structs.replace(bars, volume=np.where(silent, 0.0, bars.volume))
    with venue(bars=filled) as exchange:
        fill(exchange, tmp_path)
    assert_holds(tmp_path, "BTCZAR", bars_of("BTCZAR", *np.flatnonzero(silent)))


def test_years_before_the_first_candle_take_a_handful_of_questions(tmp_path: Path) -> None:
    years = 2 * 365 * NS_PER_DAY
    with venue() as exchange:
        (report,) = fill(exchange, tmp_path, start_ns=START_NS - years)
        # Days by the 299, the two days that may have no candle of their own yet, and the half day that has bars.
        assert count_questions(exchange) <= 3 + 10 + 3
    assert (report.filled, report.empty, report.doubtful) == (MINUTES, years // NS_PER_MIN, 0)
    assert_holds(tmp_path, "BTCZAR", bars_of("BTCZAR"))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="rate_limit", on=BUCKETS, nth=2, times=2),
        Fault(kind="error_before", on=BUCKETS, nth=2, times=2, status=503),
        Fault(kind="error_after", on=BUCKETS, nth=2, times=2, status=502),
        Fault(kind="timeout_before", on=BUCKETS, nth=2, times=2, secs=0.05),
        Fault(kind="timeout_after", on=BUCKETS, nth=1, times=1, secs=0.05),
        Fault(kind="truncate_reply", on=BUCKETS, nth=1, times=3),
        Fault(kind="truncate_reply", on="GET /v1/public/pairs", nth=1),
    ],
    ids=lambda fault: f"{fault.kind} {fault.on.rpartition('/')[2]}",
)
def test_a_venue_that_answers_badly_for_a_while_leaves_no_hole(tmp_path: Path, fault: Fault) -> None:
    with venue(fault) as exchange:
        (report,) = fill(exchange, tmp_path)
        assert any(strike.kind == fault.kind for strike in exchange.faults.strikes)
    assert (report.filled, report.empty, report.doubtful) == (MINUTES, 0, 0)
    assert_holds(tmp_path, "BTCZAR", bars_of("BTCZAR"))


def test_real_limits_are_kept_to_without_being_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opens_ns = START_NS + 47 * NS_PER_HOUR
    shown = market("BTCZAR") | market("ETHZAR") | market("BTCUSDT") | market("BTCUSDTPERP")
    with serving(shown, opens_ns, clock=RunningClock(opens_ns), limit_scale=1.0) as exchange:
        reports = fill(exchange, tmp_path, *shown, start_ns=START_NS - NS_PER_DAY)
        assert count_questions(exchange) > 40
    assert [report.filled for report in reports] == [47 * 60 - 1] * 4
    assert caplog.records == [], "a refusal is warned about"


def test_a_venue_that_falls_silent_costs_only_what_was_not_fetched(tmp_path: Path) -> None:
    silent = Fault(kind="error_before", on="GET /v1/public/ETHZAR/buckets", probability=1.0, times=0)
    with venue(silent) as exchange, pytest.raises(DataError, match=r"^ETHZAR: GET .*run the same command to go on$"):
        fill(exchange, tmp_path, "BTCZAR", "ETHZAR", patience_secs=0.5)
    assert_holds(tmp_path, "BTCZAR", bars_of("BTCZAR"))
    assert [series.instrument_id for series in describe(tmp_path)] == ["BTCZAR.VALR"]


def test_nobody_at_the_address_is_one_clear_line_soon_and_nothing_is_made(tmp_path: Path) -> None:
    with venue() as exchange:
        pass
    with pytest.raises(DataError, match=f"^{exchange.url} does not answer: "):
        fill(exchange, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_pair_that_is_not_listed_is_one_clear_line(tmp_path: Path) -> None:
    with venue() as exchange, pytest.raises(UnknownInstrumentError, match="lists no pair BTCXYZ; write it like BTCZAR"):
        fill(exchange, tmp_path, "BTCZAR", "BTCXYZ")
    assert list(tmp_path.iterdir()) == []


def test_a_candle_off_the_tick_of_today_is_refused_and_what_came_before_is_kept(tmp_path: Path) -> None:
    bars = bars_of("BTCZAR")
    prices = {name: getattr(bars, name) // 5 * 5 for name in ("open", "high", "low", "close")}
    prices["high"][500] += 1
    with venue(bars=structs.replace(bars, **prices)) as exchange:
        listed = exchange.venue.listing.pairs
        listed["BTCZAR"] = structs.replace(listed["BTCZAR"], tick=Decimal(5))
        with pytest.raises(DataError, match=r"candle of BTCZAR at 2026-01-01T08:20Z is no bar: .* go on behind it"):
            fill(exchange, tmp_path)
    stored = load_market_data(tmp_path, ["BTCZAR.VALR"])["BTCZAR.VALR"].bars
    assert len(stored) == MINUTES - MAX_MINUTES
    assert read_ledger(tmp_path)[0].missing == MAX_MINUTES


def kill(arguments: list[str], catalog: Path, answers: int, how: signal.Signals) -> tuple[int, str]:
    """Run the command, end it once it has spooled so many answers, and give its exit code and what it said."""
    spool = spool_of(catalog)
    with subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + PATIENCE_SECS
        while not spool.exists() or len(spool.read_bytes().splitlines()) <= answers:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(how)
        _, said = process.communicate(timeout=PATIENCE_SECS)
    return process.returncode, said


def spool_of(catalog: Path) -> Path:
    return catalog / "backfill" / "BTCZAR.VALR-1-MINUTE-LAST-EXTERNAL.jsonl"


def test_killed_at_work_it_loses_nothing_and_goes_on_with_the_rest(tmp_path: Path) -> None:
    slow = Fault(kind="slow_reply", on=BUCKETS, nth=1, times=0, secs=0.3)
    almost_two_days_ns = 2 * NS_PER_DAY - 2 * NS_PER_MIN
    with serving(market("BTCZAR"), START_NS + almost_two_days_ns, [slow]) as exchange:
        arguments = ["BTCZAR", "--from", "2026-01-01", "--catalog", str(tmp_path), "--url", exchange.url, "--json"]
        assert kill(arguments, tmp_path, 3, signal.SIGKILL)[0] == -signal.SIGKILL
        kept = spool_of(tmp_path).read_bytes().count(b"\n") - 1
        asked = count_questions(exchange)
        done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=True)
        asked = count_questions(exchange) - asked
    assert kept >= 3
    assert asked <= 1 + 10 - kept, "one for the days, ten for the minutes"
    assert done.stderr == ""
    (report,) = json.loads(done.stdout)
    assert report["rows"] == 2 * 1440 - 3
    assert not spool_of(tmp_path).exists()
    (ledger,) = read_ledger(tmp_path)
    assert (ledger.missing, ledger.confirmed) == (0, 0)


def test_interrupted_it_says_that_nothing_is_lost(tmp_path: Path) -> None:
    stuck = Fault(kind="slow_reply", on=BUCKETS, nth=3, times=0, secs=30.0)
    with venue(stuck) as exchange:
        arguments = ["BTCZAR", "--from", "2026-01-01", "--catalog", str(tmp_path), "--url", exchange.url]
        code, said = kill(arguments, tmp_path, 2, signal.SIGINT)
    assert code == 1
    assert said == "helios: interrupted; what was fetched is kept, run the same command to go on\n"
    assert not spool_of(tmp_path).exists()
    (series,) = describe(tmp_path)
    assert series.rows == 2 * MAX_MINUTES
