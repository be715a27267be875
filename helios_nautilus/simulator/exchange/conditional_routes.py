"""REST: placing, changing, cancelling and listing the conditional orders of perpetuals."""

from decimal import Decimal

from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.bodies import Body, amount_of, choice_of, price_of, text_of
from helios_nautilus.simulator.exchange.conditional_json import conditional_json
from helios_nautilus.simulator.exchange.conditional_orders import Conditional, Leg, TriggerType
from helios_nautilus.simulator.exchange.decimals import ZERO, floor_places
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.refusals import Code, Refusal, invalid_field
from helios_nautilus.simulator.exchange.routing import Call, Reply, Route
from helios_nautilus.simulator.exchange.venue import Venue


class ConditionalRoutes:
    """Handlers of ``/v1/orders/conditionals``; changes take effect at once, their answers are VALR's 202."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._conditionals = venue.conditionals

    def table(self) -> list[Route]:
        """The routes."""
        path = "/v1/orders/conditionals"
        return [
            Route("POST", path, self._place, "Trade"),
            Route("PUT", f"{path}/modify", self._modify, "Trade"),
            Route("DELETE", f"{path}/conditional", self._cancel, "Trade"),
            Route("DELETE", path, self._cancel_all, "Trade"),
            Route("DELETE", f"{path}/{{pair}}", self._cancel_all, "Trade"),
            Route("GET", path, self._list, "View access"),
            Route("GET", f"{path}/{{pair}}/history", self._history, "View access"),
            Route("GET", f"{path}/conditional/{{pair}}/{{kind}}/{{id}}", self._status, "View access"),
        ]

    def _place(self, call: Call) -> Reply:
        one = self._draft(call.account, call.body)
        self._conditionals.place(one)
        return Reply({"id": one.order_id}, 202)

    def _draft(self, account: Account, body: Body) -> Conditional:
        """A conditional order belongs to the position that is open now."""
        pair = self._venue.listing.active_pair(body.get("pair"))
        if not pair.is_perpetual:
            raise Refusal(Code.TYPE_NOT_ALLOWED)
        position = self._venue.engine.positions.get(account.account_id, pair.symbol)
        if position is None:
            raise invalid_field("pair", "there is no open position")
        now_ns = self._venue.now_ns
        one = Conditional(
            order_id=self._venue.ids.uuid(now_ns),
            account_id=account.account_id,
            pair=pair,
            position_id=position.position_id,
            position_side=position.side,
            trigger_type=choice_of(body, "triggerType", TriggerType, None),
            quantity=_quantity(body, "quantity", pair),
            take_profit=_leg(body, "takeProfit", pair),
            stop_loss=_leg(body, "stopLoss", pair),
            customer_order_id=text_of(body, "customerOrderId"),
            created_ns=now_ns,
            updated_ns=now_ns,
        )
        if one.take_profit is None and one.stop_loss is None:
            raise invalid_field("takeProfitTriggerPrice", "a take profit or a stop loss is required")
        return one

    def _modify(self, call: Call) -> Reply:
        one = self._find(call)
        quantity = one.quantity
        if call.body.get("newQuantity") is not None:
            quantity = _quantity(call.body, "newQuantity", one.pair)
        legs = _leg(call.body, "newTakeProfit", one.pair), _leg(call.body, "newStopLoss", one.pair)
        take_profit, stop_loss = legs[0] or one.take_profit, legs[1] or one.stop_loss
        self._conditionals.amend(one, quantity, take_profit, stop_loss, self._venue.now_ns)
        return Reply(_ids("id", one), 202)

    def _cancel(self, call: Call) -> Reply:
        self._conditionals.cancel(self._find(call), self._venue.now_ns)
        return Reply(status=202)

    def _cancel_all(self, call: Call) -> Reply:
        symbol = self._venue.listing.pair(call.path["pair"]).symbol if "pair" in call.path else None
        orders = self._conditionals.of(call.account.account_id, symbol)
        for one in orders:
            self._conditionals.cancel(one, self._venue.now_ns)
        return Reply([_ids("orderId", one) for one in orders])

    def _list(self, call: Call) -> Reply:
        return Reply([conditional_json(one) for one in self._conditionals.of(call.account.account_id)])

    def _history(self, call: Call) -> Reply:
        symbol = self._venue.listing.pair(call.path["pair"]).symbol
        rows = [
            one for one in reversed(self._conditionals.history[call.account.account_id]) if one.pair.symbol == symbol
        ]
        return Reply([_with_status(one) for one in call.page(rows)])

    def _status(self, call: Call) -> Reply:
        name = "customer_order_id" if call.path["kind"] == "customerorderid" else "order_id"
        symbol = self._venue.listing.pair(call.path["pair"]).symbol
        return Reply(_with_status(self._conditionals.find(call.account.account_id, symbol, **{name: call.path["id"]})))

    def _find(self, call: Call) -> Conditional:
        return self._conditionals.find(
            call.account.account_id,
            self._venue.listing.pair(call.body.get("pair")).symbol,
            order_id=text_of(call.body, "orderId"),
            customer_order_id=text_of(call.body, "customerOrderId"),
        )


def _quantity(body: Body, name: str, pair: Pair) -> Decimal:
    """0 is the whole position; -1, only what a linked order adds, is for linked orders."""
    if str(body.get(name)) == "0":
        return ZERO
    return floor_places(amount_of(body, name), pair.places)


def _leg(body: Body, name: str, pair: Pair) -> Leg | None:
    """Trigger and order price; -1 is the market's."""
    if body.get(f"{name}TriggerPrice") is None:
        return None
    is_market = str(body.get(f"{name}OrderPrice")) == "-1"
    price = None if is_market else price_of(body, f"{name}OrderPrice", pair)
    return Leg(price_of(body, f"{name}TriggerPrice", pair), price)


def _ids(name: str, one: Conditional) -> Json:
    shown: Json = {name: one.order_id}
    return shown | {"customerOrderId": one.customer_order_id} if one.customer_order_id else shown


def _with_status(one: Conditional) -> Json:
    return conditional_json(one) | {"orderStatusType": one.status}
