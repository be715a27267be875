"""The account's money as the venue last told it, and the engine's account states made of it."""

import asyncio
from collections.abc import Callable
from typing import Any

from nautilus_trader.common.component import LiveClock
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.model.enums import AccountType

from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.account import Balance, MarginStatus
from helios_nautilus.adapters.valr.api.schemas.account_socket import SocketBalance
from helios_nautilus.adapters.valr.money import Holding, build_balances, build_margin, holding_of
from helios_nautilus.adapters.valr.soundness import MAX_SKEW_SECS, check_stamp, is_ahead
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import ConfigError


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
        self._updated_ns: dict[str, int] = {}
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
        for balance in balances:
            self._take(balance)
        self._tell()

    def on_balance(self, balance: SocketBalance) -> None:
        """One currency's balance has changed."""
        self._take(balance)
        self._tell_soon()

    def on_margin(self, margin: MarginStatus) -> None:
        """The margin has changed."""
        # Tried before it is kept, as a balance is.
        build_margin(margin)
        self._margin = margin
        self._tell_soon()

    def _take(self, balance: Balance | SocketBalance) -> None:
        """Unless it is older than what is known: an answer to a question may be overtaken by a frame.

        A word from the future, of a clock that was wrong for a while, does not outlast the next.
        """
        holding, updated_ns = holding_of(balance), int(balance.updated_ns or 0)
        now_ns = self._clock.timestamp_ns()
        check_stamp(updated_ns, now_ns)
        known_ns = self._updated_ns.get(holding.code, 0)
        if not updated_ns or updated_ns >= known_ns or is_ahead(known_ns, now_ns):
            self._holdings[holding.code] = holding
            self._updated_ns[holding.code] = updated_ns or known_ns

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


async def check_account(http: ValrHttp, account_type: AccountType, now_ns: Callable[[], int], log: Any) -> None:
    """Look for what would go wrong silently: a clock that is off, an account whose positions VALR does not show.

    `ConfigError` for a MARGIN account without margin or futures: VALR then answers that it has no positions.
    """
    before_ns = now_ns()
    venue_ns = int((await http.get_time()).time_ns)
    ahead_secs = ((before_ns + now_ns()) // 2 - venue_ns) / NS_PER_SEC
    if abs(ahead_secs) > MAX_SKEW_SECS:
        log.warning(
            f"This machine's clock is {ahead_secs:+.1f} s off VALR's: requests may be refused as wrongly signed, "
            "bars and gaps be cut in the wrong place; synchronise it"
        )
    if account_type is not AccountType.MARGIN:
        return
    status = await http.get_margin_account()
    if not (status.margin_enabled or status.futures_enabled):
        raise ConfigError(
            "VALR execution: margin = true, but the account has neither margin nor futures enabled; "
            "give the sub_account_id of one that has, or that account's own key"
        )
    if status.in_liquidation:
        log.error("This account is in liquidation")
