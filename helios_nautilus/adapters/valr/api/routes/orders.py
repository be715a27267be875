"""Placing, changing, cancelling and asking about orders."""

from collections.abc import Iterable
from typing import Final, Literal

from helios_nautilus.adapters.valr.api.endpoint import private
from helios_nautilus.adapters.valr.api.enums import HistoryStatus
from helios_nautilus.adapters.valr.api.limits import Family
from helios_nautilus.adapters.valr.api.routes.base import PAGE, Routes, iso
from helios_nautilus.adapters.valr.api.schemas.orders import (
    BatchReply,
    CancelledOrder,
    ConditionalOrder,
    OpenOrder,
    OrderDetail,
    OrderReply,
    OrderState,
    OrderSummary,
)
from helios_nautilus.adapters.valr.api.schemas.requests import (
    Batch,
    CancelOrder,
    LimitOrder,
    MarketOrder,
    ModifyOrder,
    StopLimitOrder,
)

type IdKind = Literal["orderid", "customerorderid"]


class OrderRoutes(Routes):
    """Endpoints about orders. v2 answers when the engine has decided; v1 and batches only queue."""

    PLACE_LIMIT: Final = private("POST", "/v2/orders/limit", OrderReply)
    PLACE_MARKET: Final = private("POST", "/v2/orders/market", OrderReply)
    PLACE_STOP: Final = private("POST", "/v2/orders/stop/limit", OrderReply)
    QUEUE_LIMIT: Final = private("POST", "/v1/orders/limit", OrderReply, Family.PLACE)
    QUEUE_MARKET: Final = private("POST", "/v1/orders/market", OrderReply, Family.PLACE)
    QUEUE_STOP: Final = private("POST", "/v1/orders/stop/limit", OrderReply, Family.PLACE)
    BATCH: Final = private("POST", "/v1/batch/orders", BatchReply, Family.BATCH)
    MODIFY: Final = private("PUT", "/v2/orders/modify", OrderReply, Family.MODIFY)
    CANCEL: Final = private("DELETE", "/v2/orders/order", OrderReply)
    QUEUE_CANCEL: Final = private("DELETE", "/v1/orders/order", None, Family.CANCEL)
    CANCEL_ALL: Final = private("DELETE", "/v1/orders", list[CancelledOrder], Family.CANCEL)
    CANCEL_PAIR: Final = private("DELETE", "/v1/orders/{pair}", list[CancelledOrder], Family.CANCEL)
    ORDER: Final = private("GET", "/v1/orders/{pair}/{kind}/{id}", OrderState)
    OPEN_ORDERS: Final = private("GET", "/v1/orders/open", list[OpenOrder])
    HISTORY: Final = private("GET", "/v1/orders/history", list[OrderSummary])
    ORDER_SUMMARY: Final = private("GET", "/v1/orders/history/summary/{kind}/{id}", OrderSummary)
    ORDER_DETAIL: Final = private("GET", "/v1/orders/history/detail/{kind}/{id}", list[OrderDetail])
    CONDITIONALS: Final = private("GET", "/v1/orders/conditionals", list[ConditionalOrder])

    async def post_limit_order(self, order: LimitOrder) -> OrderReply:
        """Place a limit order; a reply means that it rests or has traded."""
        return await self._call(self.PLACE_LIMIT, body=order.encode())

    async def post_market_order(self, order: MarketOrder) -> OrderReply:
        """Place a market order; a reply means that the engine took it."""
        return await self._call(self.PLACE_MARKET, body=order.encode())

    async def post_stop_limit_order(self, order: StopLimitOrder) -> OrderReply:
        """Place a stop-limit order; a reply means that it is armed."""
        return await self._call(self.PLACE_STOP, body=order.encode())

    async def post_limit_order_v1(self, order: LimitOrder) -> OrderReply:
        """Queue a limit order; the outcome comes by socket or status."""
        return await self._call(self.QUEUE_LIMIT, body=order.encode())

    async def post_market_order_v1(self, order: MarketOrder) -> OrderReply:
        """Queue a market order."""
        return await self._call(self.QUEUE_MARKET, body=order.encode())

    async def post_stop_limit_order_v1(self, order: StopLimitOrder) -> OrderReply:
        """Queue a stop-limit order."""
        return await self._call(self.QUEUE_STOP, body=order.encode())

    async def post_batch(self, batch: Batch) -> BatchReply:
        """Queue up to 20 requests; each has its own outcome."""
        return await self._call(self.BATCH, body=batch.encode())

    async def put_modify_order(self, change: ModifyOrder) -> OrderReply:
        """Modify an order, which keeps its id; the reply's is the modify request's."""
        return await self._call(self.MODIFY, body=change.encode())

    async def delete_order(self, order: CancelOrder) -> OrderReply:
        """Cancel an order; a reply means that it is cancelled."""
        return await self._call(self.CANCEL, body=order.encode())

    async def delete_order_v1(self, order: CancelOrder) -> None:
        """Ask for a cancel."""
        await self._call(self.QUEUE_CANCEL, body=order.encode())

    async def delete_orders(self, pair: str | None = None) -> list[CancelledOrder]:
        """Cancel all open orders, of one pair if given; conditional orders stay."""
        if pair is None:
            return await self._call(self.CANCEL_ALL)
        return await self._call(self.CANCEL_PAIR, parts={"pair": pair})

    async def get_order(self, pair: str, order_id: str, *, kind: IdKind = "orderid") -> OrderState:
        """State of an order, meant for active ones; `UnknownOrderError` if the venue has none (any more)."""
        return await self._call(self.ORDER, parts={"pair": pair, "kind": kind, "id": order_id})

    async def get_open_orders(self) -> list[OpenOrder]:
        """Open orders of all pairs: the venue ignores filters here."""
        return await self._call(self.OPEN_ORDERS)

    async def get_order_history(
        self,
        *,
        pairs: Iterable[str] = (),
        statuses: Iterable[HistoryStatus] = (),
        start_ns: int | None = None,
        end_ns: int | None = None,
        skip: int = 0,
        limit: int = PAGE,
        show_zero_volume_cancels: bool = True,
    ) -> list[OrderSummary]:
        """Orders by time of their last update. The venue hides unfilled cancels unless told to show them: we do."""
        return await self._call(
            self.HISTORY,
            skip=skip,
            limit=limit,
            statuses=",".join(statuses) or None,
            currencyPair=",".join(pairs) or None,
            startTime=iso(start_ns),
            endTime=iso(end_ns),
            showZeroVolumeCancels=show_zero_volume_cancels,
        )

    async def get_order_summary(self, order_id: str, *, kind: IdKind = "orderid") -> OrderSummary:
        """Totals of a completed order."""
        return await self._call(self.ORDER_SUMMARY, parts={"kind": kind, "id": order_id})

    async def get_order_detail(self, order_id: str, *, kind: IdKind = "orderid") -> list[OrderDetail]:
        """Every state of an order, newest first; empty for an unknown id."""
        return await self._call(self.ORDER_DETAIL, parts={"kind": kind, "id": order_id})

    async def get_conditional_orders(self) -> list[ConditionalOrder]:
        """Armed conditional orders."""
        return await self._call(self.CONDITIONALS)
