"""What `helios doctor` says of VALR, the clock and the key, against a simulated exchange."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_SEC
from helios_nautilus.errors import ConfigError
from helios_nautilus.node.doctor import venue
from helios_nautilus.node.doctor.examination import Level, ok
from helios_nautilus.node.doctor.venue import check_clock, check_venue, check_venue_key
from helios_nautilus.simulator.exchange.clock import ManualClock
from helios_nautilus.simulator.exchange.faults import Fault
from helios_nautilus.simulator.exchange.opening import open_account, synthetic_markets
from helios_nautilus.simulator.exchange.server import Exchange
from tests.integration.serving import serving

MARKETS = synthetic_markets(seed=4, days=2)
OPENS_NS = int(MARKETS["BTCZAR"].bars.ts_ns[0]) + NS_PER_DAY
KEY, SECRET = "ab" * 32, "cd" * 32
ENVIRON = {"VALR_API_KEY": KEY, "VALR_API_SECRET": SECRET}


class StandingClock(ManualClock):
    """Venue time stands still at the opening; signatures go by ours."""

    def client_ns(self) -> int:
        return time.time_ns()


@contextmanager
def valr(*faults: Fault) -> Iterator[Exchange]:
    with serving(MARKETS, OPENS_NS, faults, clock=StandingClock(OPENS_NS)) as exchange:
        yield exchange


class OurClock:
    """Off by so many seconds from the venue's, and from itself by ``jump_secs`` at each look."""

    def __init__(self, off_secs: float, jump_secs: float = 0.0) -> None:
        self._now_ns = OPENS_NS + round(off_secs * NS_PER_SEC)
        self._jump_ns = round(jump_secs * NS_PER_SEC)

    def time_ns(self) -> int:
        self._now_ns += self._jump_ns
        return self._now_ns

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, secs: float) -> None:
        await asyncio.sleep(secs)


def test_a_venue_that_answers_and_trades_our_pairs_is_well() -> None:
    with valr() as exchange:
        finding = check_venue(["BTCZAR", "ETHZAR"], exchange.url)
    assert finding == ok(f"{exchange.url} answers and takes orders; all 2 pairs trade")


def test_a_pair_that_does_not_trade_is_named() -> None:
    with valr() as exchange:
        finding = check_venue(["BTCZAR", "BTCXYZ"], exchange.url)
    assert (finding.level, finding.words) == ("fail", f"BTCXYZ cannot be traded at {exchange.url}")


def test_maintenance_is_a_warning() -> None:
    with valr(Fault(kind="maintenance", after_secs=0.0, secs=3600.0)) as exchange:
        finding = check_venue([], exchange.url)
    assert (finding.level, finding.words) == ("warn", f"{exchange.url} answers, but takes no orders now (read-only)")


def test_a_venue_that_is_not_there_is_told_at_once_and_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        finding = check_venue([], url)
    assert (finding.level, finding.words) == ("fail", f"no connection to {url}")


def test_a_venue_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue, "_PATIENCE_SECS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        finding = check_clock(f"http://127.0.0.1:{mute.getsockname()[1]}")
    assert (finding.level, finding.words) == ("warn", "not compared: no reply within 0.05 s")


def test_a_venue_that_fails_is_told_with_its_status() -> None:
    with valr(Fault(kind="error_before", on="GET /v1/public/status", nth=1, times=0)) as exchange:
        finding = check_venue([], exchange.url)
    assert finding.level == "fail"
    assert "HTTP 5" in finding.words


@pytest.mark.parametrize(
    ("off_secs", "level", "words"),
    [
        (0.4, "ok", "0.40 s ahead of VALR's, give or take 0.00"),
        (-0.4, "ok", "0.40 s behind VALR's, give or take 0.00"),
        (1.5, "warn", "1.50 s ahead of VALR's, give or take 0.00"),
        (-6.0, "fail", "6.00 s behind VALR's, give or take 0.00"),
    ],
)
def test_the_clock_is_held_against_the_venues(off_secs: float, level: Level, words: str) -> None:
    with valr() as exchange:
        finding = check_clock(exchange.url, OurClock(off_secs))
    assert (finding.level, finding.words) == (level, words)


def test_a_clock_that_jumps_is_told_whatever_it_shows() -> None:
    with valr() as exchange:
        finding = check_clock(exchange.url, OurClock(0.0, jump_secs=-0.5))
    assert (finding.level, finding.words) == ("warn", "it jumped by -0.50 s while VALR was asked")


def test_a_key_is_asked_for_by_live_trading_alone() -> None:
    assert check_venue_key({}, "paper", None) == ok("not set; only live needs it")
    assert check_venue_key({}, "live", None).level == "fail"
    assert check_venue_key(ENVIRON, "paper", None) == ok("set")


@pytest.mark.parametrize("name", ["VALR_API_KEY", "VALR_API_SECRET"])
def test_half_a_pair_is_a_failure_in_any_mode(name: str) -> None:
    finding = check_venue_key({name: KEY}, "backtest", None)
    assert (finding.level, finding.words) == ("fail", f"{name} is set, and the other of the pair is not")


def test_a_key_of_other_characters_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        check_venue_key({**ENVIRON, "VALR_API_SECRET": "se-cret"}, "backtest", None)
    assert "se-cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("permissions", "level"),
    [
        (("View access", "Trade"), "ok"),
        (("View access", "Trade", "Withdraw"), "warn"),
        (("View access",), "fail"),
    ],
)
def test_a_key_may_trade_and_better_do_nothing_else(permissions: tuple[str, ...], level: Level) -> None:
    with valr() as exchange:
        open_account(exchange.venue, key=KEY, secret=SECRET, permissions=permissions)
        finding = check_venue_key(ENVIRON, "live", exchange.url)
    assert (finding.level, finding.words) == (level, f"accepted; it may: {', '.join(permissions)}")


def test_a_key_that_the_venue_does_not_know_is_a_failure_without_it() -> None:
    with valr() as exchange:
        finding = check_venue_key(ENVIRON, "live", exchange.url)
    assert finding.level == "fail"
    assert KEY not in finding.words
    assert SECRET not in finding.words
