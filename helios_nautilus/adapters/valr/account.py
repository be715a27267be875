"""The account's money as the venue last told it, and the engine's account states made of it."""

import asyncio

from nautilus_trader.common.component import LiveClock
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.model.enums import AccountType

from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.account import MarginStatus
from helios_nautilus.adapters.valr.api.schemas.account_socket import SocketBalance
from helios_nautilus.adapters.valr.money import Holding, build_balances, build_margin, holding_of


class AccountBook:
    """Balances by currency, and with a MARGIN account its margin; every change is told to the engine."""

    def __init__(
        self,
        http: ValrHttp,
        provider: InstrumentProvider,
        client: ExecutionClient,
        clock: LiveClock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._http = http
        self._provider = provider
        self._client = client
        self._clock = clock
        self._loop = loop
        self._holdings: dict[str, Holding] = {}
        self._margin: MarginStatus | None = None
        self._is_telling = False

    async def load(self) -> None:
        """Ask for all of it. What could be held is listed with zero: a CASH account needs that."""
        balances = await self._http.get_balances()
        if self._client.account_type is AccountType.MARGIN:
            self._margin = await self._http.get_margin_status()
        for instrument in self._provider.list_all():
            for currency in (instrument.get_base_currency(), instrument.quote_currency):
                if currency is not None:
                    self._holdings.setdefault(currency.code, Holding.empty(currency.code))
        self._holdings |= {balance.currency: holding_of(balance) for balance in balances}
        self._tell()

    def on_balance(self, balance: SocketBalance) -> None:
        """One currency's balance has changed."""
        self._holdings[balance.currency.short_name] = holding_of(balance)
        self._tell_soon()

    def on_margin(self, margin: MarginStatus) -> None:
        """The margin has changed."""
        self._margin = margin
        self._tell_soon()

    def _tell_soon(self) -> None:
        """Balances come one currency a frame: those that come together make one state."""
        if not self._is_telling:
            self._is_telling = True
            self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._is_telling = False
        margins = [] if self._margin is None else [build_margin(self._margin)]
        balances = build_balances(self._holdings.values())
        self._client.generate_account_state(balances, margins, True, self._clock.timestamp_ns())
