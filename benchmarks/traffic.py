"""A made-up market in VALR's words: books with true sequences and checksums, trades, and one-minute buckets.

It shares no code with the adapter that reads them. The n-th message is stamped n milliseconds after the start, a
bucket's close n minutes after it: whatever the adapter makes of a message tells by its ``ts_event`` which one it was.
"""

import random
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain, zip_longest
from typing import Final, Literal, NamedTuple
from uuid import UUID

import msgspec

type Kind = Literal["book", "trade", "bucket"]

LEVELS: Final = 40
"""Prices a side that a book keeps to."""
CHANGES: Final = 4
"""Levels that change in a message, as a rule."""

_CHECKED_LEVELS: Final = 25
_MID: Final = 1_850_000
_BAND: Final = 400
"""Prices of a side lie within so many ticks of the middle."""
_SHARE_OF_BOOKS: Final = 0.85
_SHARE_OF_TRADES: Final = 0.14
MS_PER_MIN: Final = 60_000


class Message(NamedTuple):
    """One frame and what it is about."""

    kind: Kind
    pair: str
    frame: bytes


class Book:
    """The venue's own copy of a pair's book; integer prices, so that it is sorted by them as they are."""

    def __init__(self, pair: str, rng: random.Random, levels: int = LEVELS) -> None:
        self.pair = pair
        self._rng = rng
        self._levels = levels
        self._sequence = rng.randrange(1_000_000)
        bands = range(_MID - _BAND, _MID), range(_MID + 1, _MID + _BAND + 1)
        self._sides = tuple({price: self._quantity() for price in rng.sample(band, levels)} for band in bands)
        self._bands = bands

    @property
    def sides(self) -> tuple[dict[int, str], dict[int, str]]:
        """Bids and asks, quantity by price."""
        bids, asks = self._sides
        return bids, asks

    def snapshot(self, stamp_ms: int) -> bytes:
        """All of it."""
        bids, asks = self._sorted()
        return self._frame("OB_L1_SNAPSHOT", bids, asks, stamp_ms)

    def diff(self, stamp_ms: int, changes: int = CHANGES) -> bytes:
        """Change some levels: most get another quantity, some go and others come."""
        changed: tuple[dict[int, str], dict[int, str]] = {}, {}
        while sum(map(len, changed)) < changes:
            side = self._rng.randrange(2)
            price = self._change(side)
            changed[side][price] = self._sides[side].get(price, "0")
        self._sequence += 1
        bids, asks = sorted(changed[0].items(), reverse=True), sorted(changed[1].items())
        return self._frame("OB_L1_DIFF", bids, asks, stamp_ms)

    def _change(self, index: int) -> int:
        """The price at which one side has changed, rather near its best than far."""
        rng, side = self._rng, self._sides[index]
        if rng.random() < 0.7 or len(side) > self._levels:
            ranked = sorted(side, reverse=index == 0)
            price = ranked[int(len(ranked) * rng.random() ** 3)]
            if len(side) > self._levels:
                del side[price]
                return price
        else:
            price = rng.choice([price for price in self._bands[index] if price not in side])
        side[price] = self._quantity()
        return price

    def _quantity(self) -> str:
        return f"{self._rng.randrange(1, 10**8) / 10**8:.8f}"

    def _sorted(self) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
        bids, asks = self._sides
        return sorted(bids.items(), reverse=True), sorted(asks.items())

    def _frame(
        self, kind: str, bids: Sequence[tuple[int, str]], asks: Sequence[tuple[int, str]], stamp_ms: int
    ) -> bytes:
        levels = {
            "lc": stamp_ms,
            "a": [(str(price), quantity) for price, quantity in asks],
            "b": [(str(price), quantity) for price, quantity in bids],
            "sq": self._sequence,
            "cs": self._checksum(),
        }
        return msgspec.json.encode({"type": kind, "ps": self.pair, "d": levels})

    def _checksum(self) -> int:
        bids, asks = (side[:_CHECKED_LEVELS] for side in self._sorted())
        texts = chain.from_iterable(chain.from_iterable(zip_longest(bids, asks, fillvalue=())))
        return zlib.crc32(":".join(map(str, texts)).encode())


class Traffic:
    """An endless mix of messages of several pairs: mostly books, some trades, now and then a closed minute."""

    def __init__(self, pairs: Sequence[str], start_ms: int, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self.books = {pair: Book(pair, self._rng) for pair in pairs}
        self._pairs = list(pairs)
        self._start_ms = start_ms
        self._count = 0

    def next(self) -> Message:
        """The next message; the first is number 1."""
        self._count += 1
        stamp_ms = self._start_ms + self._count
        pair, lot = self._rng.choice(self._pairs), self._rng.random()
        if lot < _SHARE_OF_BOOKS:
            return Message("book", pair, self.books[pair].diff(stamp_ms))
        if lot < _SHARE_OF_BOOKS + _SHARE_OF_TRADES:
            return Message("trade", pair, trade_frame(pair, stamp_ms, self._rng))
        opened_ms = self._start_ms + (self._count - 1) * MS_PER_MIN
        return Message("bucket", pair, bucket_frame(pair, opened_ms, self._rng))


def trade_frame(pair: str, stamp_ms: int, rng: random.Random) -> bytes:
    """A ``NEW_TRADE``."""
    data = {
        "price": str(_MID + rng.randrange(-_BAND, _BAND)),
        "quantity": f"{rng.randrange(1, 10**6) / 10**8:.8f}",
        "currencyPair": pair,
        "tradedAt": _iso(stamp_ms),
        "takerSide": rng.choice(("buy", "sell")),
        "id": str(UUID(int=rng.getrandbits(128), version=4)),
    }
    return msgspec.json.encode({"type": "NEW_TRADE", "currencyPairSymbol": pair, "data": data})


def bucket_frame(pair: str, opened_ms: int, rng: random.Random) -> bytes:
    """A ``NEW_TRADE_BUCKET`` of one minute."""
    low, opened, close, high = sorted(_MID + rng.randrange(-_BAND, _BAND) for _ in range(4))
    data = {
        "currencyPairSymbol": pair,
        "bucketPeriodInSeconds": 60,
        "startTime": _iso(opened_ms),
        "open": str(opened),
        "high": str(high),
        "low": str(low),
        "close": str(close),
        "volume": f"{rng.random() + 0.1:.8f}",
        "quoteVolume": "1000000.12345678",
    }
    return msgspec.json.encode({"type": "NEW_TRADE_BUCKET", "currencyPairSymbol": pair, "data": data})


def _iso(stamp_ms: int) -> str:
    return f"{datetime.fromtimestamp(stamp_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{stamp_ms % 1000:03d}Z"
