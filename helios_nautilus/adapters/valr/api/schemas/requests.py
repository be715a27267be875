"""Bodies we send about orders. Fields left at their default are not sent.

Amounts and prices are plain decimal text, because ``str(Decimal)`` may write ``1E-7``: see `plain`.
"""

import re
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.adapters.valr.api.enums import BatchType, MatchStrategy, RequestSide, StopType, TimeInForce

MAX_BATCH: Final = 20
CUSTOMER_ORDER_ID: Final = re.compile(r"[0-9a-zA-Z-]{1,50}", re.ASCII)

_PLAIN: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)
_ENCODER: Final = msgspec.json.Encoder()


def plain(amount: Decimal) -> str:
    """An amount as the venue reads it: no exponent."""
    return f"{amount:f}"


class _Request(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """Base of the bodies; ``ValueError`` for text that the venue would not take as an amount or an id."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name in _AMOUNTS and value is not None and not _PLAIN.fullmatch(value):
                raise ValueError(f"{name} {value!r} is not plain decimal text")
            if name == "customer_order_id" and value is not None and not CUSTOMER_ORDER_ID.fullmatch(value):
                raise ValueError(f"customer_order_id {value!r}: at most 50 letters, digits and hyphens")

    def encode(self) -> bytes:
        """The bytes to sign and send."""
        return _ENCODER.encode(self)


_AMOUNTS: Final = frozenset(
    {
        "price",
        "quantity",
        "stop_price",
        "base_amount",
        "quote_amount",
        "new_price",
        "new_remaining_quantity",
        "new_total_quantity",
    }
)


class LimitOrder(_Request, frozen=True, kw_only=True):
    """A limit order. ``reduce_only`` is for perpetuals, ``allow_margin`` for spot on sub-accounts with margin."""

    pair: str
    side: RequestSide
    quantity: str
    price: str
    customer_order_id: str | None = None
    time_in_force: TimeInForce | None = None
    post_only: bool = False
    reduce_only: bool = False
    allow_margin: bool = False


class MarketOrder(_Request, frozen=True, kw_only=True):
    """A market order of a base or of a quote amount: exactly one of them."""

    pair: str
    side: RequestSide
    base_amount: str | None = None
    quote_amount: str | None = None
    customer_order_id: str | None = None
    reduce_only: bool = False
    allow_margin: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.base_amount is None) is (self.quote_amount is None):
            raise ValueError("a market order has either base_amount or quote_amount")


class StopLimitOrder(_Request, frozen=True, kw_only=True):
    """A limit order that rests once the last price reaches ``stop_price``; spot only."""

    pair: str
    side: RequestSide
    quantity: str
    price: str
    stop_price: str
    type: StopType
    customer_order_id: str | None = None
    time_in_force: TimeInForce | None = None
    allow_margin: bool = False


class ModifyOrder(_Request, frozen=True, kw_only=True):
    """A change of price, quantity or both. A smaller quantity keeps its place in the queue, all else loses it."""

    pair: str
    order_id: str
    modify_match_strategy: MatchStrategy
    new_price: str | None = None
    new_remaining_quantity: str | None = None
    new_total_quantity: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.new_remaining_quantity is not None and self.new_total_quantity is not None:
            raise ValueError("a modify has either new_remaining_quantity or new_total_quantity")


class CancelOrder(_Request, frozen=True, kw_only=True):
    """A cancel by the venue's id or by ours: exactly one of them."""

    pair: str
    order_id: str | None = None
    customer_order_id: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.order_id is None) is (self.customer_order_id is None):
            raise ValueError("a cancel has either order_id or customer_order_id")


class BatchItem(_Request, frozen=True, kw_only=True):
    """One request of a batch."""

    type: BatchType
    data: LimitOrder | MarketOrder | StopLimitOrder | ModifyOrder | CancelOrder


class Batch(_Request, frozen=True, kw_only=True):
    """Up to `MAX_BATCH` requests. The venue refuses a modify beside a placement."""

    requests: list[BatchItem]
    customer_batch_id: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.requests) <= MAX_BATCH:
            raise ValueError(f"a batch has 1 to {MAX_BATCH} requests")


class Command(_Request, frozen=True, kw_only=True):
    """A frame on the account socket; its reply echoes ``client_msg_id`` and means no more than accepted."""

    type: str
    client_msg_id: str | None = None
    payload: LimitOrder | MarketOrder | ModifyOrder | CancelOrder | Batch


class SubAccountTransfer(_Request, frozen=True, kw_only=True):
    """A transfer between accounts of this customer."""

    from_id: int
    to_id: int
    currency_code: str
    amount: str
    allow_borrow: bool = False


class LeverageChange(_Request, frozen=True, kw_only=True):
    """The leverage to set; sources differ between text and number, text is what bots send."""

    leverage_multiple: str
