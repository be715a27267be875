"""The judge: every figure of every model on the same unseen rows, and whether a model is better than a baseline.

Nothing is trained or tuned here. Verdicts rest on bootstrap intervals over days, never on a bare figure.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from helios_nautilus.domain.bars import Bools, Floats
from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.risk.regime import Regime
from helios_nautilus.domain.timeframe import NS_PER_HOUR
from helios_nautilus.models.bootstrap import MIN_TEST_DAYS, DayBootstrap, Interval, Statistic, day_of, ratio, with_count
from helios_nautilus.models.contest import ENSEMBLE, MODELS, NETWORK, PRIOR
from helios_nautilus.models.evaluate import (
    Metrics,
    calibration_curve,
    calibration_error,
    directional_confidence,
    evaluate,
    is_right_side,
    matthews,
    most_confident,
)
from helios_nautilus.models.judgement import Comparison, EquityLine, Showing, Slice, SliceFigures, SliceKind, Verdict
from helios_nautilus.models.money import Bets, Takings, daily_ratio, deflate, take
from helios_nautilus.models.rivals import row_losses
from helios_nautilus.models.unseen import ENTRIES, UnseenRows

CANDIDATES: Final = (NETWORK, ENSEMBLE)
"""What is judged; the other models are there to be beaten."""
TOO_GOOD_SKILL: Final = 0.2
TOO_GOOD_DIRECTION: Final = 0.7
_HOURS: Final = 24


def show(rows: UnseenRows, model: str, draws: DayBootstrap, takings: tuple[Takings, ...]) -> Showing:
    """All figures of one model."""
    p, label = rows.p[model], rows.label
    found = {name: draws.interval(columns, statistic) for name, (columns, statistic) in _figures(rows, model).items()}
    return Showing(
        model=model,
        metrics=_metrics(rows, model, rows.fold >= 0),
        skill=found["skill"],
        mcc=found["mcc"],
        directional=found["directional"],
        directional_top=found["directional_top"],
        calibration_before=calibration_curve(rows.before[model], label),
        calibration_after=calibration_curve(p, label),
        error_before=calibration_error(rows.before[model], label),
        takings=takings,
        folds=tuple(_metrics(rows, model, rows.fold == fold) for fold in np.unique(rows.fold)),
    )


def compare(rows: UnseenRows, model: str, baseline: str, draws: DayBootstrap) -> Comparison:
    """Whether a model is better than a baseline, by the paired difference of their log-losses."""
    lead = row_losses(np.log(rows.p[baseline]), rows.label) - row_losses(np.log(rows.p[model]), rows.label)
    difference, side = (draws.interval(with_count(each), ratio) for each in lead.T)
    verdict = verdict_of(difference, draws.days)
    return Comparison(model=model, baseline=baseline, difference=difference, side=side, verdict=verdict)


def verdict_of(difference: Interval | None, days: int) -> Verdict:
    """What an interval of baseline's loss minus model's loss says."""
    if difference is None or days < MIN_TEST_DAYS:
        return "unclear"
    if difference.low > 0:
        return "better"
    return "not better" if difference.high <= 0 else "unclear"


def count_money(
    rows: UnseenRows, model: str, thresholds: tuple[float, ...], hold_ns: int, trials: int
) -> tuple[tuple[Takings, ...], tuple[EquityLine, ...]]:
    """What trading a model would have made at each threshold, as taker and as maker, and its sum from day to day.

    A maker's entry may wait before its hold begins; ``hold_ns`` blocks an instrument for both.
    """
    takings: list[Takings] = []
    paths: list[Floats] = []
    for entry in ENTRIES:
        long, short = rows.nets[entry]
        bets = Bets(ts_ns=rows.ts_ns, instrument=rows.instrument, p=rows.p[model], net_long=long, net_short=short)
        found, daily = take(bets, entry, thresholds, hold_ns)
        takings += found
        paths += daily
    tried = np.array([daily_ratio(path) for path in paths])
    tried = tried[np.isfinite(tried)]
    deflated = tuple(
        msgspec.structs.replace(each, deflated_sharpe=deflate(path, tried, trials))
        for each, path in zip(takings, paths, strict=True)
    )
    lines = tuple(
        EquityLine(model=model, entry=each.entry, threshold=each.threshold, total=tuple(path.cumsum().tolist()))
        for each, path in zip(takings, paths, strict=True)
    )
    return deflated, lines


def cut_slices(rows: UnseenRows, instrument_ids: Sequence[str]) -> tuple[Slice, ...]:
    """Figures by volatility regime, by instrument, and by hour of the day (UTC); empty slices are left out."""
    hour = rows.ts_ns // NS_PER_HOUR % _HOURS
    cuts: list[tuple[SliceKind, str, Bools]] = [
        *(("regime", regime.value, rows.regime == place) for place, regime in enumerate(Regime)),
        *(("instrument", name, rows.instrument == place) for place, name in enumerate(instrument_ids)),
        *(("hour", f"{each:02}", hour == each) for each in range(_HOURS)),
    ]
    cuts = [cut for cut in cuts if cut[2].any()]
    figures = {model: _slice_figures(rows, model, [cut[2] for cut in cuts]) for model in MODELS if model != PRIOR}
    return tuple(
        Slice(
            by=by,
            value=value,
            count=int(chosen.sum()),
            figures={model: found[number] for model, found in figures.items()},
            attention=tuple(rows.attention[chosen].mean(axis=0).tolist()),
        )
        for number, (by, value, chosen) in enumerate(cuts)
    )


def alarms(showings: Sequence[Showing]) -> Iterator[str]:
    """What is surely too good to be true of a liquid market: then something has seen the future."""
    for each in showings:
        if each.skill is not None and each.skill.low > TOO_GOOD_SKILL:
            skill = f"{each.skill.estimate:.2f}, surely above {TOO_GOOD_SKILL:.2f}"
            yield f"{each.model}: skill over the prior is {skill}; look for a leak"
        if each.directional is not None and each.directional.low > TOO_GOOD_DIRECTION:
            right = f"{each.directional.estimate:.0%} of directions, surely above {TOO_GOOD_DIRECTION:.0%}"
            yield f"{each.model}: right about {right}; look for a leak"


def draw_days(rows: UnseenRows, seed: int, draws: int) -> DayBootstrap:
    """The days that all intervals are drawn on."""
    return DayBootstrap(day_of(rows.ts_ns), np.random.default_rng(seed), draws=draws)


def _metrics(rows: UnseenRows, model: str, chosen: Bools) -> Metrics:
    long, short = rows.nets[rows.entry]
    return evaluate(rows.p[model][chosen], rows.label[chosen], long[chosen], short[chosen], prior=rows.p[PRIOR][chosen])


def _slice_figures(rows: UnseenRows, model: str, slices: Sequence[Bools]) -> list[SliceFigures]:
    chosen = np.array(slices, dtype=np.float64)
    found = {name: statistic(chosen @ columns) for name, (columns, statistic) in _figures(rows, model).items()}
    return [
        SliceFigures(skill=_known(skill), mcc=_known(mcc), directional_accuracy=_known(directional))
        for skill, mcc, directional in zip(found["skill"], found["mcc"], found["directional"], strict=True)
    ]


def _figures(rows: UnseenRows, model: str) -> dict[str, tuple[Floats, Statistic]]:
    """Figures as statistics of column sums, so that any choice of days or rows gives them: columns (n, k) by name."""
    p, label = rows.p[model], rows.label
    loss, prior_loss = _losses(rows, model), _losses(rows, PRIOR)
    moved = label != Label.HOLD
    top = np.zeros(len(p), dtype=bool)
    if moved.any():
        top[moved] = most_confident(directional_confidence(p[moved]))
    right = is_right_side(p, label)
    return {
        "skill": (np.column_stack((prior_loss - loss, prior_loss)), ratio),
        "mcc": (np.eye(9)[label.astype(int) * 3 + p.argmax(axis=1)], _matthews_of_cells),
        "directional": (np.column_stack((right & moved, moved)).astype(np.float64), ratio),
        "directional_top": (np.column_stack((right & top, top)).astype(np.float64), ratio),
    }


def _matthews_of_cells(sums: Floats) -> Floats:
    return matthews(sums.reshape(-1, 3, 3))


def _losses(rows: UnseenRows, model: str) -> Floats:
    losses: Floats = -np.log(rows.p[model][np.arange(len(rows.label)), rows.label])
    return losses


def _known(figure: float) -> float | None:
    return float(figure) if np.isfinite(figure) else None
