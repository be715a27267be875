"""REST: an account's perpetual positions, open and closed, their steps and their funding."""

from collections.abc import Iterable
from decimal import Decimal

from helios_nautilus.simulator.exchange import account_json
from helios_nautilus.simulator.exchange.decimals import ZERO, ratio, text, times
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.positions import PositionStep, Reduction
from helios_nautilus.simulator.exchange.routing import Call, Reply, Route
from helios_nautilus.simulator.exchange.stamps import iso
from helios_nautilus.simulator.exchange.venue import Venue

_PRICE_PLACES = 10


class PositionRoutes:
    """Handlers of ``/v1/positions``; all newest first."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._engine = venue.engine

    def table(self) -> list[Route]:
        """The routes."""
        return [
            Route("GET", "/v1/positions/open", self._open, "View access"),
            Route("GET", "/v1/positions/closed", self._closed, "View access"),
            Route("GET", "/v1/positions/closed/summary", self._summaries, "View access"),
            Route("GET", "/v1/positions/history", self._history, "View access"),
            Route("GET", "/v1/positions/funding/history", self._funding, "View access"),
        ]

    def _open(self, call: Call) -> Reply:
        wanted = call.query.get("currencyPair")
        margin, account = self._engine.margin, call.account
        rows = [
            account_json.position_json(
                position, margin.mark(position.pair.symbol), account.leverage_of(position.pair.symbol)
            )
            for position in self._engine.positions.of_account(account.account_id)
            if wanted in (None, position.pair.symbol)
        ]
        return Reply(call.page(rows))

    def _closed(self, call: Call) -> Reply:
        return Reply(call.page([account_json.reduction_json(one) for one in self._reductions(call)]))

    def _summaries(self, call: Call) -> Reply:
        """One row a position, made of all its closed parts."""
        parts: dict[str, list[Reduction]] = {}
        for one in self._reductions(call):
            parts.setdefault(one.position_id, []).append(one)
        return Reply(call.page([_summary_json(reductions) for reductions in parts.values()]))

    def _history(self, call: Call) -> Reply:
        symbol = self._venue.listing.pair(call.query.get("currencyPair")).symbol
        steps = self._engine.positions.steps[call.account.account_id]
        return Reply(call.page([_step_json(step) for step in reversed(steps) if step.symbol == symbol]))

    def _funding(self, call: Call) -> Reply:
        symbol = self._venue.listing.pair(call.query.get("currencyPair")).symbol
        rows = [
            account_json.funding_json(one)
            for one in reversed(self._venue.perpetuals.funding[call.account.account_id])
            if one.symbol == symbol
        ]
        return Reply(call.page(rows))

    def _reductions(self, call: Call) -> list[Reduction]:
        wanted = call.query.get("currencyPair")
        reductions = self._engine.positions.reductions[call.account.account_id]
        return [one for one in reversed(reductions) if wanted in (None, one.symbol)]


def _summary_json(parts: list[Reduction]) -> Json:
    quantity = sum((part.quantity for part in parts), ZERO)

    def average(prices: Iterable[Decimal]) -> str:
        value = sum((times(part.quantity, price) for part, price in zip(parts, prices, strict=True)), ZERO)
        return text(ratio(value, quantity, _PRICE_PLACES))

    one = parts[0]
    return {
        "currencyPair": one.symbol,
        "side": one.side.value,
        "quantity": text(quantity),
        "averageEntryPrice": average(part.entry_price for part in parts),
        "averageClosePrice": average(part.close_price for part in parts),
        "realisedPnl": text(sum((part.realised for part in parts), ZERO)),
        "fees": text(sum((part.fees for part in parts), ZERO)),
        "positionCreatedAt": iso(one.opened_ns),
        "positionId": one.position_id,
    }


def _step_json(step: PositionStep) -> Json:
    return {
        "updateType": step.kind,
        "currencyPair": step.symbol,
        "side": step.side.value,
        "quantity": text(step.quantity),
        "realisedPnl": text(step.realised),
        "totalSessionEntryQuantity": text(step.quantity),
        "totalSessionValue": text(step.session_value),
        "sessionAverageEntryPrice": text(step.session_entry_price),
        "averageEntryPrice": text(step.entry_price),
        "updatedAt": iso(step.updated_ns),
        "positionId": step.position_id,
    }
