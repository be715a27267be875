"""What became of predictions: each is kept until its label is known, by the rule that made the training labels."""

import math
from collections import deque
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.labels import Label, LabelConfig, label_plans
from helios_nautilus.domain.plan import ExitPlan, Side

_FOREVER_NS: Final = np.iinfo(np.int64).max


class Forecast(Struct, frozen=True, kw_only=True):
    """A prediction as it is remembered."""

    decision_id: str
    ts_ns: int
    """Close of the decision's bar."""
    side: Side
    """The likelier direction."""
    confidence: float
    """P(side) / (P(BUY) + P(SELL))."""
    vol_daily: float
    """Known at the decision; NaN: unknown."""
    is_vetoed: bool = False


class Verdict(Struct, frozen=True, kw_only=True):
    """A prediction and the label it turned out to have: BUY, SELL or HOLD."""

    forecast: Forecast
    label: Label
    net_return: float | None
    """What the plan would have earned on the forecast's side, net of costs; None where that is unknown though the
    label is known: for want of a volatility, or where a bar behind the label's last is missing."""

    @property
    def is_hit(self) -> bool | None:
        """Whether the label was the likelier side; None where it was HOLD."""
        if self.label is Label.HOLD:
            return None
        return (self.label is Label.BUY) == (self.forecast.side is Side.LONG)


class Hindsight:
    """One instrument's predictions that have no label yet, and the bars that will give them one."""

    def __init__(self, plan: ExitPlan, label: LabelConfig, bar_ns: int) -> None:
        self._plan, self._label, self._bar_ns = plan, label, bar_ns
        self._reach_ns = label.reach_ns(plan)
        self._open: deque[Forecast] = deque()
        self._bars: Bars | None = None

    def predict(self, forecast: Forecast) -> None:
        """Take a prediction. Stamps rise."""
        self._open.append(forecast)

    def judge(self, bars: Bars) -> list[Verdict]:
        """Take the bars since the last time, and say what is known by the newest of them, oldest prediction first.

        Predictions whose label the bars cannot give, for a hole, are left out.
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

    def _look_up(self, due: list[Forecast], bars: Bars) -> list[Verdict]:
        ts_ns = np.array([each.ts_ns for each in due])
        vol_daily = np.array([each.vol_daily for each in due])
        labels, nets = label_plans(bars, ts_ns, vol_daily, self._plan, self._label, bar_ns=self._bar_ns)
        rows = zip(due, labels.tolist(), *(each.tolist() for each in nets), strict=True)
        return [
            _verdict(each, Label(label), long, short) for each, label, long, short in rows if label != Label.UNKNOWN
        ]


def _verdict(forecast: Forecast, label: Label, long: float, short: float) -> Verdict:
    net = long if forecast.side is Side.LONG else short
    return Verdict(forecast=forecast, label=label, net_return=None if math.isnan(net) else net)


def _join(before: Bars, after: Bars) -> Bars:
    """Both, without what comes twice."""
    if len(before):
        after = after.window(int(before.ts_ns[-1]), _FOREVER_NS)
    return Bars(
        **{name: np.concatenate((getattr(before, name), getattr(after, name))) for name in Bars.__struct_fields__}
    )
