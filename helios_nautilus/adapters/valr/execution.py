"""`ValrExecutionClient`: the engine's commands to VALR, VALR's words to the engine. A mail-room: it decides nothing.

What an order may be is in ``support``, what became of it in ``tracking``, how that is found out in ``settlement``.
Commands go by the synchronous v2 routes; what follows comes over the account socket. Nothing new is placed while the
socket's gaps are not made up for; cancels always go out.
"""

import asyncio
from collections.abc import Sequence
from itertools import batched
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
from nautilus_trader.execution.reports import FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderType, TimeInForce
from nautilus_trader.model.identifiers import AccountId, ClientId
from nautilus_trader.model.orders import Order

from helios_nautilus.adapters.valr.account import AccountBook
from helios_nautilus.adapters.valr.api import errors
from helios_nautilus.adapters.valr.api.enums import AccountEvent, BatchType
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.limits import RateLimiter
from helios_nautilus.adapters.valr.api.link import LinkConfig
from helios_nautilus.adapters.valr.api.schemas.orders import OrderReply
from helios_nautilus.adapters.valr.api.schemas.requests import (
    MAX_BATCH,
    Batch,
    BatchItem,
    LimitOrder,
    MarketOrder,
)
from helios_nautilus.adapters.valr.api.schemas.requests import CancelOrder as CancelRequest
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.websocket import SocketConfig, ValrSocket
from helios_nautilus.adapters.valr.config import ValrExecClientConfig
from helios_nautilus.adapters.valr.constants import VALR, VALR_VENUE
from helios_nautilus.adapters.valr.inbox import GRACE_SECS, Inbox
from helios_nautilus.adapters.valr.order_ids import to_customer_id
from helios_nautilus.adapters.valr.reporting import Reporter
from helios_nautilus.adapters.valr.settlement import Doubt, Patience, Settlement
from helios_nautilus.adapters.valr.support import Placement, UnsupportedOrderError, build_modify, build_placement
from helios_nautilus.adapters.valr.tracking import OrderTracker, TrackedOrder

_RETRY_SECS: Final = 2.0


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
        self._tracker = OrderTracker(self, cache)
        self._settlement = Settlement(
            http,
            self._tracker,
            self,
            now_ns=clock.timestamp_ns,
            spawn=self.create_task,
            log=self._log,
            patience=patience,
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
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            credentials=credentials,
            limiter=limiter,
        )
        self._in_step = asyncio.Event()
        """Set while nothing that happened at the venue is unknown here."""
        self._catching_up: asyncio.Task[None] | None = None

    # -- Connection -----------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        await self._instrument_provider.initialize()
        for instrument in self._instrument_provider.list_all():
            if self._cache.instrument(instrument.id) is None:
                self._cache.add_instrument(instrument)
        await self._account.load()
        await self._await_account_registered()
        self._socket.subscribe(AccountEvent.ORDER_STATUS)
        if self.account_type is AccountType.MARGIN:
            self._socket.subscribe(AccountEvent.MARGIN)
        await self._socket.connect()
        await self._in_step.wait()

    async def _disconnect(self) -> None:
        self._in_step.clear()
        await self._socket.close()
        await self._http.close()

    def _on_connected(self) -> None:
        self._catch_up_soon()

    def _on_disconnected(self, reason: str) -> None:
        self._in_step.clear()
        self._log.warning(f"Account socket lost ({reason}): nothing is placed until its gap is made up for")

    def _catch_up_soon(self) -> None:
        self._in_step.clear()
        if self._catching_up is not None:
            self._catching_up.cancel()
        self._catching_up = self.create_task(self._catch_up(), log_msg="catch_up")

    async def _catch_up(self) -> None:
        """Ask for all that may have happened unseen: balances, fills, then every order of ours that was open."""
        while True:
            try:
                await self._account.load()
                await self._reporter.catch_up_fills()
                await self._settlement.revisit(self._tracker.open_orders())
                break
            except errors.VenueError as error:
                self._log.warning(f"Cannot catch up with the venue yet: {error}")
            await asyncio.sleep(_RETRY_SECS)
        self._in_step.set()

    # -- Commands -------------------------------------------------------------------------------------------------

    async def _query_account(self, command: QueryAccount) -> None:
        await self._account.load()

    async def _query_order(self, command: QueryOrder) -> None:
        """Settled by our own events: a report would make the engine invent the fills it has not seen."""
        order = self._cache.order(command.client_order_id)
        if order is not None:
            self._settlement.soon(self._tracker.track(order))

    async def _submit_order(self, command: SubmitOrder) -> None:
        order = command.order
        placement = self._prepare(order)
        if placement is None:
            return
        await self._in_step.wait()
        tracked = self._submitted(order)
        try:
            reply = await self._place(placement)
        except errors.NotSentError as error:
            self._tracker.reject(tracked, str(error), self._clock.timestamp_ns())
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
        pairs = [(order, self._prepare(order)) for order in command.order_list.orders]
        ready = [(order, placement) for order, placement in pairs if placement is not None]
        await self._in_step.wait()
        for chunk in batched(ready, MAX_BATCH):
            tracked = [self._submitted(order) for order, _ in chunk]
            await self._send_batch(tracked, [_batch_item(placement) for _, placement in chunk])

    async def _modify_order(self, command: ModifyOrder) -> None:
        order = self._cache.order(command.client_order_id)
        if order is None or order.is_closed:
            self._log.warning(f"{command.client_order_id}: there is no open order to modify")
            return
        await self._in_step.wait()
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
            await self._http.put_modify_order(change)
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
        tracked = self._tracker.track(order)
        doubt, delay_secs = Doubt(wish="cancel"), 0.0
        try:
            await self._http.delete_order(_cancel_request(tracked))
            doubt.reason, delay_secs = "the venue confirmed the cancel and shows the order open", GRACE_SECS
        except (errors.RefusedError, errors.NotSentError) as error:
            doubt.is_refused, doubt.reason = True, str(error)
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
        sides = (command.order_side,) if command.order_side else (OrderSide.BUY, OrderSide.SELL)
        unique = {order.client_order_id: order for order in orders if order.side in sides}
        await self._cancel_batch(list(unique.values()))

    async def _batch_cancel_orders(self, command: BatchCancelOrders) -> None:
        orders = [self._cache.order(cancel.client_order_id) for cancel in command.cancels]
        await self._cancel_batch([order for order in orders if order is not None and not order.is_closed])

    async def _cancel_batch(self, orders: Sequence[Order]) -> None:
        for chunk in batched(orders, MAX_BATCH):
            tracked = [self._tracker.track(order) for order in chunk]
            items = [BatchItem(type=BatchType.CANCEL_ORDER, data=_cancel_request(each)) for each in tracked]
            await self._send_batch(tracked, items, wish_cancel=True)

    async def _send_batch(
        self, tracked: Sequence[TrackedOrder], items: list[BatchItem], *, wish_cancel: bool = False
    ) -> None:
        """Send and read each request's own outcome; an accepted one is only queued, so it is looked after."""
        outcomes: list[str | None] = [None] * len(tracked)
        try:
            reply = await self._http.post_batch(Batch(requests=items))
            for index, outcome in enumerate(reply.outcomes[: len(tracked)]):
                if not outcome.accepted:
                    outcomes[index] = "refused" if outcome.error is None else outcome.error.describe()
        except (errors.RefusedError, errors.NotSentError) as error:
            outcomes = [str(error)] * len(tracked)
        except errors.UnknownOutcomeError as error:
            self._log.warning(f"a batch of {len(tracked)}: {error}; asking for every order's state")
        for each, refusal in zip(tracked, outcomes, strict=True):
            if wish_cancel:
                doubt = Doubt(wish="cancel", reason=refusal or "the venue shows no effect of the cancel")
                doubt.is_refused = refusal is not None
                self._settlement.soon(each, delay_secs=0.0 if refusal else GRACE_SECS, doubt=doubt)
            elif refusal is not None:
                self._tracker.reject(each, refusal, self._clock.timestamp_ns())
            else:
                self._settlement.soon(each, delay_secs=GRACE_SECS)

    def _prepare(self, order: Order) -> Placement | None:
        """The request for an order; None if it was denied: the venue cannot do it."""
        if order.is_closed:
            self._log.warning(f"{order.client_order_id} is closed already")
            return None
        instrument = self._cache.instrument(order.instrument_id)
        try:
            if instrument is None:
                raise UnsupportedOrderError(f"{order.instrument_id} is not loaded")
            return build_placement(order, instrument, allow_margin=self._config.margin)
        except UnsupportedOrderError as error:
            now_ns = self._clock.timestamp_ns()
            self.generate_order_denied(
                order.strategy_id, order.instrument_id, order.client_order_id, str(error), now_ns
            )
            return None

    def _submitted(self, order: Order) -> TrackedOrder:
        tracked = self._tracker.track(order)
        now_ns = self._clock.timestamp_ns()
        self.generate_order_submitted(order.strategy_id, order.instrument_id, order.client_order_id, now_ns)
        return tracked

    async def _place(self, placement: Placement) -> OrderReply:
        if isinstance(placement, LimitOrder):
            return await self._http.post_limit_order(placement)
        if isinstance(placement, MarketOrder):
            return await self._http.post_market_order(placement)
        return await self._http.post_stop_limit_order(placement)

    def _refused(self, tracked: TrackedOrder, error: errors.RefusedError) -> None:
        """The engine's id comes with a failure there: an IOC that found nothing was a real order."""
        tracked.venue_order_id = tracked.venue_order_id or error.order_id
        self._tracker.reject(tracked, str(error), self._clock.timestamp_ns())

    def _modify_rejected(self, order: Order, reason: str) -> None:
        ids = order.strategy_id, order.instrument_id, order.client_order_id, order.venue_order_id
        self.generate_order_modify_rejected(*ids, reason, self._clock.timestamp_ns())

    # -- Reports --------------------------------------------------------------------------------------------------

    async def generate_order_status_report(self, command: GenerateOrderStatusReport) -> OrderStatusReport | None:
        """One order's state; None if the venue does not know it or cannot be asked."""
        return await self._reporter.order_report(command)

    async def generate_order_status_reports(self, command: GenerateOrderStatusReports) -> list[OrderStatusReport]:
        """Open orders, and closed ones since ``command.start`` unless only open ones are wanted."""
        return await self._reporter.order_reports(command)

    async def generate_fill_reports(self, command: GenerateFillReports) -> list[FillReport]:
        """Own trades within the command's times."""
        return await self._reporter.fill_reports(command)

    async def generate_position_status_reports(
        self, command: GeneratePositionStatusReports
    ) -> list[PositionStatusReport]:
        """Open positions of perpetuals; spot has none, the engine rebuilds them from orders and fills."""
        if self.account_type is not AccountType.MARGIN:
            return []
        return await self._reporter.position_reports(command)

    # -- Frames ---------------------------------------------------------------------------------------------------

    def _on_message(self, raw: bytes) -> None:
        try:
            self._inbox.take(raw)
        except errors.WireError as error:
            self._log.error(f"Account socket: {error}; asking for what it may have said")
            self._catch_up_soon()
        except Exception as error:  # noqa: BLE001 the border to the socket: an error of ours must not end the reading
            self._log.exception("Account socket: a frame could not be handled", error)
            self._catch_up_soon()


def _batch_item(placement: Placement) -> BatchItem:
    if isinstance(placement, LimitOrder):
        return BatchItem(type=BatchType.PLACE_LIMIT, data=placement)
    if isinstance(placement, MarketOrder):
        return BatchItem(type=BatchType.PLACE_MARKET, data=placement)
    return BatchItem(type=BatchType.PLACE_STOP_LIMIT, data=placement)


def _cancel_request(tracked: TrackedOrder) -> CancelRequest:
    """By the venue's id, or by ours while its own is not known."""
    if tracked.venue_order_id is not None:
        return CancelRequest(pair=tracked.pair, order_id=tracked.venue_order_id)
    return CancelRequest(pair=tracked.pair, customer_order_id=to_customer_id(tracked.order.client_order_id))
