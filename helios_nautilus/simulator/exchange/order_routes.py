"""REST: placing, changing, cancelling and asking for orders.

v1 answers 202 as soon as a command is accepted for processing; v2 waits for the engine.
"""

from collections.abc import Callable

from helios_nautilus.simulator.exchange import account_json
from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.batches import run_batch
from helios_nautilus.simulator.exchange.bodies import Body
from helios_nautilus.simulator.exchange.desk import Desk
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.orders import Order, Status
from helios_nautilus.simulator.exchange.refusals import Refusal
from helios_nautilus.simulator.exchange.routing import Call, Handler, Reply, Route
from helios_nautilus.simulator.exchange.stamps import parse_iso
from helios_nautilus.simulator.exchange.venue import Venue

type Draft = Callable[[Account, Body], Order]


class OrderRoutes:
    """Handlers of ``/v1/orders``, ``/v2/orders`` and ``/v1/batch``."""

    def __init__(self, venue: Venue, desk: Desk) -> None:
        self._venue = venue
        self._engine = venue.engine
        self._desk = desk

    def table(self) -> list[Route]:
        """The routes."""
        drafts: dict[str, Draft] = {
            "limit": self._desk.draft_limit,
            "market": self._desk.draft_market,
            "stop/limit": self._desk.draft_stop,
        }
        places = [
            route
            for name, draft in drafts.items()
            for route in (
                Route("POST", f"/v1/orders/{name}", self._queue(draft), "Trade"),
                Route("POST", f"/v2/orders/{name}", self._place(draft), "Trade"),
            )
        ]
        return [
            *places,
            Route("POST", "/v1/batch/orders", self._batch, "Trade"),
            Route("PUT", "/v1/orders/modify", self._queue_modify, "Trade"),
            Route("PUT", "/v2/orders/modify", self._modify, "Trade"),
            Route("DELETE", "/v1/orders/order", self._queue_cancel, "Trade"),
            Route("DELETE", "/v2/orders/order", self._cancel, "Trade"),
            Route("DELETE", "/v1/orders", self._cancel_all, "Trade"),
            Route("DELETE", "/v1/orders/{pair}", self._cancel_all, "Trade"),
            Route("GET", "/v1/orders/open", self._open, "View access"),
            Route("GET", "/v1/orders/history", self._history, "View access"),
            Route("GET", "/v1/orders/history/summary/{kind}/{id}", self._summary, "View access"),
            Route("GET", "/v1/orders/history/detail/{kind}/{id}", self._detail, "View access"),
            Route("GET", "/v1/orders/{pair}/{kind}/{id}", self._status, "View access"),
        ]

    def _queue(self, draft: Draft) -> Handler:
        def handle(call: Call) -> Reply:
            order = draft(call.account, call.body)
            self._desk.place_later(order)
            return Reply(_named({"id": order.order_id}, order), 202)

        return handle

    def _place(self, draft: Draft) -> Handler:
        def handle(call: Call) -> Reply:
            order = draft(call.account, call.body)
            refusal = self._desk.place(order)
            if refusal is None:
                return Reply({"id": order.order_id}, 201)
            return Reply({"orderId": order.order_id} | refusal.body(), refusal.status)

        return handle

    def _batch(self, call: Call) -> Reply:
        return Reply(run_batch(self._desk, call.account, call.body, self._venue.ids.next_batch()))

    def _queue_modify(self, call: Call) -> Reply:
        amendment = self._desk.draft_amendment(call.account, call.body)
        self._desk.modify_later(amendment)
        return Reply({"id": amendment.request_id}, 202)

    def _modify(self, call: Call) -> Reply:
        amendment = self._desk.draft_amendment(call.account, call.body)
        refusal = self._desk.modify(amendment)
        if refusal is None:
            return Reply({"id": amendment.request_id}, 201)
        ids = {"modifyOrderId": amendment.request_id, "orderId": amendment.order.order_id}
        return Reply(ids | refusal.body(), refusal.status)

    def _queue_cancel(self, call: Call) -> Reply:
        self._desk.cancel_later(call.account, call.body)
        return Reply(status=202)

    def _cancel(self, call: Call) -> Reply:
        """The id that was sent comes back, be it the venue's or the customer's."""
        order = self._desk.cancel(call.account, call.body)
        return Reply({"id": call.body.get("customerOrderId") or order.order_id})

    def _cancel_all(self, call: Call) -> Reply:
        symbol = self._venue.listing.pair(call.path["pair"]).symbol if "pair" in call.path else None
        return Reply([{"orderId": order.order_id} for order in self._desk.cancel_all(call.account, symbol)])

    def _open(self, call: Call) -> Reply:
        """All pairs; filters are ignored, as on VALR."""
        return Reply(
            [account_json.open_order_json(order) for order in self._engine.open_orders(call.account.account_id)]
        )

    def _status(self, call: Call) -> Reply:
        return Reply(account_json.order_status_json(self._find(call, call.path["pair"].upper())))

    def _summary(self, call: Call) -> Reply:
        order = self._find(call)
        return Reply(account_json.order_summary_json(order))

    def _detail(self, call: Call) -> Reply:
        """Newest state first; an unknown id has none."""
        try:
            order = self._find(call)
        except Refusal:
            return Reply([])
        return Reply([account_json.order_state_json(order, state) for state in reversed(order.states)])

    def _find(self, call: Call, symbol: str = "") -> Order:
        by_customer = call.path["kind"] == "customerorderid"
        return self._engine.find(
            call.account.account_id,
            order_id=None if by_customer else call.path["id"],
            customer_order_id=call.path["id"] if by_customer else None,
            symbol=symbol,
        )

    def _history(self, call: Call) -> Reply:
        """Newest first. Cancels that filled nothing are left out unless asked for."""
        statuses = set(filter(None, call.query.get("statuses", "").split(",")))
        symbols = set(filter(None, call.query.get("currencyPair", "").split(",")))
        start_ns = parse_iso(call.query.get("startTime"), "startTime")
        end_ns = parse_iso(call.query.get("endTime"), "endTime")
        without_failures = call.flag("excludeFailures")
        with_empty_cancels = call.flag("showZeroVolumeCancels")
        found = [
            order
            for order in reversed(self._engine.orders.values())
            if order.account_id == call.account.account_id
            and order.status is not None
            and (not statuses or order.status.filter_name in statuses)
            and (not symbols or order.pair.symbol in symbols)
            and (start_ns is None or order.updated_ns >= start_ns)
            and (end_ns is None or order.updated_ns <= end_ns)
            and not (without_failures and order.status is Status.FAILED)
            and (with_empty_cancels or order.status is not Status.CANCELLED or order.executed)
        ]
        found.sort(key=lambda order: order.updated_ns, reverse=True)
        return Reply([account_json.order_summary_json(order) for order in call.page(found)])


def _named(shown: Json, order: Order) -> Json:
    return shown | {"customerOrderId": order.customer_order_id} if order.customer_order_id else shown
