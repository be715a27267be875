"""One look at all orders of the account, for everybody who asks meanwhile.

Where many orders are in doubt at once, after an outage, asking for each would use up what may be asked in a minute.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.orders import OrderSummary
from helios_nautilus.adapters.valr.paging import read_by_skip
from helios_nautilus.adapters.valr.reports import VenueOrder
from helios_nautilus.domain.timeframe import NS_PER_MIN

_STEP_NS: Final = 5 * NS_PER_MIN
"""Starts are rounded down to such steps: who asks for nearly the same is given the same."""


async def read_history(http: ValrHttp, start_ns: int | None, end_ns: int | None = None) -> list[OrderSummary]:
    """Every order whose last update lies within the times. Raises as reads do."""

    async def page_of(skip: int) -> list[OrderSummary]:
        return await http.get_order_history(start_ns=start_ns, end_ns=end_ns, skip=skip)

    return await read_by_skip(page_of, lambda row: row.order_id, "orders in its history")


class Survey:
    """The open orders and the history, by both ids of an order."""

    def __init__(self, http: ValrHttp) -> None:
        self._http = http
        self._turn = asyncio.Lock()
        self._began_secs = float("-inf")
        self._start_ns = 0
        self._found: Mapping[str, VenueOrder] | VenueError = {}

    async def read(self, start_ns: int) -> Mapping[str, VenueOrder]:
        """What is open, and what has changed since ``start_ns``; asked for after this call. Raises as reads do."""
        start_ns -= start_ns % _STEP_NS
        wanted_secs = asyncio.get_running_loop().time()
        async with self._turn:
            if self._began_secs < wanted_secs or start_ns < self._start_ns:
                began_secs = asyncio.get_running_loop().time()
                self._found = await self._look(start_ns)
                self._began_secs, self._start_ns = began_secs, start_ns
        if isinstance(self._found, VenueError):
            raise self._found
        return self._found

    async def _look(self, start_ns: int) -> Mapping[str, VenueOrder] | VenueError:
        """The open ones first: an order that ends meanwhile is in the second list."""
        try:
            rested: list[VenueOrder] = [*await self._http.get_open_orders()]
            ended = await read_history(self._http, start_ns)
        except VenueError as error:
            return error
        # A customerOrderId may be used again when its order has ended: the newest bears it.
        orders = sorted([*rested, *ended], key=lambda order: order.created_ns)
        found = {order.customer_order_id: order for order in orders if order.customer_order_id is not None}
        return found | {order.order_id: order for order in orders}
