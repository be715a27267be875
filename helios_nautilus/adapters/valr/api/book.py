"""A pair's order book out of ``OB_L1_SNAPSHOT`` and ``OB_L1_DIFF`` frames, verified frame by frame.

Two proofs are asked of every frame: its sequence is one above the last, and the CRC32 of the best 25 levels a side
equals the venue's. Both failing cases, and any level that is not a price and a quantity, end in a `BookMiss`: the
book is emptied and waits for the next snapshot, which the caller gets by subscribing again.
"""

import zlib
from bisect import bisect_left
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest
from math import inf
from typing import Final

from msgspec import Struct

from helios_nautilus.adapters.valr.api.schemas.book import L1Levels, PriceLevel
from helios_nautilus.adapters.valr.api.schemas.trade_socket import BookDiff, BookSnapshot

CHECKSUM_LEVELS: Final = 25


class MissReason(StrEnum):
    """Why a book can no longer be trusted."""

    GAP = "sequence gap"
    CHECKSUM = "checksum mismatch"
    LEVEL = "impossible level"


class BookMiss(Struct, frozen=True, kw_only=True):
    """The book was dropped: subscribe again. Told once; diffs that still arrive are passed over."""

    pair: str
    reason: MissReason
    detail: str


class BookChange(Struct, frozen=True, kw_only=True):
    """What a frame did to the book, as ``(price, quantity)`` texts.

    After a snapshot these are all levels, best first. After a diff, the levels with their new quantity; ``0`` means
    removed, and only levels that were there are removed.
    """

    pair: str
    is_snapshot: bool
    bids: list[PriceLevel]
    asks: list[PriceLevel]
    sequence: int
    last_change_ms: int


class OrderBook:
    """The book of one pair."""

    def __init__(self, pair: str) -> None:
        self.pair = pair
        self._bids = _Ladder(sign=-1.0)
        self._asks = _Ladder(sign=1.0)
        self._sequence: int | None = None
        self._last_change_ms = 0
        self._checksum = 0

    @property
    def is_synced(self) -> bool:
        """The book is verified up to its last frame."""
        return self._sequence is not None

    def reset(self) -> None:
        """Forget everything; the next snapshot starts anew. For a new connection."""
        self._sequence = None
        self._bids.clear()
        self._asks.clear()

    def bids(self, depth: int | None = None) -> list[PriceLevel]:
        """The best ``depth`` bids, highest first; all of them without."""
        return self._bids.best(depth)

    def asks(self, depth: int | None = None) -> list[PriceLevel]:
        """The best ``depth`` asks, lowest first; all of them without."""
        return self._asks.best(depth)

    def apply(self, frame: BookSnapshot | BookDiff) -> BookChange | BookMiss | None:
        """What the frame changed; a miss; or None for a frame that is old news.

        During a hand-over between two connections frames come twice, and a snapshot may lie behind the book. A frame
        is old if neither its sequence nor its time is beyond ours: a venue that restarted counts from lower, later.
        A snapshot is old too if it has our sequence and our checksum, for its time may have moved on by itself.
        """
        levels = frame.levels
        if self._is_old(levels):
            return None
        if isinstance(frame, BookSnapshot):
            is_ours = levels.sequence == self._sequence and levels.checksum == self._checksum
            return None if is_ours else self._replace(levels)
        if self._sequence is None:
            return None
        if levels.sequence != self._sequence + 1:
            return self._miss(MissReason.GAP, f"{levels.sequence} after {self._sequence}")
        return self._update(levels)

    def _is_old(self, levels: L1Levels) -> bool:
        known = self._sequence
        return known is not None and levels.sequence <= known and levels.last_change_ms <= self._last_change_ms

    def _replace(self, levels: L1Levels) -> BookChange | BookMiss:
        self.reset()
        try:
            self._bids.fill(levels.bids)
            self._asks.fill(levels.asks)
        except ValueError as error:
            return self._miss(MissReason.LEVEL, str(error))
        return self._verify(levels, is_snapshot=True, bids=self.bids(), asks=self.asks())

    def _update(self, levels: L1Levels) -> BookChange | BookMiss:
        try:
            bids = self._bids.update(levels.bids)
            asks = self._asks.update(levels.asks)
        except ValueError as error:
            return self._miss(MissReason.LEVEL, str(error))
        return self._verify(levels, is_snapshot=False, bids=bids, asks=asks)

    def _verify(
        self, levels: L1Levels, *, is_snapshot: bool, bids: list[PriceLevel], asks: list[PriceLevel]
    ) -> BookChange | BookMiss:
        ours = checksum(self.bids(CHECKSUM_LEVELS), self.asks(CHECKSUM_LEVELS))
        if ours != levels.checksum:
            return self._miss(MissReason.CHECKSUM, f"{ours} is not {levels.checksum} at {levels.sequence}")
        self._sequence = levels.sequence
        self._last_change_ms = levels.last_change_ms
        self._checksum = ours
        return BookChange(
            pair=self.pair,
            is_snapshot=is_snapshot,
            bids=bids,
            asks=asks,
            sequence=levels.sequence,
            last_change_ms=levels.last_change_ms,
        )

    def _miss(self, reason: MissReason, detail: str) -> BookMiss:
        self.reset()
        return BookMiss(pair=self.pair, reason=reason, detail=detail)


def checksum(bids: list[PriceLevel], asks: list[PriceLevel]) -> int:
    """CRC32 of ``bid:qty:ask:qty:...``, best first, interleaved, in the texts as sent; a side that ends is skipped."""
    texts: list[str] = []
    for bid, ask in zip_longest(bids[:CHECKSUM_LEVELS], asks[:CHECKSUM_LEVELS], fillvalue=()):
        texts += bid
        texts += ask
    return zlib.crc32(":".join(texts).encode())


class _Ladder:
    """One side, best first.

    The float of a price only orders and identifies its level (``86503`` and ``86503.0`` are one): exact up to 15
    digits, more than any price has. What is kept and handed out are the texts.
    """

    def __init__(self, sign: float) -> None:
        self._sign = sign
        self._keys: list[float] = []
        self._levels: dict[float, PriceLevel] = {}

    def clear(self) -> None:
        self._keys.clear()
        self._levels.clear()

    def best(self, depth: int | None) -> list[PriceLevel]:
        levels = self._levels
        return [levels[key] for key in self._keys[:depth]]

    def fill(self, levels: list[PriceLevel]) -> None:
        """Take ``levels`` as the whole side; `ValueError` for a level that cannot be."""
        sign = self._sign
        for level in levels:
            price, quantity = float(level[0]), float(level[1])
            if not (0.0 < price < inf and 0.0 < quantity < inf):
                raise ValueError(f"{level} in a snapshot")
            self._levels[sign * price] = level
        self._keys = sorted(self._levels)

    def update(self, changes: list[PriceLevel]) -> list[PriceLevel]:
        """Apply new totals and return those that changed something; `ValueError` for a level that cannot be."""
        sign, keys, levels = self._sign, self._keys, self._levels
        effective = []
        for level in changes:
            price, quantity = float(level[0]), float(level[1])
            if not (0.0 < price < inf and 0.0 <= quantity < inf):
                raise ValueError(f"{level} in a diff")
            key = sign * price
            if quantity:
                if key not in levels:
                    keys.insert(bisect_left(keys, key), key)
                levels[key] = level
            elif Decimal(level[1]):
                # Nothing only as a float: 1E-999 removes no level.
                raise ValueError(f"{level} in a diff")
            elif levels.pop(key, None) is not None:
                del keys[bisect_left(keys, key)]
            else:
                continue
            effective.append(level)
        return effective
