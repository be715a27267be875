"""One timeframe in a stream: closes that are still open, the kernel's state, and holes that late bars may yet fill.

Whoever tells an instrument's bars tells them in order. So a bar that is missing may still come until a newer one of
that instrument has: its line was lost, its past is still being fetched, or this process was busy. Until then the
closes since that hole are a draft, and can be taken anew with the bars that came late.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bools, Floats, Ints
from helios_nautilus.domain.features import kernel
from helios_nautilus.domain.features.kernel import Field
from helios_nautilus.domain.timeframe import NS_PER_HOUR

DRAFT_NS: Final = 3 * NS_PER_HOUR
"""A hole can be filled for so long."""
_NEVER_NS: Final = np.iinfo(np.int64).min


class FeatureRow(Struct, frozen=True, kw_only=True):
    """Features of one timeframe at one close: ``values`` (n, F), finite, and 0 where ``ready`` (n,) is False."""

    ts_ns: int
    values: Floats
    ready: Bools
    is_draft: bool = False
    """Who is not ready here may still become so: a bar of this close, or of one before, may come late."""


class Bar:
    """The universe's bars of one close while they come in: inputs (n, fields), who is in, and how many are not.

    ``is_proven`` once the base bars of all of them have been found to be in.
    """

    __slots__ = ("inputs", "is_proven", "missing", "present")

    def __init__(self, size: int) -> None:
        self.inputs = np.zeros((size, len(Field)))
        self.inputs[:, Field.SPREAD : Field.DAY_SIN] = np.nan
        self.present = np.zeros(size, dtype=np.bool_)
        self.missing = size
        self.is_proven = False

    def put(self, i: int, *ohlcv: float) -> None:
        """Take the bar of an instrument; the last one counts."""
        if not self.present[i]:
            self.present[i] = True
            self.missing -= 1
        self.inputs[i, : Field.BOUGHT] = ohlcv

    def drop(self, is_kept: Bools) -> None:
        """Take out the bars of all others: parts of them are missing."""
        self.present &= is_kept
        self.missing = int(len(self.present) - self.present.sum())


class _Draft:
    """What a timeframe was before its oldest hole that may still be filled, and all that was closed since."""

    __slots__ = ("bars", "closed_ns", "first_ns", "is_filled", "missing_ns", "state", "told")

    def __init__(self, state: kernel.State, closed_ns: int, first_ns: int) -> None:
        self.state = kernel.State(state.bars.copy(), state.history.copy(), state.averages.copy())
        self.closed_ns = closed_ns
        self.first_ns = first_ns
        self.bars: dict[int, Bar] = {}
        self.told: dict[int, Bools] = {}
        """Who was ready, by close: nobody is told twice."""
        self.missing_ns: Ints = np.full(len(state.bars), _NEVER_NS)
        """The newest close that each instrument misses."""
        self.is_filled = False
        """A late bar has come, and nothing has been made of it yet."""

    def keep(self, ts_ns: int, bar: Bar, told: Bools) -> None:
        self.bars[ts_ns], self.told[ts_ns] = bar, told
        self.missing_ns[~bar.present] = ts_ns

    def is_final(self, ts_ns: int, heard_ns: Ints) -> bool:
        """Nothing is to be made of it, and none of its holes can be filled any more."""
        if self.is_filled:
            return False
        return bool((self.missing_ns < heard_ns).all()) or ts_ns - self.first_ns >= DRAFT_NS


class Series:
    """One timeframe of ``size`` instruments: closes are taken one after another, each once.

    ``heard_ns`` (n,) is always the newest base close that each instrument has told.
    """

    def __init__(self, layout: kernel.Layout, length_ns: int, size: int, width: int) -> None:
        self.length_ns = length_ns
        self.state = kernel.new_state(size)
        self.pending: dict[int, Bar] = {}
        self.closed_ns = -1
        self.ready: Bools = np.zeros(size, dtype=np.bool_)
        """Who was ready at the newest close."""
        self._layout = layout
        self._shape = (1, size, width)
        self._newest_ns: Ints = np.full(size, -1, dtype=np.int64)
        self._draft: _Draft | None = None

    def pend(self, ts_ns: int, i: int, *ohlcv: float) -> None:
        """Take an instrument's bar of a close that is still open."""
        bar = self.pending.get(ts_ns)
        if bar is None:
            bar = self.pending[ts_ns] = Bar(len(self.ready))
        bar.put(i, *ohlcv)
        self._newest_ns[i] = max(self._newest_ns[i], ts_ns)

    def wants(self, ts_ns: int, i: int) -> bool:
        """Whether a bar of a close that was closed fills a hole that may still be filled."""
        return self._draft is not None and ts_ns > max(self._draft.closed_ns, int(self._newest_ns[i]))

    def drafted(self, ts_ns: int) -> Bar | None:
        """The bars of a close in the draft; None if nobody's had come."""
        return None if self._draft is None else self._draft.bars.get(ts_ns)

    def fill(self, ts_ns: int, bar: Bar, i: int, *ohlcv: float) -> None:
        """Take a late bar that is wanted into the ``bar`` of its close; `retake` makes something of it."""
        assert self._draft is not None, "it was asked for"
        bar.put(i, *ohlcv)
        self._draft.bars[ts_ns] = bar
        self._draft.is_filled = True
        self._newest_ns[i] = ts_ns

    def close(self, ts_ns: int, bar: Bar, heard_ns: Ints) -> FeatureRow:
        """Advance to a close; steps of which nothing came are holes for all."""
        if self._draft is not None and self._draft.is_final(ts_ns, heard_ns):
            self._draft = None
        values, ready = self._take(ts_ns, bar, heard_ns)
        return FeatureRow(ts_ns=ts_ns, values=values, ready=ready, is_draft=self._draft is not None)

    def retake(self, heard_ns: Ints) -> Iterator[FeatureRow]:
        """Take the draft anew if late bars have come: the features of whoever was not ready before, close by close."""
        draft = self._draft
        if draft is None or not draft.is_filled:
            return
        self.state, self.closed_ns, self._draft = draft.state, draft.closed_ns, None
        for ts_ns in sorted(draft.bars):
            told = draft.told.get(ts_ns)
            values, ready = self._take(ts_ns, draft.bars[ts_ns], heard_ns, told)
            news = ready if told is None else ready & ~told
            if news.any():
                yield FeatureRow(ts_ns=ts_ns, values=np.where(news[:, None], values, 0.0), ready=news, is_draft=True)

    def _take(self, ts_ns: int, bar: Bar, heard_ns: Ints, told: Bools | None = None) -> tuple[Floats, Bools]:
        """Advance to a close; a draft begins at a hole that may be filled. ``told`` were ready there before."""
        if self._draft is None and bar.missing and (~bar.present & (heard_ns <= ts_ns)).any():
            self._draft = _Draft(self.state, self.closed_ns, ts_ns)
        if self.closed_ns >= 0 and ts_ns > self.closed_ns + self.length_ns:
            self._advance(Bar(len(bar.present)))
        values, self.ready = self._advance(bar)
        self.closed_ns = ts_ns
        if self._draft is not None:
            self._draft.keep(ts_ns, bar, self.ready if told is None else self.ready | told)
        return values, self.ready

    def _advance(self, bar: Bar) -> tuple[Floats, Bools]:
        values, ready = np.empty(self._shape), np.empty(self._shape[:2], dtype=np.bool_)
        kernel.advance(self._layout, self.state, bar.inputs[None], bar.present[None], values, ready)
        return values[0], ready[0]
