"""What a story is made of, and what its chapters share: the records at hand, and times as they are told."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, Literal

import msgspec
from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC, Timeframes
from helios_nautilus.journal.records import FillRecord, OrderRecord, PredictionRecord, Record, RunRecord, SizingRecord
from helios_nautilus.report import numerals

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not by strftime, which would ask the reader's locale."""

type Tone = Literal["", "gain", "loss"]


class Fact(Struct, frozen=True, kw_only=True):
    """One line: what it is about, and the words."""

    label: str
    words: str


class Sheet(Struct, frozen=True, kw_only=True):
    """A small table; every row has as many cells as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Chapter(Struct, frozen=True, kw_only=True):
    """What one tier made of the decision. ``ts_ns`` is when it spoke, or first did."""

    title: str
    ts_ns: int
    clock: str
    """The same as a time of day, UTC."""
    summary: str
    """Its answer in a few words."""
    tone: Tone = ""
    facts: tuple[Fact, ...] = ()
    sheet: Sheet | None = None


class _Data(Struct, frozen=True, kw_only=True):
    timeframes: Timeframes = Timeframes()


class _Settings(Struct, frozen=True, kw_only=True):
    """What a story needs of a run's configuration, whose own struct would bring torch along."""

    data: _Data = _Data()


class Teller:
    """The records of one decision, as the chapters need them."""

    def __init__(self, run: RunRecord, records: Sequence[Record]) -> None:
        self.run = run
        self.records = records

    def last[R: Record](self, kind: type[R]) -> R | None:
        """A tier's last word; None if it has said nothing."""
        return next((record for record in reversed(self.records) if isinstance(record, kind)), None)

    def all[R: Record](self, kind: type[R]) -> list[R]:
        """All records of a kind, in order."""
        return [record for record in self.records if isinstance(record, kind)]

    @cached_property
    def decision_id(self) -> str:
        """The decision that all of this is about."""
        return next(found for record in self.records if (found := getattr(record, "decision_id", "")))

    @cached_property
    def instrument_id(self) -> str:
        """What was to be traded."""
        return next((found for record in self.records if (found := getattr(record, "instrument_id", ""))), "")

    @cached_property
    def price(self) -> float | None:
        """The last price known at the decision."""
        prediction = self.last(PredictionRecord)
        return None if prediction is None else prediction.price

    @cached_property
    def side(self) -> str:
        """``LONG`` or ``SHORT``, empty if nobody got as far as choosing."""
        sizing = self.last(SizingRecord)
        return "" if sizing is None else sizing.side

    @cached_property
    def timeframes(self) -> Timeframes:
        """The bar lengths the model looked at, as far as today's code can read the run's configuration."""
        try:
            return msgspec.convert(tomllib.loads(self.run.config_toml), _Settings).data.timeframes
        except (tomllib.TOMLDecodeError, msgspec.ValidationError):
            return Timeframes()

    @cached_property
    def states(self) -> dict[str, list[OrderRecord]]:
        """The states of each order, by its id."""
        found: dict[str, list[OrderRecord]] = {}
        for order in self.all(OrderRecord):
            found.setdefault(order.client_order_id, []).append(order)
        return found

    def fills_of(self, role: str) -> list[FillRecord]:
        """The fills of all orders that were for one thing, e.g. ``ENTRY``."""
        return [fill for fill in self.all(FillRecord) if fill.role == role]

    def chapter(
        self,
        *,
        title: str,
        ts_ns: int,
        summary: str,
        tone: Tone = "",
        facts: tuple[Fact, ...] = (),
        sheet: Sheet | None = None,
    ) -> Chapter:
        """A chapter with its time as it is told."""
        clock = self.clock(ts_ns)
        return Chapter(title=title, ts_ns=ts_ns, clock=clock, summary=summary, tone=tone, facts=facts, sheet=sheet)

    def money(self, value: float | None, *, signed: bool = False) -> str:
        """An amount in the account's currency."""
        return numerals.money(value, self.run.account_currency, signed=signed)

    def clock(self, ts_ns: int, *, in_secs: bool = False) -> str:
        """Time of day, UTC, to the millisecond or second; with its day where that is not the decision's."""
        first, moment = (datetime.fromtimestamp(stamp // NS_PER_SEC, UTC) for stamp in (self.records[0].ts_ns, ts_ns))
        day = "" if first.date() == moment.date() else f"{moment.day} {_MONTHS[moment.month - 1]} "
        millis = "" if in_secs else f".{ts_ns % NS_PER_SEC // NS_PER_MS:03d}"
        return f"{day}{moment:%H:%M:%S}{millis}"
