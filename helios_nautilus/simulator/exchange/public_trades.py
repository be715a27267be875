"""The public tape of one pair: the newest trades, paged backwards as VALR pages them."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

from helios_nautilus.simulator.exchange.orders import Trade

_KEPT = 10_000


class PublicTrades:
    """A bounded memory of trades."""

    def __init__(self) -> None:
        self._trades: deque[Trade] = deque(maxlen=_KEPT)

    def add(self, trade: Trade) -> None:
        """Append the newest trade."""
        self._trades.append(trade)

    def page(
        self, *, skip: int, limit: int, start_ns: int | None, end_ns: int | None, before_id: str | None
    ) -> list[Trade]:
        """Newest first; both ends of the time inclusive, ``before_id`` exclusive."""
        found = (
            trade
            for trade in self._before(before_id)
            if (start_ns is None or trade.traded_ns >= start_ns) and (end_ns is None or trade.traded_ns <= end_ns)
        )
        return list(islice(found, skip, skip + limit))

    def _before(self, trade_id: str | None) -> Iterator[Trade]:
        waiting = trade_id is not None
        for trade in reversed(self._trades):
            if not waiting:
                yield trade
            elif trade.trade_id == trade_id:
                waiting = False
