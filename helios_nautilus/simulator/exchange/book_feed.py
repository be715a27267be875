"""The book channels of one pair: what is sent first and what after every change, with sequences and checksums."""

from collections.abc import Iterable
from itertools import islice, zip_longest
from zlib import crc32

from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.simulator.exchange.decimals import text
from helios_nautilus.simulator.exchange.events import BookChanged
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.matching import OrderBook
from helios_nautilus.simulator.exchange.orders import Order, Side

CHECKED_DEPTH = 25


class BookFeed:
    """Sequence numbers of one book; `snapshot` and `diff` frames of a pair form one unbroken sequence."""

    def __init__(self, symbol: str, book: OrderBook, opened_ns: int) -> None:
        self._symbol = symbol
        self._book = book
        self._shown: dict[Side, dict[str, str]] = {side: self._levels(side) for side in Side}
        self.changed_ns = opened_ns
        self.price_sequence = 1000
        """``sq`` of OB_L1: one up a message."""
        self.order_sequence = 7_000_000
        """``SequenceNumber`` of the other books: up by the number of order entries."""

    def apply(self, change: BookChanged, *, by_price: bool, by_order: bool) -> tuple[Json | None, Json | None]:
        """Count a change; its OB_L1 diff and its full-book update as far as asked for.

        There is no diff where every level is what it was.
        """
        self.changed_ns = change.now_ns
        self.order_sequence += len(change.changes)
        touched = dict.fromkeys((one.side, one.price) for one in change.changes)
        diffs: dict[Side, list[list[str]]] = {Side.SELL: [], Side.BUY: []}
        for side, price in touched:
            level, total = text(price), text(self._book.total_at(side, price))
            if self._shown[side].get(level, "0") != total:
                diffs[side].append([level, total])
                self._remember(side, level, total)
        update = self._full_update(change) if by_order else None
        if not any(diffs.values()):
            return None, update
        self.price_sequence += 1
        diff = self._price_frame("OB_L1_DIFF", diffs[Side.SELL], diffs[Side.BUY]) if by_price else None
        return diff, update

    def snapshot(self) -> Json:
        """The whole book by price."""
        return self._price_frame("OB_L1_SNAPSHOT", self._pairs(Side.SELL), self._pairs(Side.BUY))

    def top(self, depth: int) -> Json:
        """``OB_L1_Dn_SNAPSHOT``: the best levels, without sequence and checksum."""
        frame = self.snapshot()
        data = frame["d"]
        assert isinstance(data, dict), "price frames carry an object"
        shown = {"lc": data["lc"], "a": data["a"][:depth], "b": data["b"][:depth]}
        return {"type": f"OB_L1_D{depth}_SNAPSHOT", "ps": self._symbol, "d": shown}

    def full_snapshot(self) -> Json:
        """The whole book by order."""

        def side_json(side: Side) -> list[Json]:
            return [
                _level(text(level.price), [_entry(order) for order in level.orders.values()])
                for level in self._book.levels(side)
            ]

        return self._full_frame("FULL_ORDERBOOK_SNAPSHOT", side_json(Side.SELL), side_json(Side.BUY))

    def _full_update(self, change: BookChanged) -> Json:
        sides: dict[Side, dict[str, list[Json]]] = {Side.SELL: {}, Side.BUY: {}}
        for one in change.changes:
            entry: Json = {"orderId": one.order_id, "quantity": text(one.quantity)}
            sides[one.side].setdefault(text(one.price), []).append(entry)
        asks, bids = (
            [_level(price, orders) for price, orders in sides[side].items()] for side in (Side.SELL, Side.BUY)
        )
        return self._full_frame("FULL_ORDERBOOK_UPDATE", asks, bids)

    def _price_frame(self, kind: str, asks: list[list[str]], bids: list[list[str]]) -> Json:
        data: Json = {
            "lc": self.changed_ns // NS_PER_MS,
            "a": sorted(asks, key=lambda level: float(level[0])),
            "b": sorted(bids, key=lambda level: -float(level[0])),
            "sq": self.price_sequence,
            "cs": checksum(self._pairs(Side.BUY, CHECKED_DEPTH), self._pairs(Side.SELL, CHECKED_DEPTH)),
        }
        return {"type": kind, "ps": self._symbol, "d": data}

    def _full_frame(self, kind: str, asks: list[Json], bids: list[Json]) -> Json:
        data: Json = {
            "LastChange": self.changed_ns // NS_PER_MS,
            "Asks": asks,
            "Bids": bids,
            "SequenceNumber": self.order_sequence,
            "Checksum": checksum(self._orders(Side.BUY), self._orders(Side.SELL)),
        }
        return {"type": kind, "currencyPairSymbol": self._symbol, "data": data}

    def _pairs(self, side: Side, depth: int | None = None) -> list[list[str]]:
        return [[text(level.price), text(level.total)] for level in islice(self._book.levels(side), depth)]

    def _orders(self, side: Side) -> list[tuple[str, str]]:
        orders = (order for level in self._book.levels(side) for order in level.orders.values())
        return [(order.order_id, text(order.remaining)) for order in islice(orders, CHECKED_DEPTH)]

    def _levels(self, side: Side) -> dict[str, str]:
        return {text(level.price): text(level.total) for level in self._book.levels(side)}

    def _remember(self, side: Side, level: str, total: str) -> None:
        if total == "0":
            del self._shown[side][level]
        else:
            self._shown[side][level] = total


def checksum(bids: Iterable[Iterable[str]], asks: Iterable[Iterable[str]]) -> int:
    """CRC-32 of the parts joined by colons: best bid, best ask, next bid, ...; a side that runs out is skipped."""
    rows = (row for both in zip_longest(bids, asks) for row in both if row is not None)
    return crc32(":".join(part for row in rows for part in row).encode())


def _entry(order: Order) -> Json:
    return {"orderId": order.order_id, "quantity": text(order.remaining)}


def _level(price: str, orders: list[Json]) -> Json:
    return {"Price": price, "Orders": orders}
