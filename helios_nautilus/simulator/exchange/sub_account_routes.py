"""REST: sub-accounts of the primary account, what they own, and transfers between accounts."""

from decimal import Decimal, InvalidOperation

from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.simulator.exchange import account_json
from helios_nautilus.simulator.exchange.accounts import INTERNAL_TRANSFER, PRIMARY, Account
from helios_nautilus.simulator.exchange.decimals import text
from helios_nautilus.simulator.exchange.events import Transaction
from helios_nautilus.simulator.exchange.refusals import Code, Refusal, invalid_field
from helios_nautilus.simulator.exchange.routing import Call, Reply, Route
from helios_nautilus.simulator.exchange.stamps import parse_iso
from helios_nautilus.simulator.exchange.venue import Venue

_LONGEST_LABEL = 64
_LONGEST_WINDOW_NS = 7 * NS_PER_DAY


class SubAccountRoutes:
    """Handlers of what spans accounts; all but transfers are for the primary account's own key."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._accounts = venue.accounts

    def table(self) -> list[Route]:
        """The routes."""
        account = "/v1/account"
        return [
            Route("GET", f"{account}/subaccounts", self._list, "View access"),
            Route("GET", f"{account}/subaccount/{{id}}", self._one, "View access"),
            Route("POST", f"{account}/subaccount", self._register, "Trade"),
            Route("PUT", f"{account}/subaccount", self._rename, "Trade"),
            Route("DELETE", f"{account}/subaccount", self._delete, "Trade"),
            Route("GET", f"{account}/balances/all", self._balances, "View access"),
            Route("GET", f"{account}/transactionhistory/subaccounts", self._transactions, "View access"),
            Route("POST", f"{account}/subaccounts/transfer", self._transfer, INTERNAL_TRANSFER),
        ]

    def _list(self, call: Call) -> Reply:
        _require_primary(call)
        return Reply([{"label": account.label, "id": account.account_id} for account in self._accounts])

    def _one(self, call: Call) -> Reply:
        _require_primary(call)
        account = self._sub_account(call.path["id"])
        return Reply({"id": account.account_id, "label": account.label})

    def _register(self, call: Call) -> Reply:
        _require_primary(call)
        account = self._accounts.open_sub_account(self._new_label(call), is_enabled=False)
        return Reply({"id": account.account_id})

    def _rename(self, call: Call) -> Reply:
        _require_primary(call)
        account = self._sub_account(call.body.get("id"))
        account.label = self._new_label(call)
        return Reply(status=202)

    def _delete(self, call: Call) -> Reply:
        _require_primary(call)
        account = self._sub_account(call.body.get("id"))
        if any(balance.total for balance in self._venue.engine.ledger.balances(account.account_id).values()):
            raise Refusal(Code.HAS_BALANCES)
        if account.margin_enabled:
            raise Refusal(Code.MARGIN_ENABLED)
        if account.futures_enabled:
            raise Refusal(Code.FUTURES_ENABLED)
        self._accounts.close(account)
        return Reply(status=204)

    def _balances(self, call: Call) -> Reply:
        _require_primary(call)
        return Reply(
            [
                {
                    "account": {"label": account.label, "id": account.account_id},
                    "balances": account_json.balances_json(self._venue, account, without_zero=True),
                }
                for account in self._accounts
            ]
        )

    def _transactions(self, call: Call) -> Reply:
        """By sub-account, newest first; the window is a day long unless given, and a week at most."""
        _require_primary(call)
        end_ns = parse_iso(call.query.get("endTime"), "endTime") or self._venue.now_ns
        start_ns = parse_iso(call.query.get("startTime"), "startTime") or end_ns - NS_PER_DAY
        if end_ns - start_ns > _LONGEST_WINDOW_NS:
            raise invalid_field("startTime", "the window must not be longer than 7 days")
        shown = []
        for account in self._accounts:
            rows = reversed(self._venue.engine.settlement.transactions[account.account_id])
            page = call.page([row for row in rows if start_ns <= row.event_ns <= end_ns])
            lines = [account_json.transaction_json(self._venue.listing, row) for row in page]
            if lines and not account.is_primary:
                shown.append({"id": account.account_id, "label": account.label, "transactions": lines})
        return Reply(shown)

    def _transfer(self, call: Call) -> Reply:
        """Ids may be numbers or texts. A sub-account's key may only send what is its own."""
        source, target = self._account(call, "fromId"), self._account(call, "toId")
        if source is target:
            raise invalid_field("toId", "must be another account")
        if not call.account.is_primary and source is not call.account:
            raise Refusal(Code.TRANSFER_NOT_PERMITTED)
        currency = str(call.body.get("currencyCode"))
        amount = self._amount(call, currency)
        may_borrow = call.body.get("allowBorrow") in (True, "true") and source.margin_enabled
        engine, now_ns = self._venue.engine, self._venue.now_ns
        if may_borrow:
            engine.margin.check_borrowing(source, currency, amount, engine.open_orders(source.account_id))
        engine.ledger.reserve(source.account_id, currency, amount, now_ns, may_borrow=may_borrow)
        engine.ledger.release(source.account_id, currency, amount, now_ns)
        engine.ledger.transfer(source.account_id, target.account_id, currency, amount, now_ns)
        transfer_id = str(self._venue.ids.next_transfer())
        self._record(source, target, currency, amount, transfer_id)
        engine.conclude(now_ns)
        return Reply({"id": transfer_id})

    def _record(self, source: Account, target: Account, currency: str, amount: Decimal, transfer_id: str) -> None:
        details = {
            "reason": "SUB_ACCOUNT",
            "reasonDescription": "Transfer between subaccounts",
            "additional": f"Transfer from {source.label} to {target.label}",
            "transferId": transfer_id,
        }
        for account in (source, target):
            transaction = Transaction(
                transaction_id=self._venue.ids.uuid(self._venue.now_ns),
                account_id=account.account_id,
                kind="INTERNAL_TRANSFER",
                debit=(currency, amount) if account is source else None,
                credit=(currency, amount) if account is target else None,
                details=details,
                event_ns=self._venue.now_ns,
            )
            self._venue.engine.settlement.record(transaction)

    def _amount(self, call: Call, currency: str) -> Decimal:
        known = self._venue.listing.currencies.get(currency)
        if known is None:
            raise invalid_field("currencyCode", "unknown currency")
        try:
            amount = Decimal(str(call.body.get("amount")))
        except InvalidOperation:
            raise invalid_field("amount", "must be a decimal") from None
        if not amount.is_finite() or amount <= 0:
            raise invalid_field("amount", "must be greater than 0")
        if amount != round(amount, known.decimals):
            words = f"Amount {text(amount)} has more than {known.decimals} decimals"
            raise Refusal(Code.INVALID_REQUEST, words, status=403)
        return amount

    def _account(self, call: Call, name: str) -> Account:
        account = self._accounts.get(str(call.body.get(name)))
        if account is None:
            raise invalid_field(name, "unknown account")
        return account

    def _sub_account(self, account_id: object) -> Account:
        account = self._accounts.get(str(account_id))
        if account is None or account.account_id == PRIMARY:
            raise invalid_field("id", "unknown sub account")
        return account

    def _new_label(self, call: Call) -> str:
        label = call.body.get("label")
        if not isinstance(label, str) or not 1 <= len(label) <= _LONGEST_LABEL:
            raise invalid_field("label", f"must have 1 to {_LONGEST_LABEL} characters")
        if any(account.label == label for account in self._accounts):
            raise Refusal(Code.LABEL_EXISTS)
        return label


def _require_primary(call: Call) -> None:
    """Primary-only routes refuse sub-account keys and impersonation alike."""
    if not call.account.is_primary:
        raise Refusal(Code.INVALID_REQUEST, "Only the primary account may do this", status=401)
