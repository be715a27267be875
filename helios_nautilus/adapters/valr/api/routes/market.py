"""What can be traded and what has been."""

from typing import Final

from helios_nautilus.adapters.valr.api.endpoint import private, public
from helios_nautilus.adapters.valr.api.limits import Family
from helios_nautilus.adapters.valr.api.routes.base import PAGE, Routes, iso
from helios_nautilus.adapters.valr.api.schemas.book import AggregatedBook, FullBook
from helios_nautilus.adapters.valr.api.schemas.market import (
    Bucket,
    Currency,
    ExchangeStatus,
    FundingRate,
    FuturesInfo,
    MarketSummary,
    MarkPriceBucket,
    Pair,
    PairOrderTypes,
    PublicTrade,
    RiskLimit,
    ServerTime,
)

MAX_BUCKETS: Final = 300
"""Candles of one request; a longer span is refused."""


class MarketRoutes(Routes):
    """Public endpoints, and their fresher twins for holders of a key."""

    PAIRS: Final = public("/v1/public/pairs", list[Pair])
    CURRENCIES: Final = public("/v1/public/currencies", list[Currency])
    ORDER_TYPES: Final = public("/v1/public/ordertypes", list[PairOrderTypes])
    SUMMARIES: Final = public("/v1/public/marketsummary", list[MarketSummary])
    SUMMARY: Final = public("/v1/public/{pair}/marketsummary", MarketSummary)
    PUBLIC_BOOK: Final = public("/v1/public/{pair}/orderbook", AggregatedBook)
    PUBLIC_TRADES: Final = public("/v1/public/{pair}/trades", list[PublicTrade])
    BUCKETS: Final = public("/v1/public/{pair}/buckets", list[Bucket], Family.BUCKETS)
    MARK_BUCKETS: Final = public("/v1/public/{pair}/markprice/buckets", list[MarkPriceBucket], Family.BUCKETS)
    TIME: Final = public("/v1/public/time", ServerTime, Family.TIME)
    STATUS: Final = public("/v1/public/status", ExchangeStatus, Family.STATUS)
    FUTURES_INFO: Final = public("/v1/public/futures/info", list[FuturesInfo])
    FUNDING_RATES: Final = public("/v1/public/futures/funding/history", list[FundingRate])
    RISK_LIMITS: Final = public("/v1/public/risklimit/{pair}", list[RiskLimit])
    BOOK: Final = private("GET", "/v1/marketdata/{pair}/orderbook", AggregatedBook)
    FULL_BOOK: Final = private("GET", "/v1/marketdata/{pair}/orderbook/full", FullBook)
    TRADES: Final = private("GET", "/v1/marketdata/{pair}/tradehistory", list[PublicTrade])

    async def get_pairs(self) -> list[Pair]:
        """Every pair, inactive ones too."""
        return await self._call(self.PAIRS)

    async def get_currencies(self) -> list[Currency]:
        """Every currency."""
        return await self._call(self.CURRENCIES)

    async def get_order_types(self, *, include_inactive: bool | None = None) -> list[PairOrderTypes]:
        """The order types each pair takes."""
        return await self._call(self.ORDER_TYPES, includeInactivePairs=include_inactive)

    async def get_market_summaries(self) -> list[MarketSummary]:
        """24 h figures of all pairs."""
        return await self._call(self.SUMMARIES)

    async def get_market_summary(self, pair: str) -> MarketSummary:
        """24 h figures of one pair; `NotFoundError` for an inactive one."""
        return await self._call(self.SUMMARY, parts={"pair": pair})

    async def get_public_book(self, pair: str) -> AggregatedBook:
        """Top 40 prices without a key; up to 30 s old, empty for an inactive pair."""
        return await self._call(self.PUBLIC_BOOK, parts={"pair": pair})

    async def get_buckets(
        self, pair: str, *, period_secs: int = 60, start_secs: int, end_secs: int, include_empty: bool = False
    ) -> list[Bucket]:
        """Candles. Epoch **seconds** here, unlike everywhere else; a span of more than `MAX_BUCKETS` is refused."""
        return await self._call(
            self.BUCKETS,
            parts={"pair": pair},
            periodSeconds=period_secs,
            startTime=start_secs,
            endTime=end_secs,
            limit=MAX_BUCKETS,
            includeEmpty=include_empty,
        )

    async def get_mark_price_buckets(
        self, pair: str, *, period_secs: int = 60, start_ns: int, end_ns: int
    ) -> list[MarkPriceBucket]:
        """Candles of the mark price, at most 100."""
        return await self._call(
            self.MARK_BUCKETS,
            parts={"pair": pair},
            periodSeconds=period_secs,
            startTime=iso(start_ns),
            endTime=iso(end_ns),
        )

    async def get_time(self) -> ServerTime:
        """The venue's clock."""
        return await self._call(self.TIME)

    async def get_status(self) -> ExchangeStatus:
        """Whether writes are taken."""
        return await self._call(self.STATUS)

    async def get_futures_info(self) -> list[FuturesInfo]:
        """Estimated funding and open interest of the active perpetuals."""
        return await self._call(self.FUTURES_INFO)

    async def get_funding_rates(
        self, pair: str, *, start_ns: int | None = None, end_ns: int | None = None, skip: int = 0, limit: int = PAGE
    ) -> list[FundingRate]:
        """Past hourly rates; the last 30 days without times."""
        return await self._call(
            self.FUNDING_RATES,
            currencyPair=pair,
            skip=skip,
            limit=limit,
            startTime=iso(start_ns),
            endTime=iso(end_ns),
        )

    async def get_risk_limits(self, pair: str) -> list[RiskLimit]:
        """Leverage tiers of a perpetual."""
        return await self._call(self.RISK_LIMITS, parts={"pair": pair})

    # Market data with a key: fresher, and from the large budget.

    async def get_book(self, pair: str) -> AggregatedBook:
        """Top 40 prices, up to 1 s old; its sequence is not the stream's."""
        return await self._call(self.BOOK, parts={"pair": pair})

    async def get_full_book(self, pair: str) -> FullBook:
        """Every order, up to 1 s old."""
        return await self._call(self.FULL_BOOK, parts={"pair": pair})

    async def get_trades(
        self,
        pair: str,
        *,
        with_key: bool = True,
        start_ns: int | None = None,
        end_ns: int | None = None,
        before_id: str | None = None,
        skip: int | None = None,
        limit: int = PAGE,
    ) -> list[PublicTrade]:
        """Trades, up to 1 s old, without a key up to 30; ``before_id`` pages back and is not itself returned."""
        return await self._call(
            self.TRADES if with_key else self.PUBLIC_TRADES,
            parts={"pair": pair},
            skip=skip,
            limit=limit,
            startTime=iso(start_ns),
            endTime=iso(end_ns),
            beforeId=before_id,
        )
