"""What a trading node is told on its standard input and what it tells: one JSON object a line."""

from typing import Any

from msgspec import Struct

EVENTS_FD = "VALR_EVENTS_FD"
"""Environment variable: the file descriptor the node writes to."""


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to do; ``do`` names a method of the puppet and ``args`` are its arguments."""

    do: str
    args: dict[str, Any] = {}


class Setup(Struct, frozen=True, kw_only=True):
    """The node's first line: what it is made of. The key comes by VALR_API_KEY and VALR_API_SECRET."""

    url: str
    instruments: tuple[str, ...] = ("BTCZAR.VALR",)
    """What is loaded, and claimed from former runs; nothing is all there are, and none claimed."""
    margin: bool = False
    has_execution: bool = True
    is_hasty: bool = True
    """Settles doubts within a second or so rather than within the defaults, which are made for the real venue."""
    trader: str | None = None
    """``module:Class`` of a strategy to add, made with what tells and ``params``; it then claims, not the puppet."""
    params: dict[str, Any] = {}
    open_check_secs: float | None = None
    position_check_secs: float | None = None
    log_level: str = "INFO"
    data: dict[str, Any] = {}
    """Options of the data client's configuration."""
    execution: dict[str, Any] = {}
    """Options of the execution client's configuration."""
    renew_secs: float | None = None
    """Age at which the market data socket, without a login, gets its successor; None is the adapter's own."""
    at_start: tuple[Command, ...] = ()
    at_stop: tuple[Command, ...] = ()
    """What the puppet does by itself, as strategies do that open on start and close on stop."""
    is_key_configured: bool = False
    """The key stands in the configurations, not in the environment alone."""


class OrderShown(Struct, frozen=True, kw_only=True):
    """An order as the node's cache has it; figures as exact text."""

    venue_order_id: str | None
    strategy_id: str
    instrument_id: str
    side: str
    status: str
    is_open: bool
    is_inflight: bool
    quantity: str
    filled: str
    price: str | None
    trade_ids: tuple[str, ...]
    commissions: dict[str, str]
    """Amount by currency."""


class BalanceShown(Struct, frozen=True, kw_only=True):
    """One currency of the account."""

    total: str
    free: str
    locked: str


class MarginShown(Struct, frozen=True, kw_only=True):
    """What an instrument or the account needs as margin."""

    initial: str
    maintenance: str


class Snapshot(Struct, frozen=True, kw_only=True):
    """What the node holds to be true."""

    orders: dict[str, OrderShown]
    """By client order id."""
    positions: dict[str, str]
    """Signed net quantity by instrument, without the flat ones."""
    balances: dict[str, BalanceShown]
    """By currency."""
    margins: dict[str, MarginShown]
    """By instrument, or currency where it is the account's."""
    books: dict[str, tuple[dict[str, str], dict[str, str]]]
    """Quantity by price of the bids and the asks, by instrument."""
    sequences: dict[str, int] = {}
    """Of those books."""
