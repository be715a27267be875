"""``/ws/trade``: subscriptions with replace semantics, and the public channels."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC
from helios_nautilus.simulator.exchange import market_json
from helios_nautilus.simulator.exchange.book_feed import BookFeed
from helios_nautilus.simulator.exchange.decimals import text
from helios_nautilus.simulator.exchange.events import (
    BookChanged,
    CandleClosed,
    Event,
    MarkPriced,
    RunCompleted,
    Traded,
)
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.session import Session
from helios_nautilus.simulator.exchange.venue import Venue

_DEPTHS: Final = {f"OB_L1_D{depth}_SNAPSHOT": depth for depth in (1, 5, 10, 20, 40, 80)}
_THROTTLED_NS: Final = 250 * NS_PER_MS
"""Channels that show the latest state send it at most this often."""
_EVENTS: Final = frozenset(
    {
        "OB_L1_DIFF",
        "AGGREGATED_ORDERBOOK_UPDATE",
        "FULL_ORDERBOOK_UPDATE",
        "MARKET_SUMMARY_UPDATE",
        "NEW_TRADE",
        "NEW_TRADE_BUCKET",
        "MARK_PRICE_UPDATE",
        "PNL_RUN_COMPLETED",
        "FUNDING_RUN_COMPLETED",
        "ALLOWED_ORDER_TYPES_UPDATED",
        *_DEPTHS,
    }
)


class TradeChannel:
    """The public side of the exchange for any number of sockets."""

    name: Final = "trade"

    def __init__(self, venue: Venue, feeds: dict[str, BookFeed]) -> None:
        self._venue = venue
        self._feeds = feeds
        self._subscribers: defaultdict[tuple[str, str], dict[Session, None]] = defaultdict(dict)
        self._restless: dict[str, None] = {}
        venue.listen(self._on_event)
        venue.every(_THROTTLED_NS, self._show_latest)

    def joined(self, session: Session) -> None:
        """Nothing is sent unasked."""

    def left(self, session: Session) -> None:
        """Forget a socket."""
        for subscribers in self._subscribers.values():
            subscribers.pop(session, None)

    def has_subscriptions(self, session: Session) -> bool:
        """Anything subscribed by this socket."""
        return any(session in subscribers for subscribers in self._subscribers.values())

    def hear(self, session: Session, message: Mapping[str, object]) -> None:
        """Handle one client frame."""
        kind = message.get("type")
        subscriptions = message.get("subscriptions")
        if kind != "SUBSCRIBE" or not isinstance(subscriptions, list):
            session.send({"type": "UNSUPPORTED", "message": f"Unsupported message type {kind}"})
            return
        for one in subscriptions:
            if isinstance(one, dict):
                self._replace(session, str(one.get("event")), one.get("pairs"))

    def _replace(self, session: Session, event: str, pairs: object) -> None:
        """Replace the pairs of one event: what is not in the new list is dropped, even where the list is invalid."""
        wanted = [str(pair).upper() for pair in pairs] if isinstance(pairs, list) else self._all_pairs()
        for (name, symbol), subscribers in list(self._subscribers.items()):
            if name == event and session in subscribers and symbol not in wanted:
                del subscribers[session]
                session.send({"type": "UNSUBSCRIBED", "message": f"{event}:{symbol}"})
        for symbol in wanted:
            if not self._is_offered(event, symbol):
                words = f"Channel {event}, pair {symbol} combination invalid"
                session.send({"type": "ERROR", "message": words})
                continue
            self._subscribers[event, symbol][session] = None
            session.send({"type": "SUBSCRIBED", "message": f"{event}:{symbol}"})
            for frame in self._first(event, symbol):
                session.send(frame)

    def _all_pairs(self) -> list[str]:
        return [symbol for symbol, pair in self._venue.listing.pairs.items() if pair.active]

    def _is_offered(self, event: str, symbol: str) -> bool:
        pair = self._venue.listing.pairs.get(symbol)
        if pair is None or event not in _EVENTS:
            return False
        # Mark prices of inactive pairs are accepted and stay silent.
        return pair.active or event == "MARK_PRICE_UPDATE"

    def _first(self, event: str, symbol: str) -> list[Json]:
        """What a fresh subscription gets at once."""
        if event == "OB_L1_DIFF":
            return [self._feeds[symbol].snapshot()]
        if event == "FULL_ORDERBOOK_UPDATE":
            return [self._feeds[symbol].full_snapshot()]
        if event == "MARK_PRICE_UPDATE":
            price = self._venue.engine.margin.mark_prices.get(symbol)
            return [] if price is None else [_frame(event, symbol, {"price": text(price)})]
        if event in _DEPTHS or event in ("AGGREGATED_ORDERBOOK_UPDATE", "MARKET_SUMMARY_UPDATE"):
            return [self._latest(event, symbol)]
        return []

    def _latest(self, event: str, symbol: str) -> Json:
        """A frame that replaces the one before."""
        pair, feed = self._venue.listing.pairs[symbol], self._feeds[symbol]
        if event in _DEPTHS:
            return feed.top(_DEPTHS[event])
        if event == "AGGREGATED_ORDERBOOK_UPDATE":
            return _frame(event, symbol, market_json.book_json(self._venue, pair, feed.order_sequence, feed.changed_ns))
        summary = market_json.summary_json(self._venue, pair)
        # REST calls the same key currencyPair.
        return _frame(event, symbol, {"currencyPairSymbol": summary.pop("currencyPair")} | summary)

    def _on_event(self, event: Event) -> None:
        match event:
            case BookChanged():
                self._on_book(event)
            case Traded(trade):
                self._broadcast("NEW_TRADE", trade.symbol, market_json.stream_trade_json(trade))
            case MarkPriced(prices):
                for symbol, price in prices.items():
                    self._broadcast("MARK_PRICE_UPDATE", symbol, {"price": text(price)})
            case CandleClosed():
                self._on_candle(event)
            case RunCompleted(kind, symbol, price):
                # Only the P&L run tells its price.
                self._broadcast(f"{kind}_RUN_COMPLETED", symbol, {"price": text(price)} if kind == "PNL" else None)
            case _:
                pass

    def _on_book(self, change: BookChanged) -> None:
        symbol = change.symbol
        self._restless[symbol] = None
        diff, update = self._feeds[symbol].apply(
            change,
            by_price=bool(self._subscribers.get(("OB_L1_DIFF", symbol))),
            by_order=bool(self._subscribers.get(("FULL_ORDERBOOK_UPDATE", symbol))),
        )
        if diff is not None:
            self._send("OB_L1_DIFF", symbol, diff)
        if update is not None:
            self._send("FULL_ORDERBOOK_UPDATE", symbol, update)

    def _on_candle(self, closed: CandleClosed) -> None:
        """A minute without a trade is announced as well, flat at the last price."""
        store, start_ns = self._venue.candles[closed.symbol], closed.start_ns
        if not self._subscribers.get(("NEW_TRADE_BUCKET", closed.symbol)):
            return
        candles = store.between(closed.period_secs * NS_PER_SEC, start_ns, start_ns)
        last = store.last_close(start_ns)
        if not candles and last is not None:
            candles = [market_json.flat_candle(last, start_ns)]
        for candle in candles:
            data = market_json.candle_json(closed.symbol, closed.period_secs, candle)
            self._broadcast("NEW_TRADE_BUCKET", closed.symbol, data)

    def _show_latest(self, _: int) -> None:
        """Send the channels that show the latest state, for pairs whose state changed."""
        restless, self._restless = self._restless, {}
        for event, symbol in list(self._subscribers):
            is_latest = event in _DEPTHS or event in ("AGGREGATED_ORDERBOOK_UPDATE", "MARKET_SUMMARY_UPDATE")
            if is_latest and symbol in restless and self._subscribers[event, symbol]:
                self._send(event, symbol, self._latest(event, symbol))

    def _broadcast(self, event: str, symbol: str, data: Json | None) -> None:
        self._send(event, symbol, _frame(event, symbol, data))

    def _send(self, event: str, symbol: str, frame: Json) -> None:
        for session in self._subscribers.get((event, symbol), ()):
            session.send(frame)


def _frame(event: str, symbol: str, data: Json | None) -> Json:
    frame: Json = {"type": event, "currencyPairSymbol": symbol}
    return frame if data is None else frame | {"data": data}
