"""Orders, fills, balances, ledger lines and positions in VALR's shapes; an order has one for every route."""

from decimal import Decimal

from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.decimals import ZERO, ratio, text
from helios_nautilus.simulator.exchange.events import FundingPaid, Transaction
from helios_nautilus.simulator.exchange.fees import SIMPLE_PERCENT
from helios_nautilus.simulator.exchange.ledger import Balance
from helios_nautilus.simulator.exchange.listing import Listing, Pair
from helios_nautilus.simulator.exchange.margin import REFERENCE, Margin, MarginState
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.orders import Fill, Order, OrderState
from helios_nautilus.simulator.exchange.positions import Position, Reduction
from helios_nautilus.simulator.exchange.stamps import iso
from helios_nautilus.simulator.exchange.venue import Venue


def order_status_json(order: Order) -> Json:
    """One order by its id."""
    return (
        {
            "orderId": order.order_id,
            "orderStatusType": order.status,
            "currencyPair": order.pair.symbol,
            "originalPrice": text(order.price),
            "remainingQuantity": text(order.remaining),
            "originalQuantity": text(order.quantity),
            "orderSide": order.side.value,
            "orderType": order.type.value,
            "failedReason": order.failed_reason,
            "orderUpdatedAt": iso(order.updated_ns),
            "orderCreatedAt": iso(order.created_ns),
        }
        | _optional(order)
        | {"timeInForce": order.time_in_force.value}
    )


def open_order_json(order: Order) -> Json:
    """An open order as REST lists it."""
    done = ratio(order.executed * 100, order.quantity, 2) if order.quantity else ZERO
    return (
        {
            "orderId": order.order_id,
            "side": order.side.value,
            "remainingQuantity": text(order.remaining),
            "price": text(order.price),
            "currencyPair": order.pair.symbol,
            "createdAt": iso(order.created_ns),
            "originalQuantity": text(order.quantity),
            "filledPercentage": f"{done:.2f}",
        }
        | _optional(order)
        | {
            "updatedAt": iso(order.updated_ns),
            "status": order.status,
            "type": order.type.value,
            "timeInForce": order.time_in_force.value,
            "allowMargin": order.allow_margin,
        }
    )


def stream_open_order_json(order: Order) -> Json:
    """An open order as the socket lists it: what remains is called ``quantity``."""
    shown = open_order_json(order)
    shown["quantity"] = shown.pop("remainingQuantity")
    return shown


def order_summary_json(order: Order) -> Json:
    """An order as history shows it."""
    rewarded = order.reward and not order.fee
    return (
        {
            "orderId": order.order_id,
            "orderStatusType": order.status,
            "currencyPair": order.pair.symbol,
            "averagePrice": text(order.average_price),
            "originalPrice": text(order.price),
            "remainingQuantity": text(order.remaining),
            "originalQuantity": text(order.quantity),
            "total": text(order.total),
            "totalExecutedQuantity": text(order.executed),
            "totalFee": text(ZERO if rewarded else order.fee),
            "feeCurrency": order.fee_currency,
            "orderSide": order.side.value,
            "orderType": order.type.value,
            "failedReason": order.failed_reason,
            "orderUpdatedAt": iso(order.updated_ns),
            "orderCreatedAt": iso(order.created_ns),
        }
        | _optional(order)
        | {"timeInForce": order.time_in_force.value}
    )


def order_state_json(order: Order, state: OrderState) -> Json:
    """One step of an order's life: history detail and ``ORDER_STATUS_UPDATE``."""
    return order_status_json(order) | {
        "orderStatusType": state.status,
        "originalPrice": text(state.price),
        "remainingQuantity": text(state.remaining),
        "originalQuantity": text(state.quantity),
        "orderUpdatedAt": iso(state.updated_ns),
        "executedPrice": text(state.executed_price),
        "executedQuantity": text(state.executed_quantity),
        "executedFee": text(max(state.executed_fee, ZERO)),
    }


def fill_json(fill: Fill) -> Json:
    """A fill on REST."""
    return stream_fill_json(fill) | {"sequenceId": fill.sequence}


def stream_fill_json(fill: Fill) -> Json:
    """The ``data`` of ``NEW_ACCOUNT_TRADE``: a negative fee is a maker reward instead."""
    shown: Json = {
        "price": text(fill.price),
        "quantity": text(fill.quantity),
        "currencyPair": fill.symbol,
        "tradedAt": iso(fill.traded_ns),
        "side": fill.side.value,
        "orderId": fill.order_id,
        "id": fill.trade_id,
    }
    if fill.fee < 0:
        shown |= {"makerReward": text(-fill.fee), "makerRewardCurrency": fill.fee_currency}
    else:
        shown |= {"fee": text(fill.fee), "feeCurrency": fill.fee_currency}
    if fill.customer_order_id:
        shown["customerOrderId"] = fill.customer_order_id
    return shown


def balance_json(currency: str, balance: Balance) -> Json:
    """A balance on REST."""
    return {
        "currency": currency,
        "available": text(balance.available),
        "reserved": text(balance.reserved),
        "total": text(balance.total),
        "updatedAt": iso(balance.updated_ns),
        "lendReserved": "0",
        "borrowReserved": "0",
        "borrowedAmount": text(balance.borrowed),
    }


def balances_json(venue: Venue, account: Account, *, without_zero: bool) -> list[Json]:
    """All currencies of an account, those it never had as zeros unless they are left out."""
    held = ((code, venue.engine.ledger.balance(account.account_id, code)) for code in venue.listing.currencies)
    return [
        balance_json(code, balance) for code, balance in held if balance.total or balance.reserved or not without_zero
    ]


def stream_balance_json(listing: Listing, margin: Margin, currency: str, balance: Balance) -> Json:
    """The ``data`` of ``BALANCE_UPDATE``: the currency is an object and collateral has another key."""
    shown = balance_json(currency, balance)
    del shown["borrowReserved"]
    value = margin.in_reference(currency, balance.total)
    return shown | {
        "currency": stream_currency_json(listing, currency),
        "borrowCollateralReserved": "0",
        "totalInReference": text(round(value, 8)),
        "totalInReferenceWeighted": text(round(value * margin.weight(currency), 9)),
        "referenceCurrency": REFERENCE,
    }


def stream_currency_json(listing: Listing, code: str) -> Json:
    """A currency inside socket frames: its decimals are JSON numbers."""
    currency = listing.currencies[code]
    return {
        "symbol": currency.symbol,
        "decimalPlaces": currency.decimals,
        "isActive": True,
        "shortName": code,
        "longName": currency.name,
        "supportedWithdrawDecimalPlaces": currency.withdrawal_decimals,
        "collateral": currency.weight > 0,
        "collateralWeight": text(currency.weight),
    }


def transaction_json(listing: Listing, one: Transaction) -> Json:
    """A ledger line on REST."""
    shown: Json = {"transactionType": {"type": one.kind, "description": _describe(one.kind)}}
    for name, money in (("debit", one.debit), ("credit", one.credit), ("fee", one.fee)):
        if money is not None:
            shown |= {f"{name}Currency": money[0], f"{name}Value": text(money[1])}
    shown["eventAt"] = iso(one.event_ns)
    if one.order_id is not None:
        pair = listing.pairs[one.symbol]
        shown["additionalInfo"] = {
            # The one price VALR sends as a JSON number.
            "costPerCoin": _number(one.price),
            "costPerCoinSymbol": listing.currencies[pair.quote].symbol,
            "currencyPairSymbol": one.symbol,
            "orderId": one.order_id,
        }
    elif one.details:
        shown["additionalInfo"] = one.details
    shown["id"] = one.transaction_id
    return shown


def stream_transaction_json(listing: Listing, one: Transaction) -> Json:
    """The ``data`` of ``NEW_ACCOUNT_HISTORY_RECORD``: currencies are objects."""
    shown = transaction_json(listing, one)
    for key in ("debitCurrency", "creditCurrency", "feeCurrency"):
        if key in shown:
            shown[key] = stream_currency_json(listing, str(shown[key]))
    return shown


def position_json(position: Position, mark: Decimal, leverage: int) -> Json:
    """An open position, on REST and on the socket."""
    return {
        "pair": position.pair.symbol,
        "side": position.side.value,
        "quantity": text(position.quantity),
        "realisedPnl": text(position.realised),
        "totalSessionEntryQuantity": text(position.quantity),
        "totalSessionValue": text(position.session_value),
        "sessionAverageEntryPrice": text(position.session_entry_price),
        "averageEntryPrice": text(position.average_entry_price),
        "unrealisedPnl": text(position.unrealised(mark)),
        "updatedAt": iso(position.updated_ns),
        "createdAt": iso(position.created_ns),
        "positionId": position.position_id,
        "leverageTier": leverage,
    }


def reduction_json(one: Reduction) -> Json:
    """A closed part of a position; ``orderSide`` is the position's side."""
    return {
        "currencyPair": one.symbol,
        "orderSide": one.side.value,
        "quantity": text(one.quantity),
        "averageEntryPrice": text(one.entry_price),
        "closePrice": text(one.close_price),
        "realisedPnl": text(one.realised),
        "closeType": one.close_type,
        "createdAt": iso(one.closed_ns),
        "fees": text(one.fees),
        "positionId": one.position_id,
    }


def funding_json(one: FundingPaid) -> Json:
    """An account's part of a funding run: below 0 it paid."""
    return {
        "currencyPair": one.symbol,
        "side": one.side,
        "createdAt": iso(one.paid_ns),
        "fundingRate": text(one.rate),
        "fundingAmount": text(one.amount),
        "positionTotal": text(one.value),
        "positionId": one.position_id,
    }


def fee_rates_json(account: Account, pair: Pair) -> Json:
    """Rates in percentage points; perpetuals have no simple orders."""
    rates = account.rates(pair)
    shown: Json = {
        "currencyPair": pair.symbol,
        "makerPercentage": text(rates.maker),
        "takerPercentage": text(rates.taker),
    }
    return shown if pair.is_perpetual else shown | {"simplePercentage": text(SIMPLE_PERCENT)}


def margin_json(state: MarginState) -> Json:
    """Margin status, v2 spelling, and the ``data`` of ``MARGIN_INFO``; fractions are absent without exposure."""
    fractions = state.fractions
    shown: Json = {
        "initialMarginFraction": text(fractions.initial),
        "totalLeveragedExposureInReference": _amount(state.exposure),
        "collateralizedBalancesInReference": _amount(state.collateral),
        "referenceCurrency": REFERENCE,
        "initialRequiredInReference": _amount(state.initial_required),
        "availableInReference": _amount(state.available),
        "maintenanceMarginFraction": text(fractions.maintenance),
        "autoCloseMarginFraction": text(fractions.auto_close),
        "totalPositionsAtEntryInReference": _amount(state.positions_at_entry),
        "totalUnrealisedFuturesPnlInReference": _amount(state.unrealised),
        "totalBorrowedInReference": _amount(state.borrowed),
        "tradeReservedInReference": _amount(state.trade_reserved),
    }
    if state.fraction is not None:
        shown |= {
            "marginFraction": text(state.fraction),
            "collateralizedMarginFraction": text(state.fraction),
            "leverageMultiple": float(round(1 / state.fraction, 2)) if state.fraction > 0 else 0.0,
        }
    return shown


def _describe(kind: str) -> str:
    if kind == "INTERNAL_TRANSFER":
        return "Transfer"
    return kind.replace("_", " ").title().replace("Pnl", "PNL")


def _amount(value: Decimal) -> str:
    return text(round(value, 12))


def _number(price: Decimal) -> int | float:
    return int(price) if price == price.to_integral_value() else float(price)


def _optional(order: Order) -> Json:
    """Keys that are absent rather than empty."""
    shown: Json = {}
    if order.customer_order_id:
        shown["customerOrderId"] = order.customer_order_id
    if order.stop_price is not None:
        shown["stopPrice"] = text(order.stop_price)
    return shown
