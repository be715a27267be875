"""Order commands: checked as VALR checks them, then handed to the engine, now or a little later."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from msgspec import Struct

from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.bodies import (
    Body,
    amount_of,
    choice_of,
    flag_of,
    price_of,
    side_of,
    text_of,
)
from helios_nautilus.simulator.exchange.decimals import floor_places
from helios_nautilus.simulator.exchange.engine import MatchStrategy
from helios_nautilus.simulator.exchange.events import CancelFailed, OrderModified
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.orders import Order, OrderType, TimeInForce
from helios_nautilus.simulator.exchange.refusals import Code, Refusal, invalid_field
from helios_nautilus.simulator.exchange.venue import Venue

_CUSTOMER_ID: Final = re.compile(r"[0-9a-zA-Z-]{0,50}")
_MOST_REPRICE_TICKS: Final = 50


class Amendment(Struct, frozen=True, kw_only=True):
    """A modify request that passed its checks."""

    order: Order
    request_id: str
    price: Decimal | None
    remaining: Decimal | None
    total: Decimal | None
    strategy: MatchStrategy


class Desk:
    """Order entry for all accounts; REST and the account socket share it."""

    def __init__(self, venue: Venue, *, delay_ns: int = 5_000_000) -> None:
        """``delay_ns`` passes between an acceptance for processing and the engine's answer."""
        self._venue = venue
        self._delay_ns = delay_ns
        self.before_modify: Callable[[Order], None] = lambda _: None
        """Called as a modify reaches the engine: faults let something happen in between."""

    def draft_limit(self, account: Account, body: Body) -> Order:
        """A limit order from its body."""
        pair = self._pair(account, body)
        reprice = flag_of(body, "postOnlyReprice")
        post_only = flag_of(body, "postOnly") or reprice
        order = self._draft(
            account,
            body,
            pair,
            type=OrderType.POST_ONLY if post_only else OrderType.LIMIT,
            time_in_force=choice_of(body, "timeInForce", TimeInForce, TimeInForce.GTC),
            quantity=floor_places(amount_of(body, "quantity"), pair.places),
            price=price_of(body, "price", pair),
            reprice_ticks=_reprice_ticks(body) if reprice else 0,
        )
        if post_only and order.time_in_force is not TimeInForce.GTC:
            raise invalid_field("timeInForce", "post only orders must be GTC")
        pair.check_size(order.quantity, order.price)
        return order

    def draft_market(self, account: Account, body: Body) -> Order:
        """A market order by base or by quote amount."""
        pair = self._pair(account, body)
        by_quote = body.get("quoteAmount") is not None
        if by_quote == (body.get("baseAmount") is not None):
            raise invalid_field("baseAmount", "exactly one of baseAmount and quoteAmount is required")
        order = self._draft(
            account,
            body,
            pair,
            type=OrderType.MARKET,
            # VALR's own samples send GTC with market orders: whatever is not FOK is IOC.
            time_in_force=TimeInForce.FOK if body.get("timeInForce") == "FOK" else TimeInForce.IOC,
            quantity=Decimal(0) if by_quote else floor_places(amount_of(body, "baseAmount"), pair.places),
            quote_amount=amount_of(body, "quoteAmount") if by_quote else None,
        )
        if order.quote_amount is None:
            pair.check_size(order.quantity, Decimal(0))
        else:
            pair.check_amount(order.quote_amount)
        return order

    def draft_stop(self, account: Account, body: Body) -> Order:
        """A stop-limit or take-profit-limit order; spot only."""
        pair = self._pair(account, body)
        kinds = {"STOP_LOSS_LIMIT": OrderType.STOP_LOSS_LIMIT, "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_LIMIT}
        kind = kinds.get(str(body.get("type")))
        if kind is None:
            raise invalid_field("type", "must be STOP_LOSS_LIMIT or TAKE_PROFIT_LIMIT")
        if str(body["type"]) not in pair.order_types:
            raise Refusal(Code.TYPE_NOT_ALLOWED)
        stop_price = price_of(body, "stopPrice", pair)
        if stop_price == self._venue.engine.margin.last_prices.get(pair.symbol):
            raise invalid_field("stopPrice", "must differ from the last traded price")
        order = self._draft(
            account,
            body,
            pair,
            type=kind,
            time_in_force=choice_of(body, "timeInForce", TimeInForce, TimeInForce.GTC),
            quantity=floor_places(amount_of(body, "quantity"), pair.places),
            price=price_of(body, "price", pair),
            stop_price=stop_price,
        )
        pair.check_size(order.quantity, order.price)
        return order

    def place(self, order: Order) -> Refusal | None:
        """Hand a draft to the engine and wait for its word."""
        return self._venue.engine.submit(order, self._venue.now_ns)

    def place_later(self, order: Order) -> None:
        """Queue a draft; the outcome comes by events."""
        self._later(lambda now_ns: self._venue.engine.submit(order, now_ns))

    def find(self, account: Account, body: Body) -> Order:
        """The order a body names by one of its two ids."""
        symbol = self._venue.listing.pair(body.get("pair")).symbol
        order_id, customer_order_id = text_of(body, "orderId"), text_of(body, "customerOrderId")
        if (order_id is None) == (customer_order_id is None):
            raise invalid_field("orderId", "exactly one of orderId and customerOrderId is required")
        return self._venue.engine.find(
            account.account_id, order_id=order_id, customer_order_id=customer_order_id, symbol=symbol
        )

    def cancel(self, account: Account, body: Body) -> Order:
        """Cancel and wait for the engine's word."""
        order = self.find(account, body)
        self._venue.engine.cancel(order, self._venue.now_ns)
        return order

    def cancel_later(self, account: Account, body: Body) -> None:
        """Queue a cancel; it is looked up when the engine gets to it, as a placement before it may still be queued."""
        self._venue.listing.pair(body.get("pair"))

        def run(_: int) -> None:
            try:
                self.cancel(account, body)
            except Refusal as refusal:
                named = str(body.get("orderId") or body.get("customerOrderId"))
                self._venue.publish(CancelFailed(account.account_id, named, refusal))

        self._later(run)

    def cancel_all(self, account: Account, symbol: str | None = None) -> list[Order]:
        """Cancel all open orders, of one pair if given."""
        orders = [
            order
            for order in self._venue.engine.open_orders(account.account_id)
            if symbol is None or order.pair.symbol == symbol
        ]
        for order in orders:
            self._venue.engine.cancel(order, self._venue.now_ns)
        return orders

    def draft_amendment(self, account: Account, body: Body) -> Amendment:
        """A modify request from its body."""
        order = self.find(account, body)
        if body.get("newRemainingQuantity") is not None and body.get("newTotalQuantity") is not None:
            raise invalid_field("newTotalQuantity", "only one of newRemainingQuantity and newTotalQuantity is allowed")
        places = order.pair.places
        sizes = (
            None if body.get(name) is None else floor_places(amount_of(body, name), places)
            for name in ("newRemainingQuantity", "newTotalQuantity")
        )
        remaining, total = sizes
        return Amendment(
            order=order,
            request_id=self._venue.ids.uuid(self._venue.now_ns),
            price=None if body.get("newPrice") is None else price_of(body, "newPrice", order.pair),
            remaining=remaining,
            total=total,
            strategy=choice_of(body, "modifyMatchStrategy", MatchStrategy, None),
        )

    def modify(self, amendment: Amendment) -> Refusal | None:
        """Carry a modify out and wait for the engine's word."""
        order = amendment.order
        self.before_modify(order)
        refusal = None
        try:
            self._venue.engine.modify(
                order,
                self._venue.now_ns,
                price=amendment.price,
                remaining=amendment.remaining,
                total=amendment.total,
                strategy=amendment.strategy,
            )
        except Refusal as error:
            refusal = error
        self._venue.publish(OrderModified(order, amendment.request_id, refusal))
        return refusal

    def modify_later(self, amendment: Amendment) -> None:
        """Queue a modify; the outcome comes by events."""
        self._later(lambda _: self.modify(amendment))

    def _later(self, action: Callable[[int], object]) -> None:
        self._venue.at(self._venue.now_ns + self._delay_ns, action)

    def _pair(self, account: Account, body: Body) -> Pair:
        pair = self._venue.listing.active_pair(body.get("pair"))
        if pair.is_perpetual and not account.futures_enabled:
            raise Refusal(Code.FUTURES_NOT_ENABLED)
        return pair

    def _draft(
        self,
        account: Account,
        body: Body,
        pair: Pair,
        *,
        type: OrderType,
        time_in_force: TimeInForce,
        quantity: Decimal,
        price: Decimal = Decimal(0),
        quote_amount: Decimal | None = None,
        stop_price: Decimal | None = None,
        reprice_ticks: int = 0,
    ) -> Order:
        customer_order_id = text_of(body, "customerOrderId")
        if customer_order_id and not _CUSTOMER_ID.fullmatch(customer_order_id):
            raise invalid_field("customerOrderId", 'must match "^[0-9a-zA-Z-]{0,50}$"')
        self._venue.engine.check_customer_id(account.account_id, customer_order_id)
        if body.get("conditionalOrderData") is not None:
            # Better a refusal than a stop that is silently not there.
            raise invalid_field(
                "conditionalOrderData", "conditional orders are simulated beside a position, not linked to an order"
            )
        allow_margin = flag_of(body, "allowMargin") and not pair.is_perpetual
        if allow_margin and not (account.margin_enabled and pair.allows_margin):
            raise Refusal(Code.MARGIN_NOT_ENABLED)
        return Order(
            order_id=self._venue.ids.uuid(self._venue.now_ns),
            account_id=account.account_id,
            pair=pair,
            side=side_of(body),
            type=type,
            time_in_force=time_in_force,
            quantity=quantity,
            price=price,
            quote_amount=quote_amount,
            stop_price=stop_price,
            customer_order_id=customer_order_id,
            allow_margin=allow_margin,
            reduce_only=flag_of(body, "reduceOnly") and pair.is_perpetual,
            reprice_ticks=reprice_ticks,
            created_ns=self._venue.now_ns,
        )


def _reprice_ticks(body: Body) -> int:
    ticks = int(amount_of(body, "postOnlyRepriceTicks")) if body.get("postOnlyRepriceTicks") is not None else 1
    if not 1 <= ticks <= _MOST_REPRICE_TICKS:
        raise invalid_field("postOnlyRepriceTicks", f"must be between 1 and {_MOST_REPRICE_TICKS}")
    return ticks
