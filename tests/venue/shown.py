"""What a node holds to be true, as exact text, to be compared with the venue's own ledger."""

from typing import Any

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.orders import Order

from tests.venue.told import BalanceShown, MarginShown, OrderShown, Snapshot


def show_node(cache: CacheFacade, venue: Venue) -> Snapshot:
    """All of it."""
    account = cache.account_for_venue(venue)
    return Snapshot(
        orders={order.client_order_id.value: _order(order) for order in cache.orders()},
        positions=_positions(cache),
        balances={} if account is None else _balances(account),
        margins={} if account is None or not account.is_margin_account else _margins(account),
        books={str(instrument.id): _book(cache, instrument.id) for instrument in cache.instruments()},
        sequences={
            str(instrument.id): book.sequence
            for instrument in cache.instruments()
            if (book := cache.order_book(instrument.id)) is not None
        },
    )


def _order(order: Order) -> OrderShown:
    commissions = {money.currency.code: str(money.as_decimal()) for money in order.commissions()}
    return OrderShown(
        venue_order_id=None if order.venue_order_id is None else order.venue_order_id.value,
        strategy_id=order.strategy_id.value,
        instrument_id=str(order.instrument_id),
        side=order.side.name,
        status=order.status.name,
        is_open=order.is_open,
        is_inflight=order.is_inflight,
        quantity=str(order.quantity),
        filled=str(order.filled_qty),
        price=str(order.price) if order.has_price else None,
        trade_ids=tuple(trade_id.value for trade_id in order.trade_ids),
        commissions=commissions,
    )


def _positions(cache: CacheFacade) -> dict[str, str]:
    """Net by instrument: a claimed and an external position of one instrument are one at the venue."""
    net: dict[str, Any] = {}
    for position in cache.positions_open():
        name = str(position.instrument_id)
        net[name] = net.get(name, 0) + position.signed_decimal_qty()
    return {name: str(quantity) for name, quantity in net.items() if quantity}


def _balances(account: Any) -> dict[str, BalanceShown]:
    return {
        currency.code: BalanceShown(
            total=str(balance.total.as_decimal()),
            free=str(balance.free.as_decimal()),
            locked=str(balance.locked.as_decimal()),
        )
        for currency, balance in account.balances().items()
    }


def _margins(account: Any) -> dict[str, MarginShown]:
    shown = {}
    for margin in [*account.margins().values(), *account.account_margins().values()]:
        name = str(margin.instrument_id or margin.initial.currency.code)
        shown[name] = MarginShown(
            initial=str(margin.initial.as_decimal()), maintenance=str(margin.maintenance.as_decimal())
        )
    return shown


def _book(cache: CacheFacade, instrument_id: Any) -> tuple[dict[str, str], dict[str, str]]:
    book = cache.order_book(instrument_id)
    if book is None:
        return {}, {}
    bids, asks = ({str(level.price): str(level.size()) for level in side} for side in (book.bids(), book.asks()))
    return bids, asks
