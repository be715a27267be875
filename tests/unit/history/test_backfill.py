"""What a back-fill asks a venue for, and what it makes of the answers; the venue is a list of minutes."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.adapters.valr.api.errors import UnavailableError
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.domain.bars import Ints
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.errors import DataError
from helios_nautilus.history import read_ledger
from helios_nautilus.history.backfill import BackfillReport, backfill, split_days, split_windows
from helios_nautilus.history.candles import MAX_MINUTES
from helios_nautilus.history.catalogue import find_series
from helios_nautilus.history.checks import Grid
from helios_nautilus.history.columns import BarBlock
from helios_nautilus.history.ledger import read_stamps

START = 1_767_225_600_000_000_000
"""A midnight."""
PAIR = "BTCZAR.VALR"
DAY = 1440


class Minutes:
    """A venue that traded in some minutes after `START`, named by their number."""

    address = "https://venue"

    def __init__(self, traded: Collection[int], *, now: int, fails_after: int | None = None) -> None:
        self.traded = np.array(sorted(traded), dtype=np.int64)
        self.asked: list[int] = []
        self.ends: list[int] = []
        self.days_asked = 0
        self.questions = 0
        self._now = now
        self._fails_after = fails_after

    async def now_ns(self) -> int:
        return START + self._now * NS_PER_MIN

    async def load_instruments(self, symbols: list[str]) -> list[Instrument]:
        return [build_instrument(f"{symbol}.VALR") for symbol in symbols]

    async def traded_days(self, symbol: str, first_ns: int, last_ns: int) -> Ints:
        self.days_asked += 1
        days = START + np.unique(self.traded // DAY) * NS_PER_DAY
        return np.column_stack([days + NS_PER_MIN, days + NS_PER_DAY])

    async def fetch(self, symbol: str, grid: Grid, first_ns: int, last_ns: int) -> BarBlock:
        self.questions += 1
        if self._fails_after is not None and self.questions > self._fails_after:
            raise UnavailableError("gone")
        for _ in range(5):  # an answer takes longer than a refusal
            await asyncio.sleep(0)
        first, last = ((stamp - START) // NS_PER_MIN - 1 for stamp in (first_ns, last_ns))
        assert last - first < MAX_MINUTES
        self.asked += range(first, last + 1)
        self.ends += first, last
        rows = self.traded[(self.traded >= first) & (self.traded <= last)]
        return BarBlock(
            ts_ns=START + (rows + 1) * NS_PER_MIN,
            units=np.column_stack([rows + 2, rows + 3, rows + 1, rows + 2, rows + 1]),
        )


def run(venue: Minutes, catalog: Path, first: int, end: int | None = None) -> BackfillReport:
    end_ns = None if end is None else START + end * NS_PER_MIN
    (report,) = asyncio.run(backfill(venue, ["BTCZAR"], catalog, START + first * NS_PER_MIN, end_ns))
    return report


def stored(catalog: Path) -> list[int]:
    """Numbers of the minutes that have a bar."""
    series = find_series(catalog, PAIR, NS_PER_MIN)
    return [] if series is None else ((read_stamps(series.files) - START) // NS_PER_MIN - 1).tolist()


def test_minutes_with_a_trade_become_bars_and_the_others_are_noted(tmp_path: Path) -> None:
    report = run(Minutes([0, 1, 5], now=100), tmp_path, 0, 8)
    assert (report.missing, report.filled, report.empty, report.doubtful) == (8, 3, 5, 0)
    assert stored(tmp_path) == [0, 1, 5]
    (ledger,) = read_ledger(tmp_path)
    assert ledger.holes == ()
    assert [hole.missing for hole in ledger.empty] == [3]
    assert ledger.label == "VALR, from https://venue"


def test_a_second_run_asks_nothing(tmp_path: Path) -> None:
    venue = Minutes(range(0, 3 * DAY, 7), now=5 * DAY)
    run(venue, tmp_path, 0, 3 * DAY)
    questions = venue.questions
    report = run(venue, tmp_path, 0, 3 * DAY)
    assert (report.missing, report.filled, report.empty, report.rows) == (0, 0, 0, len(venue.traded))
    assert venue.questions == questions


def test_only_a_hole_is_asked_for(tmp_path: Path) -> None:
    venue = Minutes(range(1000), now=2000)
    run(venue, tmp_path, 0, 400)
    run(venue, tmp_path, 500, 1000)
    venue.asked.clear()
    run(venue, tmp_path, 0, 1000)
    assert venue.asked == list(range(400, 500))
    assert stored(tmp_path) == list(range(1000))


def test_the_running_minute_and_the_one_just_over_are_left_to_the_next_run(tmp_path: Path) -> None:
    venue = Minutes(range(1000), now=600)
    assert run(venue, tmp_path, 0).rows == 599
    assert max(venue.asked) == 598
    later = Minutes(range(1000), now=602)
    assert run(later, tmp_path, 0, 1000).rows == 601
    assert later.asked == [599, 600]


def test_time_that_is_not_over_yet_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no minute of that time is over yet: the venue's clock says 2026-01-01T01:40:00Z"
    ):
        run(Minutes([1], now=100), tmp_path / "new", 100)
    assert not (tmp_path / "new").exists()


def test_years_before_the_listing_are_confirmed_by_days(tmp_path: Path) -> None:
    listed = 3 * 365 * DAY
    venue = Minutes(range(listed, listed + DAY), now=listed + 5 * DAY)
    report = run(venue, tmp_path, 0, listed + DAY)
    assert venue.days_asked == 1
    assert venue.questions == 5
    assert (report.filled, report.empty, report.doubtful) == (DAY, listed, 0)


def test_a_day_that_still_runs_is_asked_for_by_minutes_although_it_has_no_candle_yet(tmp_path: Path) -> None:
    class Slow(Minutes):
        async def traded_days(self, symbol: str, first_ns: int, last_ns: int) -> Ints:
            return (await super().traded_days(symbol, first_ns, last_ns))[:-1]

    venue = Slow([*range(10), *range(2 * DAY, 2 * DAY + 100)], now=2 * DAY + 200)
    assert run(venue, tmp_path, 0).rows == 110


def test_a_day_said_to_have_traded_without_a_minute_that_did_is_left_open(tmp_path: Path) -> None:
    class Forgetful(Minutes):
        """Keeps days for ever and minutes for a while."""

        async def fetch(self, symbol: str, grid: Grid, first_ns: int, last_ns: int) -> BarBlock:
            bars = await super().fetch(symbol, grid, first_ns, last_ns)
            return bars.rows(bars.ts_ns > START + 2 * NS_PER_DAY)

    venue = Forgetful(range(0, 4 * DAY, 3), now=9 * DAY)
    report = run(venue, tmp_path, 0, 4 * DAY)
    assert (report.filled, report.empty, report.doubtful) == (2 * DAY // 3, 2 * DAY * 2 // 3, 2 * DAY)
    assert run(Minutes(venue.traded, now=9 * DAY), tmp_path, 0, 4 * DAY).filled == 2 * DAY // 3


def test_of_a_day_whose_questions_fail_in_part_the_answers_are_kept(tmp_path: Path) -> None:
    venue = Minutes(range(DAY), now=5 * DAY, fails_after=3)
    with pytest.raises(DataError, match=r"BTCZAR: gone; what was fetched is kept"):
        run(venue, tmp_path, 0, DAY)
    assert stored(tmp_path) == list(range(3 * MAX_MINUTES))
    rest = Minutes(range(DAY), now=5 * DAY)
    run(rest, tmp_path, 0, DAY)
    assert rest.asked == list(range(3 * MAX_MINUTES, DAY))


def test_one_series_is_of_one_venue(tmp_path: Path) -> None:
    run(Minutes(range(10), now=100), tmp_path, 0)
    other = Minutes(range(20), now=100)
    other.address = "http://127.0.0.1:8770"
    with pytest.raises(DataError, match=r"was back-filled from https://venue: take another --catalog"):
        run(other, tmp_path, 0)
    assert other.questions == 0


def test_pieces_are_joined_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helios_nautilus.history.backfill._MOST_SPOOLED", 2000)
    seen: list[int] = []
    asyncio.run(
        backfill(
            Minutes(range(5 * DAY), now=9 * DAY),
            ["BTCZAR"],
            tmp_path,
            START,
            START + 5 * NS_PER_DAY,
            lambda *_: seen.append(len(stored(tmp_path))),
        )
    )
    assert sorted(set(seen)) == [0, 2 * DAY, 4 * DAY]
    assert stored(tmp_path) == list(range(5 * DAY))


@settings(max_examples=12)
@given(
    traded=st.sets(st.integers(0, 2000)),
    spans=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 900)), min_size=1, max_size=3),
    failures=st.lists(st.integers(0, 4), max_size=2),
)
def test_however_it_was_interrupted_nothing_is_lost_and_only_the_rest_is_asked_for(
    traded: set[int], spans: list[tuple[int, int]], failures: list[int]
) -> None:
    fetched: set[int] = set()
    with TemporaryDirectory() as folder:
        for (first, length), fails_after in zip(spans, [*failures, *[None] * len(spans)], strict=False):
            venue = Minutes(traded, now=9 * DAY, fails_after=fails_after)
            try:
                report = run(venue, Path(folder), first, first + length)
            except DataError:
                assert fails_after is not None
            else:
                assert report.missing == report.filled + report.empty + report.doubtful
            assert not set(venue.ends) & fetched, "a question begins and ends with what is lacking"
            fetched |= set(venue.asked) & traded
            assert set(stored(Path(folder))) == fetched
        for first, length in spans:
            run(Minutes(traded, now=9 * DAY), Path(folder), first, first + length)
        asked = {minute for first, length in spans for minute in range(first, first + length)}
        assert set(stored(Path(folder))) == traded & asked


@given(chosen=st.sets(st.integers(1, 5000), min_size=1))
def test_windows_and_days_cover_every_minute_once(chosen: set[int]) -> None:
    stamps = START + NS_PER_MIN * np.array(sorted(chosen), dtype=np.int64)
    days = list(split_days(stamps))
    windows = list(split_windows(stamps))
    assert np.concatenate(days).tolist() == np.concatenate(windows).tolist() == stamps.tolist()
    assert all(((day - NS_PER_MIN) // NS_PER_DAY == (day[0] - NS_PER_MIN) // NS_PER_DAY).all() for day in days)
    assert all(window[-1] - window[0] < MAX_MINUTES * NS_PER_MIN for window in windows)
