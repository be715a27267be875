"""The book follows the stream level by level, or says that it cannot be trusted."""

import zlib
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.adapters.valr.api.book import (
    BookChange,
    BookMiss,
    MissReason,
    OrderBook,
    checksum,
)
from helios_nautilus.adapters.valr.api.schemas.book import L1Levels, PriceLevel
from helios_nautilus.adapters.valr.api.schemas.trade_socket import TRADE_FRAMES, BookDiff, BookSnapshot
from tests.unit.adapters.valr.payloads import read_payload

PUBLISHED = (
    "synthetic_ws_trade_OB_L1_01_SNAPSHOT",
    "synthetic_ws_trade_OB_L1_02_DIFF",
    "synthetic_ws_trade_OB_L1_03_DIFF",
    "synthetic_ws_trade_OB_L1_04_DIFF",
)


class NaiveVenue:
    """The other end, the slow way: Decimals in dicts, and the documented rules word by word."""

    def __init__(self, sequence: int = 100) -> None:
        self.sides: dict[str, dict[Decimal, PriceLevel]] = {"a": {}, "b": {}}
        self.sequence = sequence
        self.now_ms = 0

    def change(self, asks: list[PriceLevel], bids: list[PriceLevel]) -> BookDiff:
        self.sequence += 1
        self.now_ms += 1
        for side, levels in (("a", asks), ("b", bids)):
            for price, quantity in levels:
                if Decimal(quantity) == 0:
                    self.sides[side].pop(Decimal(price), None)
                else:
                    self.sides[side][Decimal(price)] = (price, quantity)
        return BookDiff(pair="BTCZAR", levels=self.frame(asks, bids))

    def snapshot(self) -> BookSnapshot:
        return BookSnapshot(pair="BTCZAR", levels=self.frame(self.best("a"), self.best("b")))

    def frame(self, asks: list[PriceLevel], bids: list[PriceLevel]) -> L1Levels:
        return L1Levels(
            last_change_ms=self.now_ms, asks=asks, bids=bids, sequence=self.sequence, checksum=self.checksum()
        )

    def best(self, side: str) -> list[PriceLevel]:
        return [level for _, level in sorted(self.sides[side].items(), reverse=side == "b")]

    def checksum(self) -> int:
        asks, bids = self.best("a"), self.best("b")
        texts = []
        for rank in range(25):
            texts += [":".join(side[rank]) for side in (bids, asks) if rank < len(side)]
        return zlib.crc32(":".join(texts).encode()) & 0xFFFFFFFF


def read_frame(name: str) -> BookSnapshot | BookDiff:
    frame = TRADE_FRAMES.decode(read_payload(name))
    assert isinstance(frame, BookSnapshot | BookDiff)
    return frame


def started(venue: NaiveVenue) -> OrderBook:
    book = OrderBook("BTCZAR")
    assert isinstance(book.apply(venue.snapshot()), BookChange)
    return book


PRICES = st.integers(1, 60).map(lambda ticks: f"{ticks * 5 / 10:.1f}")
QUANTITIES = st.sampled_from(["0", "0", "0.5", "1", "1.0", "0.00000001", "2E-7", "17.25"])
LEVELS = st.lists(st.tuples(PRICES, QUANTITIES), max_size=12)


@pytest.fixture
def quoted() -> NaiveVenue:
    venue = NaiveVenue()
    venue.change([("101", "1"), ("102", "2.50")], [("100", "3"), ("99.5", "0.1")])
    return venue


def test_published_frames_verify_one_after_the_other() -> None:
    book = OrderBook("BTCZAR")
    changes = [book.apply(read_frame(name)) for name in PUBLISHED]
    assert all(isinstance(change, BookChange) for change in changes)
    assert [change.sequence for change in changes if isinstance(change, BookChange)] == [500, 501, 502, 503]
    assert book.asks(1) == [("1849950", "0.00000001")]
    assert book.bids(1) == [("1849500", "0.5")]


def test_truncated_documentation_sample_does_not_verify() -> None:
    miss = OrderBook("BTCUSDC").apply(read_frame("ws_trade_OB_L1_SNAPSHOT"))
    assert isinstance(miss, BookMiss)
    assert miss.reason is MissReason.CHECKSUM


def test_side_that_runs_out_is_skipped_in_the_checksum() -> None:
    assert checksum([("9", "1"), ("8", "2")], [("10", "3")]) == zlib.crc32(b"9:1:10:3:8:2")
    assert checksum([], []) == 0


@settings(max_examples=150)
@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=1, max_size=12), st.integers(0, 11))
def test_book_equals_the_naive_one_after_every_frame(
    steps: list[tuple[list[PriceLevel], list[PriceLevel]]], joined_after: int
) -> None:
    venue = NaiveVenue()
    for asks, bids in steps[:joined_after]:
        venue.change(asks, bids)
    book = started(venue)
    for asks, bids in steps[joined_after:]:
        change = book.apply(venue.change(asks, bids))
        assert isinstance(change, BookChange)
        assert (book.asks(), book.bids()) == (venue.best("a"), venue.best("b"))


@settings(max_examples=150)
@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=1, max_size=12))
def test_changes_alone_rebuild_the_book(steps: list[tuple[list[PriceLevel], list[PriceLevel]]]) -> None:
    venue = NaiveVenue()
    book = started(venue)
    rebuilt: dict[str, dict[float, PriceLevel]] = {"a": {}, "b": {}}
    for asks, bids in steps:
        change = book.apply(venue.change(asks, bids))
        assert isinstance(change, BookChange)
        for side, levels in (("a", change.asks), ("b", change.bids)):
            for level in levels:
                if float(level[1]):
                    rebuilt[side][float(level[0])] = level
                else:
                    del rebuilt[side][float(level[0])]
    assert sorted(rebuilt["a"].values()) == sorted(book.asks())
    assert sorted(rebuilt["b"].values()) == sorted(book.bids())


@settings(max_examples=100)
@given(st.lists(LEVELS, min_size=3, max_size=8), st.data())
def test_lost_frame_is_always_noticed_and_a_snapshot_heals(steps: list[list[PriceLevel]], data: st.DataObject) -> None:
    venue = NaiveVenue()
    book = started(venue)
    frames = [venue.change(asks, []) for asks in steps]
    lost = data.draw(st.integers(0, len(frames) - 2))
    outcomes = [book.apply(frame) for at, frame in enumerate(frames) if at != lost]
    misses = [outcome for outcome in outcomes if isinstance(outcome, BookMiss)]
    assert [miss.reason for miss in misses] == [MissReason.GAP]
    assert not book.is_synced
    assert isinstance(book.apply(venue.snapshot()), BookChange)
    assert book.asks() == venue.best("a")


def test_gap_is_told_once_and_the_frames_after_it_are_passed_over(quoted: NaiveVenue) -> None:
    book = started(quoted)
    quoted.change([("101", "9")], [])
    assert isinstance(book.apply(quoted.change([("101", "8")], [])), BookMiss)
    assert book.apply(quoted.change([("101", "7")], [])) is None
    assert (book.asks(), book.bids()) == ([], [])


def test_wrong_checksum_drops_the_book(quoted: NaiveVenue) -> None:
    book = started(quoted)
    diff = quoted.change([("101", "9")], [])
    spoilt = L1Levels(last_change_ms=9, asks=[("101", "8")], bids=[], sequence=diff.levels.sequence, checksum=1)
    miss = book.apply(BookDiff(pair="BTCZAR", levels=spoilt))
    assert isinstance(miss, BookMiss)
    assert miss.reason is MissReason.CHECKSUM
    assert not book.is_synced


@pytest.mark.parametrize("level", [("nan", "1"), ("-1", "1"), ("0", "1"), ("abc", "1"), ("1", "nan"), ("1", "-1")])
def test_impossible_level_drops_the_book(quoted: NaiveVenue, level: PriceLevel) -> None:
    book = started(quoted)
    levels = L1Levels(last_change_ms=9, asks=[level], bids=[], sequence=quoted.sequence + 1, checksum=0)
    for frame in (BookDiff(pair="BTCZAR", levels=levels), BookSnapshot(pair="BTCZAR", levels=levels)):
        book.reset()
        assert isinstance(book.apply(quoted.snapshot()), BookChange)
        miss = book.apply(frame)
        assert isinstance(miss, BookMiss)
        assert miss.reason is MissReason.LEVEL


def test_frames_seen_before_are_old_news(quoted: NaiveVenue) -> None:
    book = started(quoted)
    snapshot, diff = quoted.snapshot(), quoted.change([("101", "9")], [])
    assert isinstance(book.apply(diff), BookChange)
    assert book.apply(diff) is None
    assert book.apply(snapshot) is None
    assert book.asks(1) == [("101", "9")]


def test_snapshot_of_the_state_the_book_is_in_is_old_news_although_its_time_moved_on(quoted: NaiveVenue) -> None:
    book = started(quoted)
    quoted.now_ms += 1
    assert book.apply(quoted.snapshot()) is None
    assert isinstance(book.apply(quoted.change([("101", "3")], [])), BookChange)


def test_second_connections_snapshot_ahead_of_the_book_is_taken(quoted: NaiveVenue) -> None:
    book = started(quoted)
    missed = quoted.change([("101", "9")], [])
    assert isinstance(book.apply(quoted.snapshot()), BookChange)
    assert book.apply(missed) is None
    assert book.asks(1) == [("101", "9")]


def test_venue_that_restarted_counts_from_lower_but_later(quoted: NaiveVenue) -> None:
    book = started(quoted)
    restarted = NaiveVenue(sequence=1)
    restarted.now_ms = quoted.now_ms + 1000
    restarted.change([("200", "1")], [])
    assert isinstance(book.apply(restarted.snapshot()), BookChange)
    assert book.asks() == [("200", "1")]


def test_diff_of_a_restarted_venue_without_a_snapshot_is_a_gap(quoted: NaiveVenue) -> None:
    book = started(quoted)
    restarted = NaiveVenue(sequence=1)
    restarted.now_ms = quoted.now_ms + 1000
    assert isinstance(book.apply(restarted.change([("200", "1")], [])), BookMiss)


def test_price_written_another_way_is_the_same_level(quoted: NaiveVenue) -> None:
    book = started(quoted)
    change = book.apply(quoted.change([("101.0", "5")], []))
    assert isinstance(change, BookChange)
    assert book.asks(1) == [("101.0", "5")]
    assert len(book.asks()) == 2


def test_removal_of_a_level_that_is_not_there_is_no_change(quoted: NaiveVenue) -> None:
    change = started(quoted).apply(quoted.change([("150", "0")], []))
    assert isinstance(change, BookChange)
    assert change.asks == []


def test_snapshot_is_handed_out_best_first(quoted: NaiveVenue) -> None:
    change = OrderBook("BTCZAR").apply(quoted.snapshot())
    assert isinstance(change, BookChange)
    assert change.is_snapshot
    assert change.bids == [("100", "3"), ("99.5", "0.1")]
    assert change.asks == [("101", "1"), ("102", "2.50")]


def test_empty_book_verifies() -> None:
    assert isinstance(OrderBook("BTCZAR").apply(NaiveVenue().snapshot()), BookChange)
