"""Frames of ``/ws/trade``. Decode with `TRADE_FRAMES`."""

from decimal import Decimal
from typing import Final

from msgspec import field

from helios_nautilus.adapters.valr.api.schemas.book import AggregatedBook, L1Depth, L1Levels, L3Levels
from helios_nautilus.adapters.valr.api.schemas.frames import Frame, FrameDecoder, SessionFrame
from helios_nautilus.adapters.valr.api.schemas.market import Bucket, MarketSummary, PublicTrade
from helios_nautilus.adapters.valr.api.wire import Key, WireStruct


class BookSnapshot(Frame, tag="OB_L1_SNAPSHOT", frozen=True, kw_only=True):
    """The whole book of a pair, at once after subscribing."""

    pair: Key = field(name="ps")
    levels: L1Levels = field(name="d")


class BookDiff(Frame, tag="OB_L1_DIFF", frozen=True, kw_only=True):
    """The prices that changed."""

    pair: Key = field(name="ps")
    levels: L1Levels = field(name="d")


class _BookDepth(Frame, frozen=True, kw_only=True):
    pair: Key = field(name="ps")
    levels: L1Depth = field(name="d")


class BookDepth1(_BookDepth, tag="OB_L1_D1_SNAPSHOT", frozen=True, kw_only=True):
    """Best price a side."""


class BookDepth5(_BookDepth, tag="OB_L1_D5_SNAPSHOT", frozen=True, kw_only=True):
    """Best 5 prices a side."""


class BookDepth10(_BookDepth, tag="OB_L1_D10_SNAPSHOT", frozen=True, kw_only=True):
    """Best 10 prices a side."""


class BookDepth20(_BookDepth, tag="OB_L1_D20_SNAPSHOT", frozen=True, kw_only=True):
    """Best 20 prices a side."""


class BookDepth40(_BookDepth, tag="OB_L1_D40_SNAPSHOT", frozen=True, kw_only=True):
    """Best 40 prices a side."""


class BookDepth80(_BookDepth, tag="OB_L1_D80_SNAPSHOT", frozen=True, kw_only=True):
    """Best 80 prices a side."""


class _PairFrame(Frame, frozen=True, kw_only=True):
    pair: Key = field(name="currencyPairSymbol")


class FullBookSnapshot(_PairFrame, tag="FULL_ORDERBOOK_SNAPSHOT", frozen=True, kw_only=True):
    """Every order of a pair."""

    data: L3Levels


class FullBookUpdate(_PairFrame, tag="FULL_ORDERBOOK_UPDATE", frozen=True, kw_only=True):
    """The orders that changed."""

    data: L3Levels


class AggregatedBookUpdate(_PairFrame, tag="AGGREGATED_ORDERBOOK_UPDATE", frozen=True, kw_only=True):
    """The best 40 prices a side: replaces all before."""

    data: AggregatedBook


class SummaryUpdate(_PairFrame, tag="MARKET_SUMMARY_UPDATE", frozen=True, kw_only=True):
    """24 h figures."""

    data: MarketSummary


class NewTrade(_PairFrame, tag="NEW_TRADE", frozen=True, kw_only=True):
    """A trade of anybody."""

    data: PublicTrade


class NewBucket(_PairFrame, tag="NEW_TRADE_BUCKET", frozen=True, kw_only=True):
    """A candle of any period: filter by ``bucket_period_in_seconds``."""

    data: Bucket


class PriceOnly(WireStruct, frozen=True, kw_only=True):
    """A lone price."""

    price: Decimal


class MarkPrice(_PairFrame, tag="MARK_PRICE_UPDATE", frozen=True, kw_only=True):
    """The mark price, every 3 s, changed or not."""

    data: PriceOnly


class PnlRun(_PairFrame, tag="PNL_RUN_COMPLETED", frozen=True, kw_only=True):
    """Unrealised PnL was paid out at this price."""

    data: PriceOnly


class FundingRun(_PairFrame, tag="FUNDING_RUN_COMPLETED", frozen=True, kw_only=True):
    """Funding was paid; the rate is to be asked for."""


class OrderTypesUpdate(_PairFrame, tag="ALLOWED_ORDER_TYPES_UPDATED", frozen=True, kw_only=True):
    """The order types a pair takes from now on, in request spelling."""

    data: list[str]


type _Event = (
    BookSnapshot
    | BookDiff
    | BookDepth1
    | BookDepth5
    | BookDepth10
    | BookDepth20
    | BookDepth40
    | BookDepth80
    | FullBookSnapshot
    | FullBookUpdate
    | AggregatedBookUpdate
    | SummaryUpdate
    | NewTrade
    | NewBucket
    | MarkPrice
    | PnlRun
    | FundingRun
    | OrderTypesUpdate
)
type TradeFrame = _Event | SessionFrame

TRADE_FRAMES: Final = FrameDecoder[TradeFrame](_Event, SessionFrame)
