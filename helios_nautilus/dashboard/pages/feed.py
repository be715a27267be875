"""What all pages show, read once for all of them: one look a second, however many browsers are watching."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, get_args

import msgspec
from msgspec import Struct
from nicegui import Event

from helios_nautilus.dashboard.shown import (
    EquityCurve,
    Metrics,
    ShownCommand,
    ShownDecision,
    ShownEvent,
    ShownPrediction,
    ShownRebalance,
    ShownTrade,
    Span,
    Status,
)
from helios_nautilus.dashboard.view import View, is_gone
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import JournalError
from helios_nautilus.journal.status import NodeStatus

LOOK_SECS: Final = 1.0
"""Between two looks at the status and the commands."""
_RECORDS_EVERY: Final = 5
"""Looks at the status for one at the records, which change with the bars."""

_PATIENCE_SECS: Final = 10.0
"""How long a reading may take: of a database that neither answers nor breaks, old figures would go on looking live."""
_OLD_NS: Final = 2 * NS_PER_SEC
"""A picture that is older was made for somebody who has left."""
_ROWS: Final = 200
"""Of each list, the newest."""
_COMMANDS: Final = 20

_LOG: Final = logging.getLogger(__name__)


class Records(Struct, frozen=True, kw_only=True):
    """What the journal tells, the newest first."""

    metrics: Metrics
    curves: dict[Span, EquityCurve]
    predictions: list[ShownPrediction]
    decisions: list[ShownDecision]
    trades: list[ShownTrade]
    events: list[ShownEvent]
    rebalancings: list[ShownRebalance]


class Present(Struct, frozen=True, kw_only=True):
    """What changes from second to second."""

    status: Status
    commands: list[ShownCommand]


class Picture(Struct, frozen=True, kw_only=True):
    """Everything the pages show at one moment; None where nothing could be read yet."""

    now_ns: int = 0
    present: Present | None = None
    records: Records | None = None
    trouble: str = ""
    """Why the newest look failed; what is shown is from before."""

    @property
    def node(self) -> NodeStatus | None:
        """The node as it said last."""
        return None if self.present is None else self.present.status.node

    @property
    def is_gone(self) -> bool:
        """There was a node, and it says nothing any more: nothing watches what it holds."""
        return self.node is not None and is_gone(self.node, self.now_ns)


class Feed:
    """Looks at a mode's journal for all pages; it rests while nobody watches.

    Parameters
    ----------
    view
        Whose methods block; they run in threads, one at a time.

    """

    def __init__(
        self, view: View, clock: Callable[[], int] = time.time_ns, patience_secs: float = _PATIENCE_SECS
    ) -> None:
        self.changed = Event[Picture]()
        """Subscribe to it while building a page; it ends with the page."""
        self._view = view
        self._clock = clock
        self._patience_secs = patience_secs
        self._picture = Picture()
        self._looking = asyncio.Lock()

    @property
    def newest(self) -> Picture:
        """The newest picture there is, however old."""
        return self._picture

    async def picture(self) -> Picture:
        """The newest picture, for a page that is opened; made anew if nobody was watching lately."""
        async with self._looking:
            if self._clock() - self._picture.now_ns > _OLD_NS:
                await self._look(with_records=True)
        return self._picture

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_SECS)
            if self.changed.callbacks:
                await self.look_now(with_records=looks % _RECORDS_EVERY == 0)
                looks += 1

    async def look_now(self, *, with_records: bool = False) -> None:
        """Look, and show it to all who watch."""
        async with self._looking:
            await self._look(with_records=with_records)
        self.changed.emit(self._picture)

    async def _look(self, *, with_records: bool) -> None:
        before = self._picture
        try:
            present = await self._ask(self._read_present)
            records = before.records
            if with_records or records is None:
                records = await self._ask(self._read_records)
            self._picture = Picture(now_ns=self._clock(), present=present, records=records)
        except Exception as error:  # noqa: BLE001 (a look that ended unseen would leave old figures looking live)
            if not isinstance(error, JournalError):
                _LOG.exception("the journal cannot be shown")
            elif not before.trouble:
                _LOG.warning("the journal cannot be read: %s", error)
            self._picture = msgspec.structs.replace(before, now_ns=self._clock(), trouble=str(error))

    async def _ask[T](self, read: Callable[[], T]) -> T:
        try:
            return await asyncio.wait_for(asyncio.to_thread(read), self._patience_secs)
        except TimeoutError as error:
            raise JournalError("the journal's database does not answer") from error

    def _read_present(self) -> Present:
        return Present(status=self._view.status(), commands=self._view.commands(_COMMANDS))

    def _read_records(self) -> Records:
        view = self._view
        return Records(
            metrics=view.metrics(),
            curves={span: view.equity(span) for span in get_args(Span.__value__)},
            predictions=view.predictions(count=_ROWS),
            decisions=view.decisions(count=_ROWS),
            trades=view.trades(count=_ROWS),
            events=view.events(count=_ROWS),
            rebalancings=view.rebalances(_COMMANDS),
        )
