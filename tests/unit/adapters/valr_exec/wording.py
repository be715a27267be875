"""VALR's words about one order, and a listener in a real execution engine that has to make sense of them.

The order is a purchase in BTCZAR; every word is stamped with the moment at which the venue says it, counted in seconds.
"""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.execution.engine import ExecutionEngine
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.events import OrderEvent, OrderFilled
from nautilus_trader.model.identifiers import AccountId, ClientId, StrategyId, TraderId
from nautilus_trader.model.objects import AccountBalance, Currency, Money
from nautilus_trader.model.orders import Order
from nautilus_trader.portfolio.portfolio import Portfolio

from helios_nautilus.adapters.valr.api.schemas.account import Fill
from helios_nautilus.adapters.valr.api.schemas.orders import OrderSummary
from helios_nautilus.adapters.valr.api.wire import WireDecoder
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.adapters.valr.inbox import Inbox
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.adapters.valr.tracking import OrderTracker

BTCZAR = build_instrument("BTCZAR.VALR")
NAME, VENUE_ID, PRICE = "O-1", "019a29aa-0cd9-75d6-813c-994bab34c642", "1000000"
NOW_NS = 1_767_225_660_000_000_000
"""A minute past midnight."""
FUTURE = 600
"""Ten past: the word of a clock that is nine minutes ahead."""


def at(secs: int) -> str:
    """The venue's stamp."""
    return f"2026-01-01T00:{secs // 60:02}:{secs % 60:02}.000Z"


def traded(trade: str, size: str, secs: int) -> bytes:
    """``NEW_ACCOUNT_TRADE``."""
    return msgspec.json.encode(
        {"type": "NEW_ACCOUNT_TRADE", "currencyPairSymbol": "BTCZAR", "data": fill(trade, size, secs)}
    )


def fill(trade: str, size: str, secs: int) -> dict[str, Any]:
    """A row of the trade history."""
    return {
        "id": trade,
        "orderId": VENUE_ID,
        "customerOrderId": NAME,
        "currencyPair": "BTCZAR",
        "side": "buy",
        "price": PRICE,
        "quantity": size,
        "tradedAt": at(secs),
        "fee": "0.00001",
        "feeCurrency": "BTC",
    }


def state(
    status: str, left: str, secs: int, *, size: str = "1", kind: str = "limit", reason: str = ""
) -> dict[str, Any]:
    """An order's state as every shape but the open orders has it."""
    return {
        "orderId": VENUE_ID,
        "customerOrderId": NAME,
        "orderStatusType": status,
        "currencyPair": "BTCZAR",
        "originalPrice": "0" if kind == "market" else PRICE,
        "remainingQuantity": left,
        "originalQuantity": size,
        "orderSide": "buy",
        "orderType": kind,
        "failedReason": reason,
        "orderUpdatedAt": at(secs),
        "orderCreatedAt": at(0),
        "timeInForce": "GTC",
    }


def told(status: str, left: str, secs: int, **more: Any) -> bytes:
    """``ORDER_STATUS_UPDATE``."""
    return msgspec.json.encode({"type": "ORDER_STATUS_UPDATE", "data": state(status, left, secs, **more)})


def listed(left: str = "1", status: str = "Placed", kind: str = "limit", size: str = "1") -> bytes:
    """``OPEN_ORDERS_UPDATE`` with the order."""
    row = {
        "orderId": VENUE_ID,
        "customerOrderId": NAME,
        "side": "buy",
        "quantity": left,
        "price": PRICE,
        "currencyPair": "BTCZAR",
        "createdAt": at(0),
        "originalQuantity": size,
        "filledPercentage": "0.00",
        "type": kind,
        "status": status,
        "updatedAt": at(1),
        "timeInForce": "GTC",
    }
    return msgspec.json.encode({"type": "OPEN_ORDERS_UPDATE", "data": [row]})


def processed(reason: str = "") -> bytes:
    """``ORDER_PROCESSED``: taken, or failed for a reason."""
    outcome = {"orderId": VENUE_ID, "success": not reason, "failureReason": reason, "customerOrderId": NAME}
    return msgspec.json.encode({"type": "ORDER_PROCESSED", "data": outcome})


class Asked:
    """Stands for the questions to the venue: remembers that there was one."""

    def __init__(self) -> None:
        self.is_asked = False
        self.is_recalled = False

    def soon(self, tracked: Any, **_: Any) -> None:
        self.is_asked = self.is_asked or not tracked.is_closed

    def recall(self, tracked: Any) -> None:
        self.is_recalled = True


class Listener:
    """The adapter's inbox in front of a real engine; every event sent must be one that the order takes."""

    def __init__(self) -> None:
        clock = TestClock()
        bus, self.cache = MessageBus(TraderId("TESTER-001"), clock), Cache()
        self._portfolio = Portfolio(bus, self.cache, clock)
        engine = ExecutionEngine(bus, self.cache, clock)
        client = ExecutionClient(
            ClientId("VALR"), VALR_VENUE, OmsType.NETTING, AccountType.CASH, None, bus, self.cache, clock
        )
        client._set_account_id(AccountId("VALR-main"))
        engine.register_client(client)
        self.cache.add_instrument(BTCZAR)
        self.sent: list[OrderEvent] = []
        bus.deregister("ExecEngine.process", engine.process)
        bus.register("ExecEngine.process", lambda event: (self.sent.append(event), engine.process(event)))
        balances = [
            AccountBalance(*(Money(n, Currency.from_str(c)) for n in (10**8, 0, 10**8))) for c in ("ZAR", "BTC")
        ]
        client.generate_account_state(balances, [], True, 0)
        self.client, self.errors, self.asked = client, [], Asked()
        log = SimpleNamespace(error=self.errors.append, warning=print)
        self.tracker = OrderTracker(client, self.cache, now_ns=lambda: NOW_NS, log=log)
        self.strangers: list[str] = []
        self._inbox = Inbox(
            self.tracker,
            self.asked,  # type: ignore[arg-type]
            SimpleNamespace(),  # type: ignore[arg-type]
            SimpleNamespace(),  # type: ignore[arg-type]
            self.cache,
            now_ns=lambda: NOW_NS,
            spawn=lambda work: work.close(),  # type: ignore[arg-type, return-value]
            report=print,  # type: ignore[arg-type]
            log=log,
        )
        self.orders = OrderFactory(TraderId("TESTER-001"), StrategyId("S-001"), clock)

    def submit(self, order: Order) -> Order:
        """The order is on its way."""
        self.order = order
        self.cache.add_order(order)
        self.tracker.track(order)
        self.client.generate_order_submitted(order.strategy_id, order.instrument_id, order.client_order_id, 0)
        self.sent.clear()
        return order

    def hear(self, *frames: bytes) -> None:
        for frame in frames:
            self._inbox.take(frame)

    def answer(self, row: dict[str, Any], fills: list[dict[str, Any]], *, executed: str) -> bool:
        """What the venue says when it is asked, as `Settlement.take_in` hands it on."""
        summary = read(OrderSummary, row | {"totalExecutedQuantity": executed})
        tracked = self.tracker.track(self.order)
        if self.tracker.apply(tracked, summary):
            return True
        for each in fills:
            self.tracker.on_fill(read(Fill, each))
        return self.tracker.apply(tracked, summary, has_all_fills=True)

    @property
    def kinds(self) -> list[str]:
        """The events sent since the submission, by name."""
        return [type(event).__name__.removeprefix("Order") for event in self.sent]

    def assert_legal(self) -> None:
        """The order took every event, counted every fill once, and never had more than it is large."""
        assert [event.id for event in self.sent if event not in self.order.events] == [], self.kinds
        trades = [event.trade_id for event in self.sent if isinstance(event, OrderFilled)]
        assert len(set(trades)) == len(trades)
        assert self.order.filled_qty <= self.order.quantity
        assert self.order.filled_qty.as_decimal() == sum(
            (event.last_qty.as_decimal() for event in self.sent if isinstance(event, OrderFilled)), Decimal(0)
        )


def read(kind: Any, row: dict[str, Any]) -> Any:
    """A row of the venue's, as what it is."""
    return WireDecoder[Any](kind).decode(msgspec.json.encode(row))
