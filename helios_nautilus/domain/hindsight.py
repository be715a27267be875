"""What became of predictions: each is kept until its label is known, by the rule that made the training labels."""

from collections import deque
from typing import Final, NamedTuple

import numpy as np

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.labels import Label, LabelConfig, label_decisions
from helios_nautilus.domain.plan import ExitPlan

_FOREVER_NS: Final = np.iinfo(np.int64).max


class Verdict(NamedTuple):
    """A prediction whose label turned out to be BUY or SELL."""

    ts_ns: int
    confidence: float
    """P(likelier side) / (P(BUY) + P(SELL))."""
    is_hit: bool
    """Whether the label was the likelier side."""


class _Open(NamedTuple):
    ts_ns: int
    vol_daily: float
    confidence: float
    side: Label


class Hindsight:
    """One instrument's predictions that have no label yet, and the bars that will give them one."""

    def __init__(self, plan: ExitPlan, label: LabelConfig, bar_ns: int) -> None:
        self._plan, self._label, self._bar_ns = plan, label, bar_ns
        self._reach_ns = label.reach_ns(plan)
        self._open: deque[_Open] = deque()
        self._bars: Bars | None = None

    def predict(self, ts_ns: int, p_buy: float, p_sell: float, vol_daily: float) -> None:
        """Take a prediction, and the daily volatility known then (NaN: unknown). Stamps rise."""
        if p_buy + p_sell > 0:
            side = Label.BUY if p_buy >= p_sell else Label.SELL
            self._open.append(_Open(ts_ns, vol_daily, max(p_buy, p_sell) / (p_buy + p_sell), side))

    def judge(self, bars: Bars) -> list[Verdict]:
        """Take the bars since the last time, and say what is known by the newest of them, oldest prediction first.

        Predictions without a direction are left out, and those whose label the bars cannot give, for a hole.
        """
        self._bars = bars if self._bars is None else _join(self._bars, bars)
        due = []
        while self._open and len(self._bars) and self._open[0].ts_ns + self._reach_ns <= self._bars.ts_ns[-1]:
            due.append(self._open.popleft())
        verdicts = self._look_up(due, self._bars) if due else []
        # A label is made of the bars from the decision's own on.
        first_ns = self._open[0].ts_ns if self._open else int(bars.ts_ns[-1]) if len(bars) else 0
        self._bars = self._bars.window(first_ns - self._bar_ns, _FOREVER_NS)
        return verdicts

    def _look_up(self, due: list[_Open], bars: Bars) -> list[Verdict]:
        ts_ns = np.array([each.ts_ns for each in due])
        vol_daily = np.array([each.vol_daily for each in due])
        found = label_decisions(bars, ts_ns, vol_daily, self._plan, self._label, bar_ns=self._bar_ns).label
        return [
            Verdict(each.ts_ns, each.confidence, label == each.side)
            for each, label in zip(due, found.tolist(), strict=True)
            if label in (Label.BUY, Label.SELL)
        ]


def _join(before: Bars, after: Bars) -> Bars:
    """Both, without what comes twice."""
    if len(before):
        after = after.window(int(before.ts_ns[-1]), _FOREVER_NS)
    return Bars(
        **{name: np.concatenate((getattr(before, name), getattr(after, name))) for name in Bars.__struct_fields__}
    )
