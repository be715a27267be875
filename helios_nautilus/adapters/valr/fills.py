"""Our own trades: counted once, with the commission really charged and the liquidity side made out."""

from collections import OrderedDict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import FillReport
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderType, TimeInForce
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, TradeId, VenueOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money
from nautilus_trader.model.orders import Order

from helios_nautilus.adapters.valr.api.enums import Side
from helios_nautilus.adapters.valr.api.schemas.account import Fill
from helios_nautilus.adapters.valr.money import currency_of, round_money

_RATE_TOLERANCE: Final = Decimal("0.01")
"""Relative: fees are exact products of twelve decimals, and rates change by more than this between tiers."""


class SeenTrades:
    """The newest trade ids, so that a fill counts once on whatever ways it comes. The oldest are forgotten."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._capacity = capacity

    def add(self, trade_id: str) -> bool:
        """Remember it; whether it is new."""
        if trade_id in self._ids:
            return False
        self._ids[trade_id] = None
        if len(self._ids) > self._capacity:
            self._ids.popitem(last=False)
        return True

    def update(self, trade_ids: Iterable[str]) -> None:
        """Remember many."""
        for trade_id in trade_ids:
            self.add(trade_id)

    def __len__(self) -> int:
        return len(self._ids)


def order_side_of(side: Side) -> OrderSide:
    """The engine's side."""
    return OrderSide.BUY if side is Side.BUY else OrderSide.SELL


def commission_of(fill: Fill, instrument: Instrument) -> Money:
    """What the trade cost, in the currency it was charged in; a maker's reward is negative."""
    if fill.maker_reward is not None and fill.maker_reward_currency is not None:
        return round_money(-fill.maker_reward, currency_of(fill.maker_reward_currency))
    if fill.fee is not None and fill.fee_currency is not None:
        return round_money(fill.fee, currency_of(fill.fee_currency))
    return Money(0, instrument.quote_currency)


def liquidity_of(fill: Fill, instrument: Instrument, order: Order | None) -> LiquiditySide:
    """Maker or taker, which the venue does not say: from the reward, the order's kind, or the rate of the fee."""
    if fill.maker_reward is not None:
        return LiquiditySide.MAKER
    if order is not None:
        if order.is_post_only:
            return LiquiditySide.MAKER
        if order.order_type is OrderType.MARKET or order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            return LiquiditySide.TAKER
    return _liquidity_by_rate(fill, instrument)


def build_fill_report(
    fill: Fill,
    instrument: Instrument,
    account_id: AccountId,
    order: Order | None,
    client_order_id: ClientOrderId | None,
    ts_init: int,
) -> FillReport:
    """The report of a trade; ``order`` where we know it."""
    return FillReport(
        account_id=account_id,
        instrument_id=instrument.id,
        client_order_id=client_order_id,
        venue_order_id=VenueOrderId(fill.order_id),
        trade_id=TradeId(fill.id),
        order_side=order_side_of(fill.side),
        last_qty=instrument.make_qty(fill.quantity),
        last_px=instrument.make_price(fill.price),
        commission=commission_of(fill, instrument),
        liquidity_side=liquidity_of(fill, instrument, order),
        report_id=UUID4(),
        ts_event=int(fill.traded_ns),
        ts_init=ts_init,
    )


def _liquidity_by_rate(fill: Fill, instrument: Instrument) -> LiquiditySide:
    """The account's maker and taker rates, where they differ, tell the sides apart."""
    if fill.fee is None or fill.fee_currency is None or instrument.maker_fee == instrument.taker_fee:
        return LiquiditySide.NO_LIQUIDITY_SIDE
    is_in_base = instrument.base_currency is not None and fill.fee_currency == instrument.base_currency.code
    charged_on = fill.quantity if is_in_base else fill.quantity * fill.price
    if not charged_on:
        return LiquiditySide.NO_LIQUIDITY_SIDE
    rate = fill.fee / charged_on
    sides = ((instrument.taker_fee, LiquiditySide.TAKER), (instrument.maker_fee, LiquiditySide.MAKER))
    for known, side in sides:
        if abs(rate - known) <= _RATE_TOLERANCE * abs(known):
            return side
    return LiquiditySide.NO_LIQUIDITY_SIDE
