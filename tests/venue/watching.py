"""A node that only looks on, without a key, and the venue's own record to compare with what it saw."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model.enums import RecordFlag

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.simulator.exchange.events import BookChanged, Event
from helios_nautilus.simulator.exchange.faults import Fault
from helios_nautilus.simulator.exchange.orders import Side, Trade
from helios_nautilus.simulator.exchange.server import Exchange
from helios_nautilus.simulator.exchange.session import Session
from tests.venue.node import Floor, exchange

type Book = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]
"""Quantity by price of the bids and the asks."""

FAST: Final = {"speed": 240.0, "past_secs": 4 * 3600.0}
"""A quarter of a second is a venue's minute, in which a book changes some ten times; its time stays behind ours."""
SNAPSHOT, LAST = int(RecordFlag.F_SNAPSHOT), int(RecordFlag.F_LAST)


@asynccontextmanager
async def watching(*faults: Fault, speed: float = 1.0, past_secs: float = 0.0, **setup: Any) -> AsyncIterator[Floor]:
    """An exchange and a node without a key and without execution; see `exchange` for the times."""
    async with (
        exchange(*faults, speed=speed, past_secs=past_secs) as floor,
        floor.running_node(has_key=False, has_execution=False, **setup),
    ):
        yield floor


class BookTape:
    """A pair's book as the venue had it at each sequence number, from now on."""

    def __init__(self, exchange: Exchange, symbol: str) -> None:
        self._symbol = symbol
        self._feed = exchange._feeds[symbol]
        self._book = exchange.venue.engine.books[symbol]
        self.at: dict[int, Book] = {}
        self._write()
        exchange.venue.listen(self._on_event)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, BookChanged) and event.symbol == self._symbol:
            self._write()

    def _write(self) -> None:
        bids, asks = ({level.price: level.total for level in self._book.levels(side)} for side in (Side.BUY, Side.SELL))
        self.at[self._feed.price_sequence] = bids, asks


def overhear(exchange: Exchange) -> list[tuple[Session, Mapping[str, Any]]]:
    """Every frame that a client sends to ``/ws/trade`` from now on, but PINGs, with the connection it came over."""
    heard: list[tuple[Session, Mapping[str, Any]]] = []
    channel = exchange._trade
    hear = channel.hear

    def listen(session: Session, message: Mapping[str, Any]) -> None:
        heard.append((session, message))
        hear(session, message)

    channel.hear = listen  # type: ignore[method-assign]
    return heard


class Replica:
    """A book kept by hand out of the deltas that were told: what a listener without an engine would hold."""

    def __init__(self) -> None:
        self.book: Book = {}, {}

    def apply(self, event: dict[str, Any]) -> int:
        """Take one `OrderBookDeltas`; its sequence."""
        for delta in event["deltas"]:
            order = delta["order"]
            side = self.book[order["side"] == "SELL"]
            match delta["action"]:
                case "CLEAR":
                    self.book = {}, {}
                case "DELETE":
                    del side[Decimal(order["price"])]
                case _:
                    side[Decimal(order["price"])] = Decimal(order["size"])
        return int(event["deltas"][-1]["sequence"])


def is_snapshot(event: dict[str, Any]) -> bool:
    """A CLEAR and what there is now, flagged as such from the first to the last."""
    first, *rest = event["deltas"]
    flags = [delta["flags"] for delta in event["deltas"]]
    is_flagged = flags == [SNAPSHOT] * len(rest) + [SNAPSHOT | LAST]
    return is_flagged and first["action"] == "CLEAR" and {delta["action"] for delta in rest} == {"ADD"}


def is_change(event: dict[str, Any]) -> bool:
    """Levels that changed or went, the last flagged as such."""
    flags = [delta["flags"] for delta in event["deltas"]]
    actions = {delta["action"] for delta in event["deltas"]}
    return flags == [0] * (len(flags) - 1) + [LAST] and actions <= {"ADD", "UPDATE", "DELETE"}


def is_withdrawal(event: dict[str, Any]) -> bool:
    """One CLEAR alone: what was told before is not true any more."""
    return [(delta["action"], delta["flags"]) for delta in event["deltas"]] == [("CLEAR", SNAPSHOT | LAST)]


def book_of(shown: tuple[dict[str, str], dict[str, str]]) -> Book:
    """A node's book as figures."""
    bids, asks = ({Decimal(price): Decimal(size) for price, size in side.items()} for side in shown)
    return bids, asks


def figures(bars: list[dict[str, Any]]) -> list[tuple[int | Decimal, ...]]:
    """Close, then open, high, low, close and volume of bars that were told."""
    fields = "open", "high", "low", "close", "volume"
    return [(bar["ts_event"], *(Decimal(bar[field]) for field in fields)) for bar in bars]


def minutes(floor: Floor, first_close_ns: int, last_close_ns: int) -> list[tuple[int | Decimal, ...]]:
    """The same of the venue's own candles of BTCZAR, both ends included."""
    store = floor.exchange.venue.candles["BTCZAR"]
    candles = store.between(NS_PER_MIN, first_close_ns - NS_PER_MIN, last_close_ns - NS_PER_MIN)
    return [(one.start_ns + NS_PER_MIN, one.open, one.high, one.low, one.close, one.volume) for one in candles]


def trades_of(floor: Floor) -> list[Trade]:
    """The venue's own trades of BTCZAR, oldest first."""
    tape = floor.exchange.venue.trades["BTCZAR"]
    return tape.page(skip=0, limit=100_000, start_ns=None, end_ns=None, before_id=None)[::-1]


def assert_no_trade_is_missing(floor: Floor) -> None:
    """From the first that was told on each of the venue's, once, in order."""
    ids = [trade["trade_id"] for trade in floor.node.of("TradeTick")]
    truth = [trade.trade_id for trade in trades_of(floor)]
    start = truth.index(ids[0])
    assert ids == truth[start : start + len(ids)]
