"""REST: the key, balances, fills, ledger, fees and margin of an account."""

from collections.abc import Sequence

from helios_nautilus.simulator.exchange import account_json
from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.events import LeverageChanged
from helios_nautilus.simulator.exchange.leverage import MOST_LEVERAGE
from helios_nautilus.simulator.exchange.market_json import chosen_leverage_json
from helios_nautilus.simulator.exchange.orders import Fill
from helios_nautilus.simulator.exchange.refusals import Code, Refusal, invalid_field
from helios_nautilus.simulator.exchange.routing import Call, Reply, Route
from helios_nautilus.simulator.exchange.stamps import iso, parse_iso
from helios_nautilus.simulator.exchange.venue import Venue

_MOST_TRANSACTIONS = 200


class AccountRoutes:
    """Handlers of ``/v1/account`` and ``/v1/margin``."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._engine = venue.engine

    def table(self) -> list[Route]:
        """The routes."""
        account = "/v1/account"
        return [
            Route("GET", f"{account}/api-keys/current", self._key, "View access"),
            Route("GET", f"{account}/balances", self._balances, "View access"),
            Route("GET", f"{account}/tradehistory", self._fills, "View access"),
            Route("GET", f"{account}/{{pair}}/tradehistory", self._pair_fills, "View access"),
            Route("GET", f"{account}/transactionhistory", self._transactions, "View access"),
            Route("GET", f"{account}/fees/trade", self._fees, "View access"),
            Route("GET", "/v1/margin/account/status", self._margin_account, "View access"),
            Route("PUT", "/v1/margin/account/status", self._enable, "Trade"),
            Route("GET", "/v1/margin/status", self._margin_v1, "View access"),
            Route("GET", "/v2/margin/status", self._margin_v2, "View access"),
            Route("GET", "/v1/margin/leverage/{pair}", self._leverage, "View access"),
            Route("PUT", "/v1/margin/leverage/{pair}", self._set_leverage, "Trade"),
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
        without_zero = call.flag("excludeZeroBalances")
        return Reply(account_json.balances_json(self._venue, call.account, without_zero=without_zero))

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

    def _margin_account(self, call: Call) -> Reply:
        account = call.account
        return Reply(
            {
                "marginEnabled": account.margin_enabled,
                "inLiquidation": account.in_liquidation,
                "futuresEnabled": account.futures_enabled,
            }
        )

    def _enable(self, call: Call) -> Reply:
        """One way: what is enabled stays so."""
        account = call.account
        if account.is_primary:
            raise Refusal(Code.NOT_A_SUB_ACCOUNT)
        if call.body.get("enabled") not in (True, "true"):
            raise invalid_field("enabled", "can only be switched on")
        match call.body.get("accountStatusFieldName"):
            case "MARGIN_ENABLED":
                account.margin_enabled = True
            case "FUTURES_ENABLED":
                account.futures_enabled = True
            case _:
                raise invalid_field("accountStatusFieldName", "must be MARGIN_ENABLED or FUTURES_ENABLED")
        return Reply()

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
        return Reply(chosen_leverage_json(pair, leverage))

    def _set_leverage(self, call: Call) -> Reply:
        """Number or string."""
        pair = self._venue.listing.pair(call.path["pair"])
        leverage = str(call.body.get("leverageMultiple"))
        if not pair.is_perpetual:
            raise Refusal(Code.UNSUPPORTED_PAIR)
        if not leverage.isdigit() or not 1 <= int(leverage) <= MOST_LEVERAGE:
            raise invalid_field("leverageMultiple", f"must be between 1 and {MOST_LEVERAGE}")
        call.account.leverage[pair.symbol] = int(leverage)
        self._venue.publish(LeverageChanged(call.account.account_id, pair.symbol, int(leverage)))
        return Reply(status=202)
