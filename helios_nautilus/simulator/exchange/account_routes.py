"""REST: keys, balances, fills, the ledger, fees, margin and positions of an account."""

from collections.abc import Sequence

from helios_nautilus.simulator.exchange import account_json
from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.market_json import Json, leverage_json
from helios_nautilus.simulator.exchange.orders import Fill
from helios_nautilus.simulator.exchange.refusals import Code, Refusal, invalid_field
from helios_nautilus.simulator.exchange.routing import Call, Reply, Route
from helios_nautilus.simulator.exchange.stamps import iso, parse_iso
from helios_nautilus.simulator.exchange.venue import Venue

_MOST_TRANSACTIONS = 200
_MOST_LEVERAGE = 60


class AccountRoutes:
    """Handlers of ``/v1/account``, ``/v1/margin`` and ``/v1/positions``."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._engine = venue.engine

    def table(self) -> list[Route]:
        """The routes."""
        account = "/v1/account"
        return [
            Route("GET", f"{account}/api-keys/current", self._key, "View access"),
            Route("GET", f"{account}/balances", self._balances, "View access"),
            Route("GET", f"{account}/balances/all", self._all_balances, "View access"),
            Route("GET", f"{account}/tradehistory", self._fills, "View access"),
            Route("GET", f"{account}/{{pair}}/tradehistory", self._pair_fills, "View access"),
            Route("GET", f"{account}/transactionhistory", self._transactions, "View access"),
            Route("GET", f"{account}/fees/trade", self._fees, "View access"),
            Route("GET", f"{account}/subaccounts", self._sub_accounts, "View access"),
            Route("GET", "/v1/margin/account/status", self._margin_account, "View access"),
            Route("GET", "/v1/margin/status", self._margin_v1, "View access"),
            Route("GET", "/v2/margin/status", self._margin_v2, "View access"),
            Route("GET", "/v1/margin/leverage/{pair}", self._leverage, "View access"),
            Route("PUT", "/v1/margin/leverage/{pair}", self._set_leverage, "Trade"),
            Route("GET", "/v1/positions/open", self._positions, "View access"),
            Route("GET", "/v1/positions/closed", self._closed, "View access"),
            Route("GET", "/v1/positions/funding/history", self._funding, "View access"),
        ]

    def _key(self, call: Call) -> Reply:
        key = call.key
        return Reply(
            {
                "label": key.label,
                "permissions": key.permissions,
                "addedAt": iso(key.added_ns),
                "isSubAccount": not self._venue.accounts[key.account_id].is_primary,
            }
        )

    def _balances(self, call: Call) -> Reply:
        return Reply(self._balance_rows(call.account, without_zero=call.flag("excludeZeroBalances")))

    def _all_balances(self, call: Call) -> Reply:
        _require_primary(call)
        return Reply(
            [
                {
                    "account": {"label": account.label, "id": account.account_id},
                    "balances": self._balance_rows(account, without_zero=True),
                }
                for account in self._venue.accounts
            ]
        )

    def _balance_rows(self, account: Account, *, without_zero: bool) -> list[Json]:
        ledger = self._engine.ledger
        held = ((currency, ledger.balance(account.account_id, currency)) for currency in self._venue.listing.currencies)
        return [
            account_json.balance_json(currency, balance)
            for currency, balance in held
            if balance.total or balance.reserved or not without_zero
        ]

    def _fills(self, call: Call) -> Reply:
        """All pairs; a filter by pair is ignored, as on VALR."""
        fills = self._newest_fills(call.account)
        start_ns = parse_iso(call.query.get("startTime"), "startTime")
        end_ns = parse_iso(call.query.get("endTime"), "endTime")
        before = call.query.get("beforeId")
        if before is not None:
            ids = [fill.trade_id for fill in fills]
            fills = fills[ids.index(before) + 1 :] if before in ids else []
        fills = [
            fill
            for fill in fills
            if (start_ns is None or fill.traded_ns >= start_ns) and (end_ns is None or fill.traded_ns <= end_ns)
        ]
        return Reply([account_json.fill_json(fill) for fill in call.page(fills)])

    def _pair_fills(self, call: Call) -> Reply:
        symbol = self._venue.listing.pair(call.path["pair"]).symbol
        fills = [fill for fill in self._newest_fills(call.account) if fill.symbol == symbol]
        return Reply([account_json.fill_json(fill) for fill in call.page(fills)])

    def _newest_fills(self, account: Account) -> Sequence[Fill]:
        return self._engine.settlement.fills[account.account_id][::-1]

    def _transactions(self, call: Call) -> Reply:
        rows = self._engine.settlement.transactions[call.account.account_id][::-1]
        start_ns = parse_iso(call.query.get("startTime"), "startTime")
        end_ns = parse_iso(call.query.get("endTime"), "endTime")
        kinds = set(filter(None, call.query.get("transactionTypes", "").split(",")))
        currency = call.query.get("currency")
        before = call.query.get("beforeId")
        if before is not None:
            ids = [row.transaction_id for row in rows]
            rows = rows[ids.index(before) + 1 :] if before in ids else []
        found = [
            row
            for row in rows
            if (start_ns is None or row.event_ns >= start_ns)
            and (end_ns is None or row.event_ns <= end_ns)
            and (not kinds or row.kind in kinds)
            and (not currency or currency in {money[0] for money in (row.debit, row.credit) if money})
        ]
        shown = call.page(found, most=_MOST_TRANSACTIONS)
        return Reply([account_json.transaction_json(self._venue.listing, row) for row in shown])

    def _fees(self, call: Call) -> Reply:
        pairs = self._venue.listing.pairs.values()
        return Reply([account_json.fee_rates_json(call.account, pair) for pair in pairs if pair.active])

    def _sub_accounts(self, call: Call) -> Reply:
        _require_primary(call)
        return Reply([{"label": account.label, "id": account.account_id} for account in self._venue.accounts])

    def _margin_account(self, call: Call) -> Reply:
        account = call.account
        return Reply(
            {
                "marginEnabled": account.margin_enabled,
                "inLiquidation": False,
                "futuresEnabled": account.futures_enabled,
            }
        )

    def _margin_v2(self, call: Call) -> Reply:
        orders = self._engine.open_orders(call.account.account_id)
        return Reply(account_json.margin_json(self._engine.margin.state(call.account, orders)))

    def _margin_v1(self, call: Call) -> Reply:
        """The same in British spelling and without what v2 added."""
        shown = self._margin_v2(call).body
        assert isinstance(shown, dict), "margin status is an object"
        later = ("totalLeveragedExposureInReference", "tradeReservedInReference")
        return Reply({key.replace("ollateralized", "ollateralised"): shown[key] for key in shown if key not in later})

    def _leverage(self, call: Call) -> Reply:
        """VALR answers 404 without a body while nothing was set."""
        pair = self._venue.listing.pair(call.path["pair"])
        if not pair.is_perpetual:
            raise Refusal(Code.UNSUPPORTED_PAIR)
        leverage = call.account.leverage.get(pair.symbol)
        if leverage is None:
            return Reply(status=404)
        shown = leverage_json(pair, leverage)
        del shown["isDefault"]
        shown["riskLimit"] = shown.pop("riskLimitValue")
        return Reply(shown)

    def _set_leverage(self, call: Call) -> Reply:
        """Number or string."""
        pair = self._venue.listing.pair(call.path["pair"])
        leverage = str(call.body.get("leverageMultiple"))
        if not pair.is_perpetual:
            raise Refusal(Code.UNSUPPORTED_PAIR)
        if not leverage.isdigit() or not 1 <= int(leverage) <= _MOST_LEVERAGE:
            raise invalid_field("leverageMultiple", f"must be between 1 and {_MOST_LEVERAGE}")
        call.account.leverage[pair.symbol] = int(leverage)
        return Reply(status=202)

    def _positions(self, call: Call) -> Reply:
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
        wanted = call.query.get("currencyPair")
        rows = [
            account_json.reduction_json(one)
            for one in reversed(self._engine.positions.reductions)
            if one.account_id == call.account.account_id and wanted in (None, one.symbol)
        ]
        return Reply(call.page(rows))

    def _funding(self, call: Call) -> Reply:
        symbol = self._venue.listing.pair(call.query.get("currencyPair")).symbol
        rows = [
            account_json.funding_json(one)
            for one in reversed(self._venue.perpetuals.funding[call.account.account_id])
            if one.symbol == symbol
        ]
        return Reply(call.page(rows))


def _require_primary(call: Call) -> None:
    """Primary-only routes refuse sub-account keys and impersonation alike."""
    if not call.account.is_primary:
        raise Refusal(Code.INVALID_REQUEST, "Only the primary account may do this", status=401)
