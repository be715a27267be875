"""`ValrExecutionClient`: the engine's commands to VALR, VALR's words to the engine. A mail-room: it decides nothing.

What an order may be is in ``support``, what became of it in ``tracking``, how that is found out in ``settlement``.
Commands go by the synchronous v2 routes; what follows comes over the account socket. While the socket's gaps are not
made up for nothing is opened; what can only close goes after a short wait, and cancels always go.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.execution.messages import (
    BatchCancelOrders,
    CancelAllOrders,
    CancelOrder,
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
    ModifyOrder,
    QueryAccount,
    QueryOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.execution.reports import ExecutionMassStatus, FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderType, TimeInForce
from nautilus_trader.model.identifiers import AccountId, ClientId, ClientOrderId, InstrumentId
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.orders import Order

from helios_nautilus.adapters.valr.account import AccountBook, check_account
from helios_nautilus.adapters.valr.api import errors
from helios_nautilus.adapters.valr.api.enums import AccountEvent
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.limits import RateLimiter
from helios_nautilus.adapters.valr.api.link import LinkConfig
from helios_nautilus.adapters.valr.api.schemas.account_socket import CANCEL_ON_DISCONNECT
from helios_nautilus.adapters.valr.api.schemas.orders import OrderReply
from helios_nautilus.adapters.valr.api.schemas.requests import LimitOrder, MarketOrder
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.websocket import SocketConfig, ValrSocket
from helios_nautilus.adapters.valr.batches import Batches, cancel_request
from helios_nautilus.adapters.valr.catchup import CatchUp
from helios_nautilus.adapters.valr.config import ValrExecClientConfig
from helios_nautilus.adapters.valr.constants import VALR, VALR_VENUE
from helios_nautilus.adapters.valr.exposure import is_exit, is_linked_locally, reduced_quantity
from helios_nautilus.adapters.valr.inbox import GRACE_SECS, Inbox
from helios_nautilus.adapters.valr.mass_status import arrange, is_of_one_moment, unproven
from helios_nautilus.adapters.valr.reporting import Reporter
from helios_nautilus.adapters.valr.settlement import Doubt, Patience, Settlement
from helios_nautilus.adapters.valr.support import Placement, UnsupportedOrderError, build_modify, build_placement
from helios_nautilus.adapters.valr.tracking import OrderTracker, TrackedOrder

_RETRY_SECS: Final = 0.25
_SNAPSHOTS: Final = 4
"""How often orders and fills are read until they fit. Those of an order older than the look-back never do."""
_OUT_OF_STEP: Final = "not in step with VALR: what happened there meanwhile is not known yet"


class ValrExecutionClient(LiveExecutionClient):
    """Trades one VALR account; see the module."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        http: ValrHttp,
        credentials: Credentials,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
        instrument_provider: InstrumentProvider,
        config: ValrExecClientConfig,
        name: str | None = None,
        *,
        limiter: RateLimiter | None = None,
        patience: Patience | None = None,
    ) -> None:
        super().__init__(
            loop=loop,
            client_id=ClientId(name or VALR),
            venue=VALR_VENUE,
            oms_type=OmsType.NETTING,
            account_type=config.effective_account_type,
            base_currency=None,
            instrument_provider=instrument_provider,
            msgbus=msgbus,
            cache=cache,
            clock=clock,
            config=config,
        )
        self._config = config
        self._http = http
        self._set_account_id(AccountId(f"{name or VALR}-{config.sub_account_id or 'main'}"))
        self._tracker = OrderTracker(self, cache, now_ns=clock.timestamp_ns, log=self._log)
        self._settlement = Settlement(
            http,
            self._tracker,
            self,
            now_ns=clock.timestamp_ns,
            spawn=self.create_task,
            log=self._log,
            patience=patience,
        )
        self._batches = Batches(
            http, self._send, self._tracker, self._settlement, now_ns=clock.timestamp_ns, log=self._log
        )
        self._reporter = Reporter(http, self._settlement, self._tracker, cache, instrument_provider, self, self._log)
        self._account = AccountBook(http, instrument_provider, self, clock, loop)
        self._inbox = Inbox(
            self._tracker,
            self._settlement,
            self._reporter,
            self._account,
            cache,
            now_ns=clock.timestamp_ns,
            spawn=self.create_task,
            report=self._send_mass_status_report,
            log=self._log,
        )
        self._socket = ValrSocket(
            SocketConfig(link=LinkConfig(url=config.base_url_ws, path="/ws/account")),
            self._on_message,
            on_connected=lambda: self._catch_up.start_soon(),
            on_disconnected=self._on_disconnected,
            credentials=credentials,
            limiter=limiter,
            greeting=CANCEL_ON_DISCONNECT if config.cancel_on_disconnect else None,
        )
        self._catch_up = CatchUp(
            self._account,
            self._reporter,
            self._settlement,
            self._tracker,
            on_stranger=self._inbox.on_stranger,
            spawn=self.create_task,
            log=self._log,
        )
        self._watching: asyncio.Task[None] | None = None
        self._waiting: set[ClientOrderId] = set()
        """Orders that have been given and are not submitted yet."""

    # -- Connection -----------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        await self._instrument_provider.initialize()
        for instrument in self._instrument_provider.list_all():
            if self._cache.instrument(instrument.id) is None:
                self._cache.add_instrument(instrument)
        await check_account(self._http, self.account_type, self._clock.timestamp_ns, self._log)
        await self._account.load()
        await self._await_account_registered()
        self._socket.subscribe(AccountEvent.ORDER_STATUS)
        if self.account_type is AccountType.MARGIN:
            self._socket.subscribe(AccountEvent.MARGIN)
        await self._socket.connect(self._config.http_deadline_secs)
        await self._catch_up.wait()
        if self._config.check_interval_secs is not None:
            self._watching = self.create_task(self._catch_up.watch(self._config.check_interval_secs))

    async def _disconnect(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._catch_up.lose_step()
        await self._socket.close()
        await self._http.close()

    def _on_disconnected(self, reason: str) -> None:
        self._catch_up.lose_step()
        self._log.warning(f"Account socket lost ({reason}): nothing is opened until its gap is made up for")

    # -- Commands -------------------------------------------------------------------------------------------------

    async def _query_account(self, command: QueryAccount) -> None:
        await self._account.load()

    async def _query_order(self, command: QueryOrder) -> None:
        """Settled by our own events: a report would make the engine invent the fills it has not seen."""
        order = self._cache.order(command.client_order_id)
        if order is not None:
            self._settlement.soon(self._tracker.track(order))

    async def _submit_order(self, command: SubmitOrder) -> None:
        for order, placement in await self._clear([command.order]):
            await self._submit(order, placement)

    async def _submit(self, order: Order, placement: Placement) -> None:
        tracked = self._submitted(order, placement)
        try:
            reply = await self._send(lambda: self._place(placement))
        except errors.NotSentError as error:
            self._batches.withdraw([tracked], error)
        except errors.DuplicateOrderIdError:
            self._settlement.soon(tracked)
        except errors.RefusedError as error:
            self._refused(tracked, error)
        except (errors.UnknownOutcomeError, asyncio.CancelledError) as error:
            self._settlement.soon(tracked)
            if isinstance(error, asyncio.CancelledError):
                raise
            self._log.warning(f"{order.client_order_id}: {error}; asking for its state")
        else:
            self._tracker.accept(tracked, reply.id, self._clock.timestamp_ns())
            if order.order_type is OrderType.MARKET or order.time_in_force is not TimeInForce.GTC:
                self._settlement.soon(tracked, delay_secs=GRACE_SECS)

    async def _submit_order_list(self, command: SubmitOrderList) -> None:
        """Independent orders in batches; a batch only queues, each outcome comes over the socket."""
        cleared = await self._clear(command.order_list.orders)
        await self._batches.place([(self._submitted(order, placement), placement) for order, placement in cleared])

    async def _modify_order(self, command: ModifyOrder) -> None:
        order = self._cache.order(command.client_order_id)
        if order is None or order.is_closed:
            self._log.warning(f"{command.client_order_id}: there is no open order to modify")
            return
        if not await self._catch_up.wait(self._config.command_timeout_secs):
            self._modify_rejected(order, _OUT_OF_STEP)
            return
        tracked = self._tracker.track(order)
        price = command.price.as_decimal() if command.price is not None else None
        quantity = command.quantity.as_decimal() if command.quantity is not None else None
        target = price or tracked.price, quantity or tracked.quantity
        doubt = Doubt(wish="modify", target=target)
        try:
            change = build_modify(
                order,
                tracked.pair,
                tracked.venue_order_id,
                price=None if price == tracked.price else price,
                quantity=None if quantity == tracked.quantity else quantity,
            )
            tracked.awaits_size = target[1] != tracked.quantity
            await self._send(lambda: self._http.put_modify_order(change))
        except UnsupportedOrderError as error:
            self._modify_rejected(order, str(error))
            return
        except (errors.RefusedError, errors.NotSentError) as error:
            doubt.is_refused, doubt.reason = True, str(error)
        except errors.UnknownOutcomeError as error:
            doubt.reason = "the venue shows no effect of the modify"
            self._log.warning(f"{order.client_order_id}: {error}; asking for its state")
        self._settlement.soon(tracked, doubt=doubt)

    async def _cancel_order(self, command: CancelOrder) -> None:
        order = self._cache.order(command.client_order_id)
        if order is None or order.is_closed:
            self._log.warning(f"{command.client_order_id}: there is no open order to cancel")
            return
        if self._take_back(order):
            return
        tracked = self._tracker.track(order)
        doubt, delay_secs = Doubt(wish="cancel"), 0.0
        try:
            await self._send(lambda: self._http.delete_order(cancel_request(tracked)))
            doubt.reason, delay_secs = "the venue confirmed the cancel and shows the order open", GRACE_SECS
        except (errors.RefusedError, errors.NotSentError) as error:
            doubt.is_refused, doubt.reason = True, str(error)
            doubt.is_early = isinstance(error, errors.UnknownOrderError)
        except errors.UnknownOutcomeError as error:
            doubt.reason = "the venue shows no effect of the cancel"
            self._log.warning(f"{order.client_order_id}: {error}; asking for its state")
        self._settlement.soon(tracked, delay_secs=delay_secs, doubt=doubt)

    async def _cancel_all_orders(self, command: CancelAllOrders) -> None:
        """The strategy's own orders of that instrument and side: the venue's cancel-all would take everybody's."""
        orders = [
            *self._cache.orders_open(instrument_id=command.instrument_id, strategy_id=command.strategy_id),
            *self._cache.orders_inflight(instrument_id=command.instrument_id, strategy_id=command.strategy_id),
        ]
        waiting = [self._cache.order(client_order_id) for client_order_id in self._waiting]
        orders += [
            order
            for order in waiting
            if (order.instrument_id, order.strategy_id) == (command.instrument_id, command.strategy_id)
        ]
        sides = (command.order_side,) if command.order_side else (OrderSide.BUY, OrderSide.SELL)
        unique = {order.client_order_id: order for order in orders if order.side in sides}
        await self._cancel_batch(list(unique.values()))

    async def _batch_cancel_orders(self, command: BatchCancelOrders) -> None:
        orders = [self._cache.order(cancel.client_order_id) for cancel in command.cancels]
        await self._cancel_batch([order for order in orders if order is not None and not order.is_closed])

    async def _cancel_batch(self, orders: Sequence[Order]) -> None:
        await self._batches.cancel([self._tracker.track(order) for order in orders if not self._take_back(order)])

    # -- On the way out -------------------------------------------------------------------------------------------

    async def _send[T](self, request: Callable[[], Awaitable[T]]) -> T:
        """Send a request, and again while it provably did not leave, for as long as a command may wait."""
        last_at = self._loop.time() + self._config.command_timeout_secs - _RETRY_SECS
        while True:
            try:
                return await request()
            except errors.NotSentError:
                if self._loop.time() > last_at:
                    raise
            await asyncio.sleep(_RETRY_SECS)

    async def _clear(self, orders: Sequence[Order]) -> list[tuple[Order, Placement]]:
        """Those that may go, once we are in step or their time is up, with their requests; the others are denied."""
        self._waiting.update(order.client_order_id for order in orders if self._prepare(order) is not None)
        is_in_step = await self._catch_up.wait(self._config.command_timeout_secs)
        cleared = []
        for order in orders:
            if order.client_order_id not in self._waiting:
                continue
            self._waiting.discard(order.client_order_id)
            if not is_in_step and not is_exit(order, self._cache.instrument(order.instrument_id), self._cache):
                self._deny(order, _OUT_OF_STEP)
            elif (placement := self._prepare(order)) is not None:
                cleared.append((order, placement))
        return cleared

    def _take_back(self, order: Order) -> bool:
        """Cancel an order that still waits here; whether it did."""
        is_waiting = order.client_order_id in self._waiting
        if is_waiting:
            self._waiting.discard(order.client_order_id)
            self._tracker.withdraw(self._tracker.track(order), self._clock.timestamp_ns())
        return is_waiting

    def _prepare(self, order: Order) -> Placement | None:
        """The request for an order; None if it was denied: the venue cannot do it."""
        if order.is_closed:
            self._log.warning(f"{order.client_order_id} is closed already")
            return None
        instrument = self._cache.instrument(order.instrument_id)
        try:
            if instrument is None:
                raise UnsupportedOrderError(f"{order.instrument_id} is not loaded")
            return build_placement(
                order,
                instrument,
                allow_margin=self._config.margin,
                is_linked_locally=is_linked_locally(order, self._cache),
                reduced=reduced_quantity(order, instrument, self._cache),
            )
        except UnsupportedOrderError as error:
            self._deny(order, str(error))
            return None

    def _deny(self, order: Order, reason: str) -> None:
        now_ns = self._clock.timestamp_ns()
        self.generate_order_denied(order.strategy_id, order.instrument_id, order.client_order_id, reason, now_ns)

    def _submitted(self, order: Order, placement: Placement) -> TrackedOrder:
        """Tell the engine that an order goes out; its size, if that was cut to the position, when VALR has it."""
        tracked = self._tracker.track(order)
        now_ns = self._clock.timestamp_ns()
        self.generate_order_submitted(order.strategy_id, order.instrument_id, order.client_order_id, now_ns)
        size = placement.base_amount if isinstance(placement, MarketOrder) else placement.quantity
        tracked.asked = None if size is None else Decimal(size)
        return tracked

    async def _place(self, placement: Placement) -> OrderReply:
        if isinstance(placement, LimitOrder):
            return await self._http.post_limit_order(placement)
        if isinstance(placement, MarketOrder):
            return await self._http.post_market_order(placement)
        return await self._http.post_stop_limit_order(placement)

    def _refused(self, tracked: TrackedOrder, error: errors.RefusedError) -> None:
        """An id comes with a failure of VALR's engine: that was a real order, which may have traded before."""
        now_ns = self._clock.timestamp_ns()
        if error.order_id is None or isinstance(error, errors.InsufficientBalanceError):
            tracked.venue_order_id = tracked.venue_order_id or error.order_id
            self._tracker.reject(tracked, str(error), now_ns)
        elif not self._tracker.fail(tracked, error.order_id, str(error), now_ns):
            self._settlement.soon(tracked)

    def _modify_rejected(self, order: Order, reason: str) -> None:
        """Unless the order has ended meanwhile: nothing follows that."""
        if self._tracker.track(order).is_closed:
            return
        ids = order.strategy_id, order.instrument_id, order.client_order_id, order.venue_order_id
        self.generate_order_modify_rejected(*ids, reason, self._clock.timestamp_ns())

    # -- Reports --------------------------------------------------------------------------------------------------

    async def generate_order_status_report(self, command: GenerateOrderStatusReport) -> OrderStatusReport | None:
        """One order's state; None if the venue does not know it or cannot be asked."""
        return await self._reporter.order_report(command)

    async def generate_order_status_reports(self, command: GenerateOrderStatusReports) -> list[OrderStatusReport]:
        """Open orders, and closed ones since ``command.start`` unless only open ones are wanted."""
        return await self._reporter.order_reports(command, is_start=self.reconciliation_active)

    async def generate_fill_reports(self, command: GenerateFillReports) -> list[FillReport]:
        """Own trades within the command's times."""
        return await self._reporter.fill_reports(command)

    async def generate_position_status_reports(
        self, command: GeneratePositionStatusReports
    ) -> list[PositionStatusReport]:
        """Open positions of perpetuals as the venue has them, and of spot as the engine has them.

        At the start there are none of spot: the engine makes them out of orders and fills.
        """
        is_margin = self.account_type is AccountType.MARGIN
        if self.reconciliation_active:
            return await self._reporter.position_reports(command) if is_margin else []
        perpetuals = await self._reporter.settled_position_reports(command) if is_margin else []
        return perpetuals + self._reporter.spot_reports(command, self._clock.timestamp_ns())

    async def generate_mass_status(self, lookback_mins: int | None = None) -> ExecutionMassStatus | None:
        """All of these for the engine's start, read again while they do not fit together.

        A position that is off by the same twice began before the fills that were asked for.
        """
        before: dict[InstrumentId, Decimal] = {}
        try:
            for attempt in range(_SNAPSHOTS):
                status = await super().generate_mass_status(lookback_mins)
                if status is None:
                    break
                gaps = unproven(status)
                if is_of_one_moment(status) and gaps in ({}, before):
                    break
                before = gaps
                self._log.warning(f"Orders, fills and positions do not fit together: reading again ({attempt + 1})")
                await asyncio.sleep(_RETRY_SECS)
        finally:
            self._inbox.started.set()
        return None if status is None else arrange(status, self._is_spot)

    def _is_spot(self, instrument_id: InstrumentId) -> bool:
        return isinstance(self._cache.instrument(instrument_id), CurrencyPair)

    # -- Frames ---------------------------------------------------------------------------------------------------

    def _on_message(self, raw: bytes) -> None:
        try:
            self._inbox.take(raw)
        except errors.WireError as error:
            self._log.error(f"Account socket: {error}; asking for what it may have said")
            self._catch_up.start_soon()
        except Exception as error:  # noqa: BLE001 the border to the socket: an error of ours must not end the reading
            self._log.exception("Account socket: a frame could not be handled", error)
            self._catch_up.start_soon()
