"""Orders and cancels in batches: one request for up to twenty, and for each its own outcome.

A batch only queues: what was accepted is looked after until the venue has told what became of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import batched
from typing import Any

from helios_nautilus.adapters.valr.api import errors
from helios_nautilus.adapters.valr.api.enums import BatchType, ErrorCode
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.refusals import ErrorBody
from helios_nautilus.adapters.valr.api.schemas.orders import BatchReply
from helios_nautilus.adapters.valr.api.schemas.requests import (
    MAX_BATCH,
    Batch,
    BatchItem,
    CancelOrder,
    LimitOrder,
    MarketOrder,
)
from helios_nautilus.adapters.valr.inbox import GRACE_SECS
from helios_nautilus.adapters.valr.order_ids import to_customer_id
from helios_nautilus.adapters.valr.settlement import Doubt, Settlement
from helios_nautilus.adapters.valr.support import Placement
from helios_nautilus.adapters.valr.tracking import OrderTracker, TrackedOrder

type Refusal = ErrorBody | str
"""Why one request, or the whole batch, was not taken."""
type Sender = Callable[[Callable[[], Awaitable[BatchReply]]], Awaitable[BatchReply]]


class Batches:
    """Sends batches by ``send``, which tries again what provably did not leave, and reads what became of each item."""

    def __init__(
        self,
        http: ValrHttp,
        send: Sender,
        tracker: OrderTracker,
        settlement: Settlement,
        *,
        now_ns: Callable[[], int],
        log: Any,
    ) -> None:
        self._http = http
        self._send = send
        self._tracker = tracker
        self._settlement = settlement
        self._now_ns = now_ns
        self._log = log

    async def place(self, placements: Sequence[tuple[TrackedOrder, Placement]]) -> None:
        """Place orders that were told to the engine as submitted."""
        for chunk in batched(placements, MAX_BATCH):
            tracked = [each for each, _ in chunk]
            try:
                refusals = await self._request(tracked, [_placement_item(placement) for _, placement in chunk])
            except errors.NotSentError as error:
                self.withdraw(tracked, error)
                continue
            for each, refusal in zip(tracked, refusals, strict=True):
                if refusal is None or _is(refusal, ErrorCode.DUPLICATE_CUSTOMER_ORDER_ID):
                    self._settlement.soon(each, delay_secs=GRACE_SECS)
                else:
                    self._tracker.reject(each, _describe(refusal), self._now_ns())

    async def cancel(self, orders: Sequence[TrackedOrder]) -> None:
        """Cancel orders."""
        for tracked in batched(orders, MAX_BATCH):
            items = [BatchItem(type=BatchType.CANCEL_ORDER, data=cancel_request(each)) for each in tracked]
            refusals: Sequence[Refusal | None]
            try:
                refusals = await self._request(tracked, items)
            except errors.NotSentError as error:
                refusals = [str(error)] * len(tracked)
            for each, refusal in zip(tracked, refusals, strict=True):
                doubt = Doubt(wish="cancel", reason="the venue shows no effect of the cancel")
                if refusal is not None:
                    doubt.is_refused, doubt.reason = True, _describe(refusal)
                    doubt.is_early = _is(refusal, ErrorCode.INVALID_ORDER)
                self._settlement.soon(each, delay_secs=0.0 if refusal else GRACE_SECS, doubt=doubt)

    def withdraw(self, tracked: Sequence[TrackedOrder], error: errors.NotSentError) -> None:
        """They never left. Canceled, not rejected: the venue has refused nothing."""
        for each in tracked:
            self._log.error(f"{each.order.client_order_id} never left and is over: {error}")
            self._tracker.withdraw(each, self._now_ns())

    async def _request(self, tracked: Sequence[TrackedOrder], items: list[BatchItem]) -> list[Refusal | None]:
        """Why each was not taken; None for what was, and where nobody knows."""
        refusals: list[Refusal | None] = [None] * len(tracked)
        try:
            reply = await self._send(lambda: self._http.post_batch(Batch(requests=items)))
        except errors.RefusedError as error:
            return [str(error)] * len(tracked)
        except errors.UnknownOutcomeError as error:
            self._log.warning(f"a batch of {len(tracked)}: {error}; asking for every order's state")
            return refusals
        for index, outcome in enumerate(reply.outcomes[: len(tracked)]):
            if not outcome.accepted:
                refusals[index] = outcome.error or "refused"
        return refusals


def cancel_request(tracked: TrackedOrder) -> CancelOrder:
    """By the venue's id, or by ours while its own is not known."""
    if tracked.venue_order_id is not None:
        return CancelOrder(pair=tracked.pair, order_id=tracked.venue_order_id)
    return CancelOrder(pair=tracked.pair, customer_order_id=to_customer_id(tracked.order.client_order_id))


def _placement_item(placement: Placement) -> BatchItem:
    if isinstance(placement, LimitOrder):
        return BatchItem(type=BatchType.PLACE_LIMIT, data=placement)
    if isinstance(placement, MarketOrder):
        return BatchItem(type=BatchType.PLACE_MARKET, data=placement)
    return BatchItem(type=BatchType.PLACE_STOP_LIMIT, data=placement)


def _is(refusal: Refusal, code: ErrorCode) -> bool:
    return isinstance(refusal, ErrorBody) and refusal.code == code


def _describe(refusal: Refusal) -> str:
    return refusal.describe() if isinstance(refusal, ErrorBody) else refusal
