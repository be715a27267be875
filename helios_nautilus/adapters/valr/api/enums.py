"""The venue's words. Requests say UPPER CASE, replies lower or Title Case.

Words that only describe degrade to ``UNKNOWN`` with one warning; a word that decides about money (the side of an
order, its state) is refused when it is not known.
"""

import logging
from enum import IntEnum, StrEnum
from typing import Self

_log = logging.getLogger(__name__)


class _Descriptive(StrEnum):
    """A word we can live without: an unknown one becomes the member named ``UNKNOWN``."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        _warn_once(cls.__name__, str(value)[:40])
        return cls["UNKNOWN"]


_warned: set[tuple[str, str]] = set()
_MAX_WARNED = 100


def _warn_once(kind: str, word: str) -> None:
    """Bounded: a venue gone mad must fill neither the log nor the memory."""
    if (kind, word) not in _warned and len(_warned) < _MAX_WARNED:
        _warned.add((kind, word))
        _log.warning("VALR sent an unknown %s: %r", kind, word)


class Side(StrEnum):
    """Side of an order, a trade's taker or a position, as replies have it."""

    BUY = "buy"
    SELL = "sell"

    @classmethod
    def _missing_(cls, value: object) -> "Side | None":
        """The newer documentation shows upper case in replies as well."""
        return _SIDES.get(value) if isinstance(value, str) else None


_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}


class RequestSide(StrEnum):
    """Side in a request: upper case is enforced."""

    BUY = "BUY"
    SELL = "SELL"


class TimeInForce(_Descriptive):
    """How long an order works."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    UNKNOWN = "?"


class OrderType(_Descriptive):
    """Kind of an order, as replies have it; a triggered stop keeps its kind."""

    LIMIT = "limit"
    POST_ONLY = "post-only limit"
    MARKET = "market"
    SIMPLE = "simple"
    STOP_LOSS_LIMIT = "stop-loss-limit"
    TAKE_PROFIT_LIMIT = "take-profit-limit"
    LIMIT_REDUCE_ONLY = "limit-reduce-only"
    UNKNOWN = "?"
    """Seen in the wild: wordings of liquidation orders."""


class OrderStatus(StrEnum):
    """State of an order. An unknown one is an error, never a guess."""

    PLACED = "Placed"
    ACTIVE = "Active"
    """A stop that has not triggered."""
    PARTIALLY_FILLED = "Partially Filled"
    ORDER_MODIFIED = "Order Modified"
    """Resting after a modify: open."""
    REPRICED = "Repriced Due To Slippage"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    FAILED = "Failed"
    """Never rested: also a post-only that would cross and an IOC without a match."""
    EXPIRED = "Expired"
    STOPPED_BY_SLIPPAGE = "Partially Filled Due To Slippage"
    """Stopped at the price band; the rest is gone."""

    @classmethod
    def _missing_(cls, value: object) -> "OrderStatus | None":
        return _SOCKET_LABELS.get(value) if isinstance(value, str) else None

    @property
    def is_open(self) -> bool:
        """The order can still trade."""
        return self in _OPEN


_SOCKET_LABELS = {
    "Order price has been modified due to slippage limits": OrderStatus.REPRICED,
    "Partially Filled and Cancelled Due To Slippage": OrderStatus.STOPPED_BY_SLIPPAGE,
}
_OPEN = frozenset(
    {
        OrderStatus.PLACED,
        OrderStatus.ACTIVE,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.ORDER_MODIFIED,
        OrderStatus.REPRICED,
    }
)


class HistoryStatus(StrEnum):
    """Filter of the order history, which spells states its own way."""

    PLACED = "PLACED"
    ACTIVE = "ACTIVE"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    ORDER_MODIFIED = "ORDER_MODIFIED"
    REPRICED = "REPRICED_DUE_TO_SLIPPAGE"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    STOPPED_BY_SLIPPAGE = "PARTIALLY_FILLED_DUE_TO_SLIPPAGE"


class StopType(StrEnum):
    """Kind of a stop-limit order in a request."""

    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


class MatchStrategy(StrEnum):
    """What a modify does if the new price would match."""

    RETAIN_ORIGINAL = "RETAIN_ORIGINAL"
    CANCEL_ORIGINAL = "CANCEL_ORIGINAL"
    REPRICE = "REPRICE"


class BatchType(_Descriptive):
    """Kind of one item of a batch."""

    PLACE_LIMIT = "PLACE_LIMIT"
    PLACE_MARKET = "PLACE_MARKET"
    PLACE_STOP_LIMIT = "PLACE_STOP_LIMIT"
    CANCEL_ORDER = "CANCEL_ORDER"
    MODIFY_ORDER = "MODIFY_ORDER"
    UNKNOWN = "?"


class TriggerType(_Descriptive):
    """Price that triggers a conditional order."""

    LAST_TRADED = "LAST_TRADED"
    MARK_PRICE = "MARK_PRICE"
    UNKNOWN = "?"


class PairType(_Descriptive):
    """Kind of a pair."""

    SPOT = "SPOT"
    FUTURE = "FUTURE"
    UNKNOWN = "?"


class CloseType(_Descriptive):
    """Why a position shrank."""

    TRADE = "Trade"
    LIQUIDATION = "Liquidation"
    ADL = "Adl"
    UNKNOWN = "?"


class ExchangeState(_Descriptive):
    """Whether the venue takes writes."""

    ONLINE = "online"
    READ_ONLY = "read-only"
    UNKNOWN = "?"


class TradeEvent(StrEnum):
    """What can be subscribed on ``/ws/trade``, per pair."""

    BOOK = "OB_L1_DIFF"
    BOOK_AGGREGATED = "AGGREGATED_ORDERBOOK_UPDATE"
    BOOK_FULL = "FULL_ORDERBOOK_UPDATE"
    SUMMARY = "MARKET_SUMMARY_UPDATE"
    TRADE = "NEW_TRADE"
    BUCKET = "NEW_TRADE_BUCKET"
    MARK_PRICE = "MARK_PRICE_UPDATE"
    PNL_RUN = "PNL_RUN_COMPLETED"
    FUNDING_RUN = "FUNDING_RUN_COMPLETED"
    ORDER_TYPES = "ALLOWED_ORDER_TYPES_UPDATED"


class AccountEvent(StrEnum):
    """What can be subscribed on ``/ws/account``; the rest comes by itself."""

    ORDER_STATUS = "ORDER_STATUS_UPDATE"
    MARGIN = "MARGIN_INFO"


class ErrorCode(IntEnum):
    """The venue's error codes that mean something to us; others stay plain numbers."""

    INVALID_ORDER = -1
    INSUFFICIENT_BALANCE = -6
    INVALID_REQUEST = -11
    UNSUPPORTED_PAIR = -21
    PAIR_NOT_ACTIVE = -32
    SUMMARY_NOT_FOUND = -111
    INVALID_JSON = -113
    TRANSFER_NOT_PERMITTED = -11133
    INVALID_SIGNATURE = -11252
    API_KEY_MISSING = -11268
    IP_NOT_WHITELISTED = -11272
    OWN_ORDER_MATCH = -11500
    DUPLICATE_CUSTOMER_ORDER_ID = -11502
    POSITION_LIMIT = -11528
    ORDER_TYPE_NOT_ALLOWED = -12005
    BELOW_MINIMUM = -12007
    MARGIN_NOT_ENABLED = -19213
    FUTURES_NOT_ENABLED = -19227
    SUB_ACCOUNT_NEEDED = -21100
    NOTHING_TO_MODIFY = -21303
    MODIFY_BESIDE_PLACE = -21311
    WOULD_TRIGGER_NOW = -21403
