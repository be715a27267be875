"""Public market data in VALR's shapes."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from helios_nautilus.domain.timeframe import NS_PER_HOUR
from helios_nautilus.simulator.exchange.candles import Candle
from helios_nautilus.simulator.exchange.decimals import ZERO, ratio, text, times
from helios_nautilus.simulator.exchange.leverage import DEFAULT_LEVERAGE, MOST_LEVERAGE, fractions_of, risk_limit
from helios_nautilus.simulator.exchange.listing import Currency, Pair
from helios_nautilus.simulator.exchange.orders import Side, Trade
from helios_nautilus.simulator.exchange.perpetuals import PNL_RUN_NS
from helios_nautilus.simulator.exchange.stamps import iso, iso_seconds
from helios_nautilus.simulator.exchange.venue import Venue

type Json = dict[str, object]


def pair_json(pair: Pair) -> Json:
    """A row of ``/v1/public/pairs``."""
    shown: Json = {
        "symbol": pair.symbol,
        "baseCurrency": pair.base,
        "quoteCurrency": pair.quote,
        "shortName": f"{pair.base}/{pair.symbol.removeprefix(pair.base)}",
        "active": pair.active,
        "minBaseAmount": text(pair.base_range[0]),
        "maxBaseAmount": text(pair.base_range[1]),
        "minQuoteAmount": text(pair.quote_range[0]),
        "maxQuoteAmount": text(pair.quote_range[1]),
        "tickSize": text(pair.tick),
        "baseDecimalPlaces": str(pair.places),
        "marginTradingAllowed": pair.allows_margin,
        "currencyPairType": "FUTURE" if pair.is_perpetual else "SPOT",
    }
    if pair.margins is not None:
        names = ("initialMarginFraction", "maintenanceMarginFraction", "autoCloseMarginFraction")
        shown |= dict(zip(names, map(text, pair.margins), strict=True))
    return shown


def currency_json(code: str, currency: Currency) -> Json:
    """A row of ``/v1/public/currencies``; the rand's symbol is "R"."""
    return {
        "symbol": currency.symbol,
        "isActive": True,
        "shortName": code,
        "longName": currency.name,
        "decimalPlaces": str(currency.decimals),
        "withdrawalDecimalPlaces": str(currency.withdrawal_decimals),
        "collateral": currency.weight > 0,
        "collateralWeight": text(currency.weight),
    }


def book_json(venue: Venue, pair: Pair, sequence: int, changed_ns: int, depth: int = 40) -> Json:
    """The aggregated book: REST and ``AGGREGATED_ORDERBOOK_UPDATE``."""
    book = venue.engine.books[pair.symbol]

    def side_json(side: Side) -> list[Json]:
        return [
            {
                "side": side.value,
                "quantity": text(level.total),
                "price": text(level.price),
                "currencyPair": pair.symbol,
                "orderCount": len(level.orders),
            }
            for level in islice(book.levels(side), depth)
        ]

    return {
        "Asks": side_json(Side.SELL),
        "Bids": side_json(Side.BUY),
        "LastChange": iso(changed_ns),
        "SequenceNumber": sequence,
    }


def full_book_json(venue: Venue, pair: Pair, sequence: int, changed_ns: int) -> Json:
    """Every order, with its place in the queue."""
    book = venue.engine.books[pair.symbol]

    def side_json(side: Side) -> list[Json]:
        return [
            {
                "side": side.value,
                "quantity": text(order.remaining),
                "price": text(level.price),
                "currencyPair": pair.symbol,
                "id": order.order_id,
                "positionAtPrice": position,
            }
            for level in book.levels(side)
            for position, order in enumerate(level.orders.values(), start=1)
        ]

    return {
        "Asks": side_json(Side.SELL),
        "Bids": side_json(Side.BUY),
        "LastChange": iso(changed_ns),
        "SequenceNumber": sequence,
    }


def trade_json(trade: Trade) -> Json:
    """A public trade as REST shows it."""
    return stream_trade_json(trade) | {
        "sequenceId": trade.sequence,
        "quoteVolume": text(times(trade.price, trade.quantity)),
    }


def stream_trade_json(trade: Trade) -> Json:
    """The ``data`` of ``NEW_TRADE``: no ``sequenceId``."""
    return {
        "price": text(trade.price),
        "quantity": text(trade.quantity),
        "currencyPair": trade.symbol,
        "tradedAt": iso(trade.traded_ns),
        "takerSide": trade.taker_side.value,
        "id": trade.trade_id,
    }


def candle_json(symbol: str, period_secs: int, candle: Candle) -> Json:
    """A bucket, named by its open time."""
    return {
        "currencyPairSymbol": symbol,
        "bucketPeriodInSeconds": period_secs,
        "startTime": iso_seconds(candle.start_ns),
        "open": text(candle.open),
        "high": text(candle.high),
        "low": text(candle.low),
        "close": text(candle.close),
        "volume": text(candle.volume),
        "quoteVolume": text(candle.quote_volume),
    }


def mark_candle_json(symbol: str, period_secs: int, candle: Candle) -> Json:
    """A mark-price bucket: no volumes."""
    shown = candle_json(symbol, period_secs, candle)
    del shown["volume"], shown["quoteVolume"]
    return shown


def flat_candle(close: Decimal, start_ns: int) -> Candle:
    """A candle in which nothing traded."""
    return Candle(start_ns=start_ns, open=close, high=close, low=close, close=close)


def summary_json(venue: Venue, pair: Pair) -> Json:
    """A market summary, keyed ``currencyPair`` as on REST; "0" where there is nothing."""
    book = venue.engine.books[pair.symbol]
    last = venue.engine.margin.last_prices.get(pair.symbol, ZERO)
    day = venue.candles[pair.symbol].day(venue.now_ns) or flat_candle(last, venue.now_ns)
    change = ratio((last - day.open) * 100, day.open, 2) if day.open else ZERO
    return {
        "currencyPair": pair.symbol,
        "askPrice": text(book.best(Side.SELL) or ZERO),
        "bidPrice": text(book.best(Side.BUY) or ZERO),
        "lastTradedPrice": text(last),
        "previousClosePrice": text(day.open),
        "baseVolume": text(day.volume),
        "quoteVolume": text(day.quote_volume),
        "highPrice": text(day.high),
        "lowPrice": text(day.low),
        "created": iso(venue.now_ns),
        "changeFromPrevious": text(change),
        "markPrice": text(venue.engine.margin.mark_prices.get(pair.symbol, ZERO)),
    }


def futures_info_json(venue: Venue, pair: Pair) -> Json:
    """Estimated funding and open interest of a perpetual."""
    next_hour_ns = venue.now_ns // NS_PER_HOUR * NS_PER_HOUR + NS_PER_HOUR
    next_run_ns = venue.now_ns // PNL_RUN_NS * PNL_RUN_NS + PNL_RUN_NS
    positions = venue.engine.positions.of_pair(pair.symbol)
    interest = sum((position.quantity for position in positions if position.side is Side.BUY), ZERO)
    return {
        "currencyPair": pair.symbol,
        "estimatedFundingRate": text(venue.perpetuals.rate(pair.symbol, next_hour_ns)),
        "openInterest": text(interest),
        "nextFundingRun": next_hour_ns // 1_000_000,
        "nextPnlRun": next_run_ns // 1_000_000,
    }


def funding_rows(venue: Venue, pair: Pair, start_ns: int, end_ns: int) -> Iterable[Json]:
    """Past funding rates, newest first; hours at rate zero are missing, as on VALR."""
    hour_ns = min(end_ns, venue.now_ns) // NS_PER_HOUR * NS_PER_HOUR
    while hour_ns >= start_ns:
        rate = venue.perpetuals.rate(pair.symbol, hour_ns)
        if rate:
            yield {"currencyPair": pair.symbol, "fundingRate": text(rate), "fundingTime": iso_seconds(hour_ns)}
        hour_ns -= NS_PER_HOUR


def risk_limits_json(pair: Pair) -> list[Json]:
    """Leverage tiers of a perpetual, all figures JSON numbers; none of a spot pair."""
    return [leverage_json(pair, leverage) for leverage in range(1, MOST_LEVERAGE + 1)] if pair.is_perpetual else []


def leverage_json(pair: Pair, leverage: int) -> Json:
    """One leverage tier."""
    fractions = fractions_of(leverage)
    return {
        "pairSymbol": pair.symbol,
        "leverageMultiple": leverage,
        "initialMarginFraction": float(fractions.initial),
        "maintenanceMarginFraction": float(fractions.maintenance),
        "autoCloseMarginFraction": float(fractions.auto_close),
        "riskLimitValue": risk_limit(leverage),
        "riskLimitCurrency": pair.quote,
        "isDefault": leverage == DEFAULT_LEVERAGE,
    }


def chosen_leverage_json(pair: Pair, leverage: int) -> Json:
    """An account's leverage: the same tier with another key for its limit."""
    shown = leverage_json(pair, leverage)
    del shown["isDefault"]
    shown["riskLimit"] = shown.pop("riskLimitValue")
    return shown
