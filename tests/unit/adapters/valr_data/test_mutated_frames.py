"""Frames of market data, spoilt: nothing reaches the bus that was not on the wire, and the next good frame counts."""

import asyncio
import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final
from zlib import crc32

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from nautilus_trader.model.data import (
    Bar,
    MarkPriceUpdate,
    OrderBookDeltas,
    OrderBookDepth10,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide

from tests.unit.adapters.valr.mutations import as_sent, replaced, spoilt
from tests.unit.adapters.valr.payloads import read_payload
from tests.unit.adapters.valr.reader import number_of, time_of
from tests.unit.adapters.valr_data.listener import BTCZAR, Listener

type Levels = dict[Decimal, tuple[str, str]]
type Sides = tuple[Levels, Levels]

THOROUGH: Final = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
NS_PER_MIN: Final = 60_000_000_000


def recorded(name: str, **fields: object) -> bytes:
    """A recorded frame of BTCUSDT as one of BTCZAR, with what the newer form adds."""
    document = json.loads(read_payload(name).replace(b'"BTCUSDT"', b'"BTCZAR"'))
    document["data"] |= fields
    return json.dumps(document).encode()


TRADE: Final = recorded("ws_trade_NEW_TRADE", id="01980e06-771d-73f1-aec8-b2fe69d943f1")
NEXT_TRADE: Final = recorded("ws_trade_NEW_TRADE", id="01980e06-771d-73f1-aec8-b2fe69d943f2", price="9600")
BUCKET: Final = recorded("ws_trade_NEW_TRADE_BUCKET", high="9700", low="9400", volume="0.5")
NEXT_BUCKET: Final = recorded("ws_trade_NEW_TRADE_BUCKET", startTime="2019-04-25T19:42:00Z", volume="0.25")
NEXT_BUCKET_NS: Final = time_of("2019-04-25T19:42:00Z")
MARK: Final = read_payload("ws_trade_MARK_PRICE_UPDATE_w")
SNAPSHOT: Final = read_payload("synthetic_ws_trade_OB_L1_01_SNAPSHOT")
DIFFS: Final = tuple(read_payload(f"synthetic_ws_trade_OB_L1_0{n}_DIFF") for n in (2, 3, 4))


def listening[T](work: Callable[[Listener], T]) -> T:
    async def session() -> T:
        return work(Listener())

    return asyncio.run(session())


# -- What a frame says, read a second time


def is_rounded(figure: Any, sent: Any) -> bool:
    """An engine's price or quantity is the number that was sent, in the instrument's steps."""
    number = number_of(sent)
    step = Decimal(1).scaleb(-figure.precision)
    return number is not None and abs(figure.as_decimal() - number) <= step / 2 + abs(number) * Decimal("1e-15")


def is_told(item: Any, frame: Any) -> bool:
    """All that a trade, a bar or a mark price says was in the frame."""
    data, pair = frame.get("data"), frame.get("currencyPairSymbol")
    match item:
        case TradeTick():
            buyer = data["takerSide"].lower() == "buy"
            return (
                (frame["type"], data["currencyPair"]) == ("NEW_TRADE", pair)
                and pair == item.instrument_id.symbol.value
                and is_rounded(item.price, data["price"])
                and is_rounded(item.size, data["quantity"])
                and item.aggressor_side == (AggressorSide.BUYER if buyer else AggressorSide.SELLER)
                and item.ts_event == time_of(data["tradedAt"])
                and data.get("id") in (None, item.trade_id.value)
            )
        case Bar():
            figures = {name: getattr(item, name) for name in ("open", "high", "low", "close", "volume")}
            return (
                (frame["type"], data["currencyPairSymbol"]) == ("NEW_TRADE_BUCKET", pair)
                and pair == item.bar_type.instrument_id.symbol.value
                and data["bucketPeriodInSeconds"] == 60
                and all(is_rounded(figure, data[name]) for name, figure in figures.items())
                and item.ts_event - NS_PER_MIN == time_of(data["startTime"])
            )
        case MarkPriceUpdate():
            return (
                frame["type"] == "MARK_PRICE_UPDATE"
                and pair == item.instrument_id.symbol.value
                and is_rounded(item.value, data["price"])
            )
        case _:
            return False


def is_for_us(frame: Any, like: bytes) -> bool:
    """A frame that somebody waits for, as far as its envelope tells."""
    if not isinstance(frame, dict) or frame.get("type") != as_sent(like)["type"]:
        return False
    if frame.get("currencyPairSymbol") != as_sent(like)["currencyPairSymbol"]:
        return False
    data = frame.get("data")
    if frame["type"] != "NEW_TRADE_BUCKET" or not isinstance(data, dict):
        return True
    # Other periods are somebody else's, and a minute without a trade has no bar.
    return data.get("bucketPeriodInSeconds") == 60 and (number_of(data.get("volume")) or 0) > 0


def told(items: Iterable[Any], *frames: bytes) -> bool:
    """Every item is the word of one of the frames."""
    documents = [document for frame in frames if isinstance(document := as_sent(frame), dict)]
    return all(any(is_told(item, document) for document in documents) for item in items)


@THOROUGH
@given(st.sampled_from([(TRADE, NEXT_TRADE), (BUCKET, NEXT_BUCKET), (MARK, MARK)]), st.data())
def test_spoilt_frame_is_told_as_it_was_sent_or_refused_and_the_next_one_counts(
    frames: tuple[bytes, bytes], data: st.DataObject
) -> None:
    good, following = frames
    bad = data.draw(spoilt(good))

    def work(listener: Listener) -> None:
        seen = listener.hear(bad)
        assert told(seen, bad)
        if not seen and is_for_us(as_sent(bad), good):
            assert listener.client.frames_refused == 1
        is_behind_a_gap = any(isinstance(item, Bar) and item.ts_event < NEXT_BUCKET_NS for item in seen)
        seen = listener.hear(following)
        assert told(seen, following)
        assert seen or is_behind_a_gap  # the minutes between are asked for first

    listening(work)


@pytest.mark.parametrize("frame", [TRADE, BUCKET])
def test_frame_that_comes_twice_is_told_once(frame: bytes) -> None:
    assert len(listening(lambda listener: listener.hear(frame, frame))) == 1


@pytest.mark.parametrize("frame", [TRADE, BUCKET])
def test_frame_that_names_two_pairs_is_refused(frame: bytes) -> None:
    document = as_sent(frame)
    mixed = json.dumps(replaced(document, ("currencyPairSymbol",), "ETHZAR"), default=str).encode()

    def work(listener: Listener) -> None:
        assert listener.hear(mixed) == []
        assert listener.client.frames_refused == 1

    listening(work)


def test_trade_that_was_spoilt_on_one_connection_counts_when_it_comes_on_the_other() -> None:
    spoilt_trade = TRADE.replace(b'"0.001"', b'"0"')
    assert len(listening(lambda listener: listener.hear(spoilt_trade, TRADE))) == 1


@pytest.mark.parametrize("trade_id", ["", " ", "\u00e9", "a\u0000b", "x" * 37])
def test_trade_whose_id_the_engine_would_not_survive_is_refused(trade_id: str) -> None:
    def work(listener: Listener) -> None:
        assert listener.hear(recorded("ws_trade_NEW_TRADE", id=trade_id)) == []
        assert listener.client.frames_refused == 1

    listening(work)


@pytest.mark.parametrize("price", ["0", "-9500", "0.00001", "1e29"])
def test_price_that_no_pair_has_is_refused(price: str) -> None:
    def work(listener: Listener) -> None:
        frames = (
            recorded("ws_trade_NEW_TRADE", price=price),
            recorded("ws_trade_NEW_TRADE_BUCKET", low=price, volume="1"),
        )
        assert listener.hear(*frames, MARK.replace(b"86476", price.encode())) == []
        assert listener.client.frames_refused == 3

    listening(work)


# -- Books


def apply(sides: Sides, levels: dict[str, Any], *, is_snapshot: bool) -> Sides | None:
    """The book after a frame by the documented rules; None if a level cannot be."""
    after: Sides = ({}, {}) if is_snapshot else (sides[0].copy(), sides[1].copy())
    for side, name in zip(after, "ba", strict=True):
        for price, quantity in levels[name]:
            at, total = number_of(price), number_of(quantity)
            if at is None or total is None or at <= 0 or total < 0:
                return None
            side.pop(at, None)
            if total:
                side[at] = (price, quantity)
    return after


def checksum(sides: Sides) -> int:
    bids = [sides[0][price] for price in sorted(sides[0], reverse=True)[:25]]
    asks = [sides[1][price] for price in sorted(sides[1])[:25]]
    rows = (row for both in zip_longest(bids, asks) for row in both if row is not None)
    return crc32(":".join(text for row in rows for text in row).encode())


@st.composite
def honest(draw: st.DrawFn, raw: bytes, before: Sides) -> bytes:
    """A spoilt book frame, at times with the checksum of its own levels: then they reach the engine."""
    bad: bytes = draw(spoilt(raw))
    document = as_sent(bad)
    if draw(st.booleans()):
        try:
            after = apply(before, document["d"], is_snapshot=document["type"] == "OB_L1_SNAPSHOT")
            bad = json.dumps(replaced(document, ("d", "cs"), checksum(after or ({}, {}))), default=str).encode()
        except (TypeError, KeyError, ValueError, AttributeError, UnicodeEncodeError):
            return bad
    return bad


class Copy:
    """A book as a strategy keeps it, out of the deltas that were published."""

    def __init__(self) -> None:
        self.sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})

    def take(self, items: Iterable[Any]) -> None:
        for deltas in items:
            for delta in deltas.deltas if isinstance(deltas, OrderBookDeltas) else ():
                self._change(delta)

    def _change(self, delta: Any) -> None:
        if delta.action == BookAction.CLEAR:
            self.sides = ({}, {})
            return
        side = self.sides[0 if delta.order.side == OrderSide.BUY else 1]
        price = delta.order.price.as_decimal()
        side.pop(price, None)
        if delta.action != BookAction.DELETE:
            side[price] = delta.order.size.as_decimal()


def in_steps(sides: Sides) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
    """The venue's book in the engine's precision; levels too small for it are not there."""

    def rounded(levels: Levels) -> dict[Decimal, Decimal]:
        made = {
            BTCZAR.make_price(price).as_decimal(): Decimal(str(float(quantity))).quantize(Decimal("1e-8"))
            for price, (_, quantity) in levels.items()
        }
        # Two prices within one tick are one price to the engine: no venue with that tick has them.
        assume(len(made) == len(levels))
        return {price: quantity for price, quantity in made.items() if quantity}

    return rounded(sides[0]), rounded(sides[1])


@THOROUGH
@given(st.integers(0, 3), st.data())
def test_spoilt_book_frame_changes_the_book_as_it_says_or_ends_it(at: int, data: st.DataObject) -> None:
    frames = (SNAPSHOT, *DIFFS)
    before: Sides = ({}, {})
    for frame in frames[:at]:
        before = apply(before, as_sent(frame)["d"], is_snapshot=frame is SNAPSHOT) or before
    bad = data.draw(honest(frames[at], before))

    def work(listener: Listener) -> None:
        copy = Copy()
        copy.take(listener.hear(*frames[:at]))
        seen = listener.hear(bad)
        copy.take(seen)
        if copy.sides not in (({}, {}), in_steps(before)):
            document = as_sent(bad)
            after = apply(before, document["d"], is_snapshot=document["type"] == "OB_L1_SNAPSHOT")
            assert after is not None
            assert document["d"]["cs"] == checksum(after)
            assert copy.sides == in_steps(after)
        assert all(is_top(item, copy) for item in seen if isinstance(item, QuoteTick | OrderBookDepth10))
        # Whatever it was, a reconnect brings the book back.
        listener.client._stream._drop_books()
        copy.take(listener.hear(SNAPSHOT, *DIFFS))
        whole = before
        for frame in frames:
            whole = apply(whole, as_sent(frame)["d"], is_snapshot=frame is SNAPSHOT) or whole
        assert copy.sides == in_steps(whole)

    listening(work)


def test_book_with_a_figure_that_the_engine_has_no_room_for_is_ended_whole() -> None:
    document = replaced(as_sent(SNAPSHOT), ("d", "a", 0, 1), "1e29")
    book = apply(({}, {}), document["d"], is_snapshot=True)
    assert book is not None
    vast = json.dumps(replaced(document, ("d", "cs"), checksum(book))).encode()

    def work(listener: Listener) -> None:
        copy = Copy()
        copy.take(listener.hear(vast))
        assert copy.sides == ({}, {})
        assert listener.client.book_misses == 1
        copy.take(listener.hear(SNAPSHOT))
        assert (len(copy.sides[0]), len(copy.sides[1])) == (29, 3)

    listening(work)


def test_quote_passes_over_a_best_level_that_is_less_than_the_engine_s_smallest_size() -> None:
    document = replaced(as_sent(SNAPSHOT), ("d", "a", 0, 1), "0.00000000000000000001")
    book = apply(({}, {}), document["d"], is_snapshot=True)
    assert book is not None
    tiny = json.dumps(replaced(document, ("d", "cs"), checksum(book))).encode()

    def work(listener: Listener) -> None:
        seen = listener.hear(tiny)
        (quote,) = (item for item in seen if isinstance(item, QuoteTick))
        (price, (_, size)) = sorted(book[1].items())[1]
        assert (quote.ask_price.as_decimal(), quote.ask_size.as_decimal()) == (price, Decimal(size))

    listening(work)


def is_top(item: Any, copy: Copy) -> bool:
    """A quote or a depth shows the best of the book that was published with it."""
    bids, asks = sorted(copy.sides[0].items(), reverse=True), sorted(copy.sides[1].items())
    if isinstance(item, QuoteTick):
        shown = [[(item.bid_price, item.bid_size)], [(item.ask_price, item.ask_size)]]
    else:
        shown = [[(row.price, row.size) for row in side if row.size.raw] for side in (item.bids, item.asks)]
    return all(
        [(price.as_decimal(), size.as_decimal()) for price, size in rows] == best[: max(len(rows), 1)]
        for rows, best in zip(shown, (bids, asks), strict=True)
    )
