"""What an evaluation comes to: every figure of every model on the same unseen rows, and a verdict in one word each.

Plain structs, written as JSON and read by the report. A figure that the rows cannot give is None.
"""

from typing import Literal

from msgspec import Struct

from helios_nautilus.domain.plan import ExitPlan, Liquidity
from helios_nautilus.models.bootstrap import Interval
from helios_nautilus.models.dataset import Splits
from helios_nautilus.models.evaluate import CalibrationBin, Metrics
from helios_nautilus.models.importance import Importance
from helios_nautilus.models.money import Takings

type Verdict = Literal["better", "not better", "unclear"]
type SliceKind = Literal["regime", "hour", "instrument"]


class Comparison(Struct, frozen=True, kw_only=True):
    """A model against a baseline, on the same rows and the same days."""

    model: str
    baseline: str
    difference: Interval | None
    """Baseline's log-loss minus the model's, per row: above 0 where the model is better."""
    side: Interval | None
    """The part of the difference that is about the side, BUY or SELL, of rows that moved: what could earn anything."""
    verdict: Verdict
    """``better`` if the whole interval lies above 0, ``not better`` if all of it lies at 0 or below, else unclear."""


class Showing(Struct, frozen=True, kw_only=True):
    """All figures of one model over the test rows of all folds."""

    model: str
    metrics: Metrics
    """After calibration; its skill is over each fold's own base rates."""
    skill: Interval | None
    mcc: Interval | None
    directional: Interval | None
    directional_top: Interval | None
    calibration_before: tuple[CalibrationBin, ...]
    calibration_after: tuple[CalibrationBin, ...]
    error_before: float | None
    """Expected calibration error without the temperature."""
    takings: tuple[Takings, ...]
    folds: tuple[Metrics, ...]


class FoldSummary(Struct, frozen=True, kw_only=True):
    """One fold: its spans, its rows, and what was fitted on its validation span."""

    splits: Splits
    train_rows: int
    validation_rows: int
    test_rows: int
    temperature: dict[str, float]
    network_weight: float


class SliceFigures(Struct, frozen=True, kw_only=True):
    """One model on some of the rows."""

    skill: float | None
    mcc: float | None
    directional_accuracy: float | None


class Slice(Struct, frozen=True, kw_only=True):
    """Rows that have something in common."""

    by: SliceKind
    value: str
    count: int
    figures: dict[str, SliceFigures]
    attention: tuple[float, ...]
    """The network's mean attention by timeframe, fastest first."""


class EquityLine(Struct, frozen=True, kw_only=True):
    """Sum of a model's trades so far, at the end of each day."""

    model: str
    entry: Liquidity
    threshold: float
    total: tuple[float, ...]


class Judgement(Struct, frozen=True, kw_only=True):
    """An evaluation, whole."""

    format: int = 1
    name: str
    helios_version: str
    created_ns: int
    preset: str
    parameters: int
    model_folder: str | None
    """The registered model that was judged on its own test span; None where every fold trained its own."""
    instrument_ids: tuple[str, ...]
    timeframes: tuple[str, ...]
    label: str
    plan: ExitPlan
    spec_hash: str
    data_hash: str
    count: int
    """Test rows of all folds."""
    days: int
    """Days on which they lie."""
    trials: int
    """Variants that the deflated Sharpe ratios answer for."""
    folds: tuple[FoldSummary, ...]
    showings: tuple[Showing, ...]
    comparisons: tuple[Comparison, ...]
    slices: tuple[Slice, ...]
    importance: tuple[Importance, ...]
    day_stamps_ns: tuple[int, ...]
    """Of the equity lines."""
    equity: tuple[EquityLine, ...]
    alarms: tuple[str, ...]
    """What is too good to be believed, in words."""

    def showing(self, model: str) -> Showing:
        """The figures of one model."""
        return next(each for each in self.showings if each.model == model)

    def against(self, model: str) -> tuple[Comparison, ...]:
        """How one model fared against every baseline."""
        return tuple(each for each in self.comparisons if each.model == model)
