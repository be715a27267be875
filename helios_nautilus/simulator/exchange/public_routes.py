"""REST: public market data, and its authenticated twins."""

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_SEC
from helios_nautilus.simulator.exchange import market_json
from helios_nautilus.simulator.exchange.book_feed import BookFeed
from helios_nautilus.simulator.exchange.candles import Candle
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.refusals import Code, Refusal, invalid_field
from helios_nautilus.simulator.exchange.routing import Call, Reply, Route
from helios_nautilus.simulator.exchange.stamps import iso_nanos, parse_iso
from helios_nautilus.simulator.exchange.venue import Venue

PERIODS_SECS = (60, 300, 900, 1800, 3600, 21600, 86400)
_MOST_BUCKETS = 300
_DEFAULT_WINDOW_NS = 30 * NS_PER_DAY


class PublicRoutes:
    """Handlers of everything under ``/v1/public`` and ``/v1/marketdata``."""

    def __init__(self, venue: Venue, feeds: dict[str, BookFeed]) -> None:
        self._venue = venue
        self._feeds = feeds

    def table(self) -> list[Route]:
        """The routes; those without a pair come first, so that a pair is not mistaken for them."""
        public = "/v1/public"
        return [
            Route("GET", f"{public}/time", self._time),
            Route("GET", f"{public}/status", self._status),
            Route("GET", f"{public}/pairs", self._pairs, max_age=60),
            Route("GET", f"{public}/pairs/{{kind}}", self._pairs, max_age=60),
            Route("GET", f"{public}/currencies", self._currencies, max_age=60),
            Route("GET", f"{public}/ordertypes", self._all_order_types, max_age=60),
            Route("GET", f"{public}/marketsummary", self._all_summaries, max_age=5),
            Route("GET", f"{public}/futures/info", self._futures, max_age=60),
            Route("GET", f"{public}/futures/funding/history", self._funding),
            Route("GET", f"{public}/risklimit/{{pair}}", self._risk_limits),
            Route("GET", f"{public}/{{pair}}/ordertypes", self._order_types, max_age=60),
            Route("GET", f"{public}/{{pair}}/orderbook", self._book, max_age=30),
            Route("GET", f"{public}/{{pair}}/orderbook/full", self._full_book, max_age=30),
            Route("GET", f"{public}/{{pair}}/trades", self._trades, max_age=30),
            Route("GET", f"{public}/{{pair}}/marketsummary", self._summary, max_age=5),
            Route("GET", f"{public}/{{pair}}/buckets", self._buckets),
            Route("GET", f"{public}/{{pair}}/markprice/buckets", self._mark_buckets),
            Route("GET", "/v1/marketdata/{pair}/orderbook", self._book, "View access", 1),
            Route("GET", "/v1/marketdata/{pair}/orderbook/full", self._full_book, "View access", 1),
            Route("GET", "/v1/marketdata/{pair}/tradehistory", self._trades, "View access", 1),
        ]

    def _time(self, _: Call) -> Reply:
        now_ns = self._venue.now_ns
        return Reply({"epochTime": now_ns // NS_PER_SEC, "time": iso_nanos(now_ns)})

    def _status(self, _: Call) -> Reply:
        return Reply({"status": "read-only" if self._venue.is_read_only else "online"})

    def _pairs(self, call: Call) -> Reply:
        kind = call.path.get("kind", "")
        if kind not in ("", "SPOT", "FUTURE"):
            raise Refusal(Code.INVALID_REQUEST)
        rows = map(market_json.pair_json, self._venue.listing.pairs.values())
        return Reply([row for row in rows if kind in ("", row["currencyPairType"])])

    def _currencies(self, _: Call) -> Reply:
        return Reply([market_json.currency_json(*item) for item in self._venue.listing.currencies.items()])

    def _all_order_types(self, call: Call) -> Reply:
        with_inactive = call.flag("includeInactivePairs", default=True)
        pairs = self._venue.listing.pairs.values()
        return Reply(
            [
                {"currencyPair": pair.symbol, "orderTypes": pair.order_types}
                for pair in pairs
                if pair.active or with_inactive
            ]
        )

    def _order_types(self, call: Call) -> Reply:
        return Reply(self._pair(call).order_types)

    def _book(self, call: Call) -> Reply:
        pair = self._pair(call)
        feed = self._feeds[pair.symbol]
        return Reply(market_json.book_json(self._venue, pair, feed.order_sequence, feed.changed_ns))

    def _full_book(self, call: Call) -> Reply:
        pair = self._pair(call)
        feed = self._feeds[pair.symbol]
        return Reply(market_json.full_book_json(self._venue, pair, feed.order_sequence, feed.changed_ns))

    def _trades(self, call: Call) -> Reply:
        trades = self._venue.trades[self._pair(call).symbol].page(
            skip=call.number("skip", 0),
            limit=call.number("limit", 100, most=100),
            start_ns=parse_iso(call.query.get("startTime"), "startTime"),
            end_ns=parse_iso(call.query.get("endTime"), "endTime"),
            before_id=call.query.get("beforeId"),
        )
        return Reply([market_json.trade_json(trade) for trade in trades])

    def _summary(self, call: Call) -> Reply:
        pair = self._pair(call)
        if not pair.active:
            raise Refusal(Code.SUMMARY_NOT_FOUND)
        return Reply(market_json.summary_json(self._venue, pair))

    def _all_summaries(self, _: Call) -> Reply:
        pairs = self._venue.listing.pairs.values()
        return Reply([market_json.summary_json(self._venue, pair) for pair in pairs if pair.active])

    def _futures(self, _: Call) -> Reply:
        pairs = self._venue.listing.pairs.values()
        active = (pair for pair in pairs if pair.is_perpetual and pair.active)
        return Reply([market_json.futures_info_json(self._venue, pair) for pair in active])

    def _funding(self, call: Call) -> Reply:
        pair = self._venue.listing.pair(call.query.get("currencyPair"))
        now_ns = self._venue.now_ns
        end_ns = parse_iso(call.query.get("endTime"), "endTime") or now_ns
        start_ns = parse_iso(call.query.get("startTime"), "startTime") or now_ns - _DEFAULT_WINDOW_NS
        rows = list(market_json.funding_rows(self._venue, pair, start_ns, end_ns)) if pair.is_perpetual else []
        return Reply(call.page(rows))

    def _risk_limits(self, call: Call) -> Reply:
        return Reply(market_json.risk_limits_json(self._pair(call)))

    def _buckets(self, call: Call) -> Reply:
        """Newest first, the running one included; times are epoch seconds."""
        pair, period_ns = self._pair(call), self._period_ns(call)
        end_ns = call.number("endTime", self._venue.now_ns // NS_PER_SEC) * NS_PER_SEC
        start_ns = call.number("startTime", max(end_ns - (_MOST_BUCKETS - 1) * period_ns, 0) // NS_PER_SEC) * NS_PER_SEC
        candles = self._candles(pair, period_ns, start_ns, end_ns, with_empty=call.flag("includeEmpty"))
        shown = call.page(candles[::-1], most=_MOST_BUCKETS)
        return Reply([market_json.candle_json(pair.symbol, period_ns // NS_PER_SEC, candle) for candle in shown])

    def _mark_buckets(self, call: Call) -> Reply:
        """The mark follows the market closely: its candles are made of last prices. Times are ISO."""
        pair, period_ns = self._pair(call), self._period_ns(call)
        end_ns = parse_iso(call.query.get("endTime"), "endTime") or self._venue.now_ns
        start_ns = parse_iso(call.query.get("startTime"), "startTime") or end_ns - 99 * period_ns
        candles = self._candles(pair, period_ns, start_ns, end_ns, with_empty=True)
        shown = call.page(candles[::-1])
        return Reply([market_json.mark_candle_json(pair.symbol, period_ns // NS_PER_SEC, candle) for candle in shown])

    def _candles(self, pair: Pair, period_ns: int, start_ns: int, end_ns: int, *, with_empty: bool) -> list[Candle]:
        """Candles that start in the window, oldest first; none that lies ahead."""
        if (end_ns - start_ns) // period_ns > _MOST_BUCKETS:
            raise invalid_field("startTime", f"the range spans more than {_MOST_BUCKETS} buckets")
        end_ns = min(end_ns, self._venue.now_ns)
        store = self._venue.candles[pair.symbol]
        candles = store.between(period_ns, start_ns, end_ns)
        if not with_empty:
            return candles
        last = store.last_close(start_ns)
        by_start = {candle.start_ns: candle for candle in candles}
        filled = []
        for begin_ns in range(-(-start_ns // period_ns) * period_ns, end_ns + 1, period_ns):
            candle = by_start.get(begin_ns) or (market_json.flat_candle(last, begin_ns) if last is not None else None)
            if candle is not None:
                filled.append(candle)
                last = candle.close
        return filled

    def _pair(self, call: Call) -> Pair:
        return self._venue.listing.pair(call.path["pair"])

    def _period_ns(self, call: Call) -> int:
        period_secs = call.number("periodSeconds", 60)
        if period_secs not in PERIODS_SECS:
            raise invalid_field("periodSeconds", f"must be one of {', '.join(map(str, PERIODS_SECS))}")
        return period_secs * NS_PER_SEC
