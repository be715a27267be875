"""Equity over time: the account's, one instrument's, and that of buying and holding."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bars, Floats, Ints
from helios_nautilus.journal.records import EquityRecord, PositionRecord, Record, RunRecord

_TAKER_FEE_NOTE: Final = re.compile(
    r"taker fee\D{0,10}?(?P<after>\d+(?:\.\d+)?)\s*%|(?P<before>\d+(?:\.\d+)?)\s*% as (?:a )?taker", re.IGNORECASE
)


class Curve(Struct, frozen=True, kw_only=True):
    """Equity in the account currency; all of shape (n,), strictly increasing in time."""

    ts_ns: Ints
    equity: Floats
    exposure: Floats
    """Above 0 while something is held, from each stamp on."""

    @property
    def drawdown(self) -> Floats:
        """Distance below the highest equity so far, as a fraction (0 at a peak)."""
        return 1.0 - self.equity / np.maximum.accumulate(self.equity)


def account_curve(run: RunRecord, records: Iterable[Record]) -> Curve:
    """The run's own equity, from the starting balance at the start of the window to its last mark."""
    marks = {run.start_ns: (run.starting_balance, 0.0)}
    for record in records:
        if isinstance(record, EquityRecord) and record.ts_ns >= run.start_ns:
            held = float(record.open_positions) if record.exposure is None else record.exposure
            marks[record.ts_ns] = record.equity, held
    stamps = sorted(marks)
    equity, exposure = np.array([marks[ts] for ts in stamps], np.float64).T
    return Curve(ts_ns=np.array(stamps, np.int64), equity=equity, exposure=exposure)


def realised_curve(run: RunRecord, trades: Sequence[PositionRecord]) -> Curve:
    """Starting balance plus what some closed trades had made by each stamp: for one instrument, which nobody marks."""
    entries = np.sort(np.array([trade.entry_ts_ns for trade in trades], np.int64))
    ordered = sorted(trades, key=lambda trade: trade.ts_ns)
    exits = np.array([trade.ts_ns for trade in ordered], np.int64)
    made = np.concatenate([[0.0], np.cumsum([trade.pnl for trade in ordered])])
    stamps = np.unique(np.concatenate([[run.start_ns, run.end_ns], entries, exits]).astype(np.int64))
    closed = np.searchsorted(exits, stamps, side="right")
    held = (np.searchsorted(entries, stamps, side="right") - closed).astype(np.float64)
    return Curve(ts_ns=stamps, equity=run.starting_balance + made[closed], exposure=held)


def cash_curve(run: RunRecord) -> Curve:
    """Doing nothing."""
    return realised_curve(run, ())


def buy_and_hold_curve(run: RunRecord, prices: Mapping[str, Bars]) -> Curve | None:
    """Equal weights bought at the first price of the window, paying one taker fee, and held to its end.

    Between two bars of an instrument its last close counts, and before its first bar its share is still cash.
    None unless every instrument of the run has a price in the window.
    """
    windows = [prices[key].window(run.start_ns, run.end_ns) for key in run.instrument_ids if key in prices]
    if len(windows) < len(run.instrument_ids) or not all(map(len, windows)):
        return None
    stamps = np.unique(np.concatenate([[run.start_ns], *(bars.ts_ns for bars in windows)]).astype(np.int64))
    growth = np.mean([_growth(bars, stamps, stated_taker_fee(run)) for bars in windows], axis=0)
    return Curve(ts_ns=stamps, equity=run.starting_balance * growth, exposure=np.ones(len(stamps)))


def stated_taker_fee(run: RunRecord) -> float:
    """The taker fee as a fraction if a note states it (``taker fee 0.35 %`` or ``0.35 % as taker``), else 0."""
    found = (_TAKER_FEE_NOTE.search(note) for note in run.notes)
    return next((float(match["after"] or match["before"]) / 100 for match in found if match), 0.0)


def _growth(bars: Bars, stamps: Ints, fee: float) -> Floats:
    """Value at each stamp of 1 put into one instrument."""
    value = np.concatenate([[1.0], bars.close / bars.open[0] * (1.0 - fee)])
    return value[np.searchsorted(bars.ts_ns, stamps, side="right")]
