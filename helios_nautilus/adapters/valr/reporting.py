"""Reads what the venue holds and answers the engine's requests for reports.

Before it reports on orders of ours it takes in their fills: the engine invents those it has not seen, and would then
count the real ones again.
"""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import pandas as pd
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.core.datetime import dt_to_unix_nanos
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.execution.messages import (
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.execution.reports import ExecutionMassStatus, FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, Symbol, VenueOrderId
from nautilus_trader.model.instruments import CurrencyPair, Instrument
from nautilus_trader.model.orders import Order

from helios_nautilus.adapters.valr.api.enums import OrderStatus
from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.account import Fill
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.adapters.valr.fills import build_fill_report
from helios_nautilus.adapters.valr.order_ids import to_client_order_id, to_customer_id
from helios_nautilus.adapters.valr.paging import read_by_skip
from helios_nautilus.adapters.valr.reports import (
    VenueOrder,
    build_order_report,
    build_position_report,
    build_spot_report,
    filled_quantity,
)
from helios_nautilus.adapters.valr.settlement import Settlement
from helios_nautilus.adapters.valr.survey import read_history
from helios_nautilus.adapters.valr.tracking import OrderTracker, TrackedOrder
from helios_nautilus.domain.timeframe import NS_PER_SEC

_RETRY_SECS: Final = 2.0
_SETTLE_STEPS: Final = 100
_SETTLE_STEP_SECS: Final = 0.01
_POSITION_LOOKS: Final = 3
"""So often a position is read again that is not the engine's."""


class Reporter:
    """Reports on one account."""

    def __init__(
        self,
        http: ValrHttp,
        settlement: Settlement,
        tracker: OrderTracker,
        cache: Cache,
        provider: InstrumentProvider,
        client: ExecutionClient,
        log: Any,
    ) -> None:
        self._http = http
        self._settlement = settlement
        self._tracker = tracker
        self._cache = cache
        self._provider = provider
        self._client = client
        self._log = log

    async def catch_up_fills(self) -> list[Fill]:
        """Take in what has traded since the newest word of the venue; before any word, for the oldest open order.

        Returns the fills that are not of our orders.
        """
        since_ns = self._tracker.newest_ns
        if not since_ns:
            opened = [tracked.order.ts_init for tracked in self._tracker.open_orders()]
            if not opened:
                return []
            since_ns = min(opened)
        return await self._settlement.sweep_fills(since_ns)

    async def order_report(self, command: GenerateOrderStatusReport) -> OrderStatusReport | None:
        """See `LiveExecutionClient`."""
        instrument = self._instrument(command.instrument_id)
        if instrument is None:
            return None
        order_id = None if command.venue_order_id is None else command.venue_order_id.value
        customer_id = None if command.client_order_id is None else to_customer_id(command.client_order_id)
        while True:
            try:
                state = await self._settlement.ask(instrument.raw_symbol.value, order_id, customer_id)
                if state is None:
                    return None
                await self._settlement.take_in(state)
            except VenueError as error:
                # Without an answer the engine would take the order for gone, and an answer is what there is not.
                self._log.warning(f"Cannot ask for the order {order_id or customer_id} yet: {error}")
                await asyncio.sleep(_RETRY_SECS)
                continue
            tracked = self._tracker.find(state.order_id, state.customer_order_id)
            await _until_engine_knows([] if tracked is None else [tracked])
            return self._order_report(state)

    async def order_reports(
        self, command: GenerateOrderStatusReports, *, is_start: bool = True
    ) -> list[OrderStatusReport]:
        """See `LiveExecutionClient`. After the start our own orders get events instead, if there is news of them."""
        tracked = self._tracker.open_orders()
        await self.catch_up_fills()
        await _until_engine_knows(tracked)
        states: dict[str, VenueOrder] = {order.order_id: order for order in await self._http.get_open_orders()}
        if not command.open_only:
            for summary in await read_history(self._http, _nanos(command.start), _nanos(command.end)):
                states.setdefault(summary.order_id, summary)
        if not is_start:
            states = {state.order_id: state for state in states.values() if not await self._is_taken_in(state)}
        # Oldest first: the engine takes them in as they come, and a sale before its purchase would be a short.
        # The venue's customerOrderIds are unique among open orders only; a name that was used again is the newest's.
        wanted = [state for state in states.values() if self._is_wanted(state)]
        wanted.sort(key=lambda state: state.updated_ns)
        newest = {state.customer_order_id: state.order_id for state in wanted}
        reports = [
            self._order_report(state, is_named=newest[state.customer_order_id] == state.order_id) for state in wanted
        ]
        return [
            report for report in reports if report is not None and command.instrument_id in (None, report.instrument_id)
        ]

    async def _is_taken_in(self, state: VenueOrder) -> bool:
        """Whether the order is ours. A report of it would be older than the events on their way to the engine."""
        tracked = self._tracker.find(state.order_id, state.customer_order_id)
        if tracked is not None and not await self._settlement.take_in(state):
            self._settlement.soon(tracked)
        return tracked is not None

    async def fill_reports(self, command: GenerateFillReports) -> list[FillReport]:
        """See `LiveExecutionClient`."""
        fills = await self._settlement.read_fills(_nanos(command.start), _nanos(command.end))
        reports = [self._fill_report(fill) for fill in fills]
        return [
            report
            for report in reports
            if report is not None
            and command.instrument_id in (None, report.instrument_id)
            and command.venue_order_id in (None, report.venue_order_id)
        ]

    async def settled_position_reports(self, command: GeneratePositionStatusReports) -> list[PositionStatusReport]:
        """Open positions of perpetuals, after the fills that made them, as far as the engine can know those.

        Of a position that is ahead of its fills the engine makes up an order, and the fills come all the same.
        """
        reports = await self.position_reports(command)
        for _ in range(_POSITION_LOOKS):
            if all(report.signed_decimal_qty == self._held(report.instrument_id) for report in reports):
                break
            tracked = self._tracker.open_orders()
            await self.catch_up_fills()
            await _until_engine_knows(tracked)
            reports = await self.position_reports(command)
        return reports

    def _held(self, instrument_id: InstrumentId) -> Decimal:
        """Net quantity that the engine knows of, negative for a short."""
        held = self._cache.positions_open(VALR_VENUE, instrument_id)
        return sum(
            (each.signed_decimal_qty() for each in held if each.account_id == self._client.account_id), Decimal(0)
        )

    async def position_reports(self, command: GeneratePositionStatusReports) -> list[PositionStatusReport]:
        """Open positions of perpetuals; see `LiveExecutionClient`."""
        rows = await read_by_skip(
            lambda skip: self._http.get_positions(skip=skip), lambda row: row.position_id, "open positions"
        )
        found = [(row, self._instrument_of(row.pair)) for row in rows]
        return [
            build_position_report(row, instrument, self._client.account_id, int(row.updated_ns))
            for row, instrument in found
            if instrument is not None and command.instrument_id in (None, instrument.id)
        ]

    def spot_reports(self, command: GeneratePositionStatusReports, now_ns: int) -> list[PositionStatusReport]:
        """Positions in spot pairs as the engine has them: the venue has none, only balances.

        Without a report the engine's check of positions takes the venue for flat, and closes its own with a made-up
        order.
        """
        totals: dict[Instrument, Decimal] = {}
        for position in self._cache.positions_open(VALR_VENUE, command.instrument_id):
            instrument = self._instrument(position.instrument_id)
            if position.account_id == self._client.account_id and isinstance(instrument, CurrencyPair):
                totals[instrument] = totals.get(instrument, Decimal(0)) + position.signed_decimal_qty()
        return [
            build_spot_report(instrument, total, self._client.account_id, now_ns)
            for instrument, total in totals.items()
        ]

    async def whole_order(self, pair: str, order_id: str) -> ExecutionMassStatus | None:
        """An order with all its fills, in the form that the engine takes in at once."""
        state = await self._settlement.ask(pair, order_id, None)
        report = None if state is None else self._order_report(state)
        if state is None or report is None or not self._is_wanted(state):
            return None
        fills = await self._settlement.read_fills(state.created_ns - NS_PER_SEC)
        status = ExecutionMassStatus(
            client_id=self._client.id,
            account_id=self._client.account_id,
            venue=VALR_VENUE,
            report_id=UUID4(),
            ts_init=report.ts_last,
        )
        status.add_order_reports([report])
        mine = [self._fill_report(fill) for fill in fills if fill.order_id == order_id]
        status.add_fill_reports([fill for fill in mine if fill is not None])
        return status

    def _is_wanted(self, state: VenueOrder) -> bool:
        """Failures of orders that nobody here remembers are not worth an order in the cache, unless they traded."""
        return (
            state.status is not OrderStatus.FAILED
            or filled_quantity(state) > 0
            or self._known(state.order_id, state.customer_order_id) is not None
        )

    def _order_report(self, state: VenueOrder, *, is_named: bool = True) -> OrderStatusReport | None:
        instrument = self._instrument_of(state.currency_pair)
        # An order by quote amount that never traded has no quantity that the engine could take.
        if instrument is None or not state.original_quantity:
            return None
        client_order_id = self._client_order_id(state.order_id, state.customer_order_id if is_named else None)
        return build_order_report(state, instrument, self._client.account_id, client_order_id, int(state.updated_ns))

    def _fill_report(self, fill: Fill) -> FillReport | None:
        instrument = self._instrument_of(fill.currency_pair)
        if instrument is None:
            return None
        order = self._known(fill.order_id, fill.customer_order_id)
        client_order_id = self._client_order_id(fill.order_id, fill.customer_order_id)
        return build_fill_report(fill, instrument, self._client.account_id, order, client_order_id, int(fill.traded_ns))

    def _known(self, order_id: str, customer_id: str | None) -> Order | None:
        client_order_id = self._client_order_id(order_id, customer_id)
        return None if client_order_id is None else self._cache.order(client_order_id)

    def _client_order_id(self, order_id: str, customer_id: str | None) -> ClientOrderId | None:
        known = self._cache.client_order_id(VenueOrderId(order_id))
        if known is not None:
            return known
        named = to_client_order_id(customer_id)
        order = None if named is None else self._cache.order(named)
        is_other = order is not None and order.venue_order_id not in (None, VenueOrderId(order_id))
        return None if is_other else named

    def _instrument_of(self, pair: str) -> Instrument | None:
        return self._instrument(InstrumentId(Symbol(pair), VALR_VENUE))

    def _instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        return self._cache.instrument(instrument_id) or self._provider.find(instrument_id)


async def _until_engine_knows(tracked: Sequence[TrackedOrder]) -> None:
    """Our events reach the engine through its queue: give it the time to empty it."""
    for _ in range(_SETTLE_STEPS):
        if all(each.is_settled for each in tracked):
            return
        await asyncio.sleep(_SETTLE_STEP_SECS)


def _nanos(moment: pd.Timestamp | None) -> int | None:
    return None if moment is None else dt_to_unix_nanos(moment)
