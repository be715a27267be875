"""The account: balances, fees, fills, ledger, margin, positions."""

from collections.abc import Iterable
from typing import Final

from helios_nautilus.adapters.valr.api.endpoint import private
from helios_nautilus.adapters.valr.api.limits import Family
from helios_nautilus.adapters.valr.api.routes.base import PAGE, Routes, iso
from helios_nautilus.adapters.valr.api.schemas.account import (
    AccountBalances,
    ApiKey,
    Balance,
    CreatedId,
    Fill,
    FundingPayment,
    Leverage,
    MarginAccountStatus,
    MarginStatus,
    Position,
    PositionChange,
    PositionClose,
    SubAccount,
    TradeFees,
    Transaction,
)
from helios_nautilus.adapters.valr.api.schemas.requests import LeverageChange, SubAccountTransfer


class AccountRoutes(Routes):
    """Endpoints about one account."""

    API_KEY: Final = private("GET", "/v1/account/api-keys/current", ApiKey)
    BALANCES: Final = private("GET", "/v1/account/balances", list[Balance])
    ALL_BALANCES: Final = private("GET", "/v1/account/balances/all", list[AccountBalances], primary_only=True)
    SUB_ACCOUNTS: Final = private("GET", "/v1/account/subaccounts", list[SubAccount], primary_only=True)
    FEES: Final = private("GET", "/v1/account/fees/trade", list[TradeFees])
    FILLS: Final = private("GET", "/v1/account/tradehistory", list[Fill])
    PAIR_FILLS: Final = private("GET", "/v1/account/{pair}/tradehistory", list[Fill])
    TRANSACTIONS: Final = private("GET", "/v1/account/transactionhistory", list[Transaction])
    TRANSFER: Final = private("POST", "/v1/account/subaccounts/transfer", CreatedId, Family.TRANSFER, primary_only=True)
    MARGIN_ACCOUNT: Final = private("GET", "/v1/margin/account/status", MarginAccountStatus)
    MARGIN: Final = private("GET", "/v2/margin/status", MarginStatus)
    LEVERAGE: Final = private("GET", "/v1/margin/leverage/{pair}", Leverage)
    SET_LEVERAGE: Final = private("PUT", "/v1/margin/leverage/{pair}", None)
    POSITIONS: Final = private("GET", "/v1/positions/open", list[Position])
    CLOSED_POSITIONS: Final = private("GET", "/v1/positions/closed", list[PositionClose])
    POSITION_HISTORY: Final = private("GET", "/v1/positions/history", list[PositionChange])
    FUNDING_PAYMENTS: Final = private("GET", "/v1/positions/funding/history", list[FundingPayment])

    async def get_api_key(self) -> ApiKey:
        """What the key in use may do."""
        return await self._call(self.API_KEY)

    async def get_balances(self, *, exclude_zero: bool | None = None) -> list[Balance]:
        """Balances of the account."""
        return await self._call(self.BALANCES, excludeZeroBalances=exclude_zero)

    async def get_all_balances(self) -> list[AccountBalances]:
        """Balances of the primary account and all its sub-accounts."""
        return await self._call(self.ALL_BALANCES)

    async def get_sub_accounts(self) -> list[SubAccount]:
        """The customer's accounts."""
        return await self._call(self.SUB_ACCOUNTS)

    async def get_trade_fees(self) -> list[TradeFees]:
        """The account's own fees, in percent."""
        return await self._call(self.FEES)

    async def get_fills(
        self,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        before_id: str | None = None,
        skip: int | None = None,
        limit: int = PAGE,
    ) -> list[Fill]:
        """Own trades of all pairs: the venue ignores a pair filter here."""
        return await self._call(
            self.FILLS,
            skip=skip,
            limit=limit,
            startTime=iso(start_ns),
            endTime=iso(end_ns),
            beforeId=before_id,
        )

    async def get_pair_fills(self, pair: str, *, skip: int = 0, limit: int = PAGE) -> list[Fill]:
        """Own trades of one pair; no times can be given."""
        return await self._call(self.PAIR_FILLS, parts={"pair": pair}, skip=skip, limit=limit)

    async def get_transactions(
        self,
        *,
        types: Iterable[str] = (),
        currency: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        before_id: str | None = None,
        skip: int | None = None,
        limit: int = PAGE,
    ) -> list[Transaction]:
        """The ledger."""
        return await self._call(
            self.TRANSACTIONS,
            skip=skip,
            limit=limit,
            transactionTypes=",".join(types) or None,
            currency=currency,
            startTime=iso(start_ns),
            endTime=iso(end_ns),
            beforeId=before_id,
        )

    async def post_transfer(self, transfer: SubAccountTransfer) -> CreatedId:
        """Move money between the customer's accounts."""
        return await self._call(self.TRANSFER, body=transfer.encode())

    async def get_margin_account(self) -> MarginAccountStatus:
        """What the account is enabled for."""
        return await self._call(self.MARGIN_ACCOUNT)

    async def get_margin_status(self) -> MarginStatus:
        """Margin figures in the reference currency."""
        return await self._call(self.MARGIN)

    async def get_leverage(self, pair: str) -> Leverage:
        """The leverage of a perpetual; `NotFoundError` if none was ever set."""
        return await self._call(self.LEVERAGE, parts={"pair": pair})

    async def put_leverage(self, pair: str, change: LeverageChange) -> None:
        """Ask for another leverage; done when ``LEVERAGE_UPDATED`` comes."""
        await self._call(self.SET_LEVERAGE, parts={"pair": pair}, body=change.encode())

    async def get_positions(self, pair: str | None = None, *, skip: int = 0, limit: int = PAGE) -> list[Position]:
        """Open positions; a primary key without a sub-account gets none, silently."""
        return await self._call(self.POSITIONS, currencyPair=pair, skip=skip, limit=limit)

    async def get_closed_positions(self, pair: str, *, skip: int = 0, limit: int = PAGE) -> list[PositionClose]:
        """Closes and reductions of positions."""
        return await self._call(self.CLOSED_POSITIONS, currencyPair=pair, skip=skip, limit=limit)

    async def get_position_history(self, pair: str, *, skip: int = 0, limit: int = PAGE) -> list[PositionChange]:
        """Every change of the positions in a pair."""
        return await self._call(self.POSITION_HISTORY, currencyPair=pair, skip=skip, limit=limit)

    async def get_funding_payments(self, pair: str, *, skip: int = 0, limit: int = PAGE) -> list[FundingPayment]:
        """Funding paid (negative) and received."""
        return await self._call(self.FUNDING_PAYMENTS, currencyPair=pair, skip=skip, limit=limit)
