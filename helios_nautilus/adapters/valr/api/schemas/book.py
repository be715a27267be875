"""Order books in the venue's four shapes. Only `L1Levels` carries what verifies it (see ``book.py``)."""

from decimal import Decimal

from msgspec import Struct, field

from helios_nautilus.adapters.valr.api.enums import Side
from helios_nautilus.adapters.valr.api.wire import Count, IsoNanos, Millis, WireStruct

type PriceLevel = tuple[str, str]
"""Price and quantity as sent: the checksum covers the very texts."""


class BookLevel(WireStruct, frozen=True, kw_only=True):
    """A price of an aggregated book."""

    side: Side
    price: Decimal
    quantity: Decimal
    currency_pair: str
    order_count: int


class AggregatedBook(WireStruct, frozen=True, kw_only=True):
    """Top 40 or 41 prices a side, best first; over REST up to 30 s old, so never the seed of a stream."""

    asks: list[BookLevel] = field(name="Asks")
    bids: list[BookLevel] = field(name="Bids")
    last_change_ns: IsoNanos = field(name="LastChange")
    sequence_number: Count = field(name="SequenceNumber")
    """Not the ``sq`` of the stream."""


class BookOrder(WireStruct, frozen=True, kw_only=True):
    """A resting order; ``position_at_price`` starts at 1."""

    id: str
    side: Side
    price: Decimal
    quantity: Decimal
    currency_pair: str
    position_at_price: int


class FullBook(WireStruct, frozen=True, kw_only=True):
    """Every order, best first."""

    asks: list[BookOrder] = field(name="Asks")
    bids: list[BookOrder] = field(name="Bids")
    last_change_ns: IsoNanos = field(name="LastChange")
    sequence_number: Count = field(name="SequenceNumber")


class L1Levels(Struct, frozen=True, kw_only=True):
    """Prices of an ``OB_L1_*`` frame: the whole book in a snapshot, new totals in a diff (``0`` removes)."""

    last_change_ms: Millis = field(name="lc")
    """Epoch milliseconds; may lie seconds before arrival."""
    asks: list[PriceLevel] = field(name="a")
    bids: list[PriceLevel] = field(name="b")
    sequence: Count = field(name="sq")
    checksum: Count = field(name="cs")


class L1Depth(Struct, frozen=True, kw_only=True):
    """Prices of an ``OB_L1_Dn_SNAPSHOT`` frame: the best n a side, with nothing to verify them by."""

    last_change_ms: Millis = field(name="lc")
    asks: list[PriceLevel] = field(name="a")
    bids: list[PriceLevel] = field(name="b")


class L3Order(WireStruct, frozen=True, kw_only=True):
    """An order in the full-book stream; quantity ``0`` removes it."""

    order_id: str
    quantity: str


class L3Price(WireStruct, frozen=True, kw_only=True):
    """The orders at one price, in queue order."""

    price: str = field(name="Price")
    orders: list[L3Order] = field(name="Orders")


class L3Levels(WireStruct, frozen=True, kw_only=True):
    """Prices of a ``FULL_ORDERBOOK_*`` frame; the sequence number grows by the number of entries."""

    last_change_ms: Millis = field(name="LastChange")
    asks: list[L3Price] = field(name="Asks")
    bids: list[L3Price] = field(name="Bids")
    sequence_number: Count = field(name="SequenceNumber")
    checksum: Count = field(name="Checksum")
