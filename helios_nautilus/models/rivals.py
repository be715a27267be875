"""A network against the baselines on its own test rows: what its card says of them, and the gate decides by.

The baselines learn from the network's training rows, are tuned and calibrated on its validation rows, and are judged
with it on its test rows: one span, looked at once. `models.contest` does more of this, over many folds.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Final, Literal

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bools, Floats
from helios_nautilus.domain.labels import Label, LabelArray, base_rates
from helios_nautilus.models.baselines import Classifier, Table, fit_boosting, fit_logistic, fit_prior
from helios_nautilus.models.bootstrap import DayBootstrap, Interval, day_of, ratio, with_count
from helios_nautilus.models.calibrate import calibrated, fit_temperature
from helios_nautilus.models.dataset import Arrays, Splits
from helios_nautilus.models.evaluate import MIN_P, Metrics, evaluate
from helios_nautilus.models.rows import judged, tabulate

type RivalName = Literal["prior", "logistic", "boosting"]

RIVALS: Final[tuple[RivalName, ...]] = ("prior", "logistic", "boosting")
LEVEL: Final = 0.90
"""Of the two-sided intervals: each end is passed by chance in one case of twenty."""

_FITS: Final[dict[RivalName, tuple[Callable[[Table, Table], Classifier], str | None]]] = {
    "prior": (fit_prior, None),
    "logistic": (fit_logistic, "sklearn"),
    "boosting": (fit_boosting, "lightgbm"),
}
"""How each is made, and the package that takes."""


class Rival(Struct, frozen=True, kw_only=True):
    """A baseline, judged on a network's test rows."""

    name: RivalName
    temperature: float
    metrics: Metrics
    lead: Interval | None
    """By how much the network's log-loss lies below the baseline's, with the ends of `LEVEL`; None: under two days."""
    side_lead: Interval | None
    """The part of the lead that is about the side, BUY or SELL, of the rows that moved; the rest is about whether."""


class Standing(Struct, frozen=True, kw_only=True):
    """How a network stands against all baselines that could be fitted; two of them need the extra ``evaluate``."""

    days: int
    """On which the test rows lie."""
    rivals: tuple[Rival, ...]
    """In the order of `RIVALS`."""
    edge: Interval | None = None
    """By how much the side's part of the network's log-loss lies below that of the test rows' own base rates.

    They are known in hindsight only, and that is the point: the training span's rates miss them by chance, and any
    model that happens to lean the right way gains by it on every day alike. None: under two days.
    """

    def rival(self, name: RivalName) -> Rival | None:
        """The baseline of a name, if it took part."""
        return next((each for each in self.rivals if each.name == name), None)


def meet_rivals(arrays: Arrays, splits: Splits, p: Floats, prior: tuple[float, ...], *, seed: int = 0) -> Standing:
    """Hold a network's calibrated probabilities (d, instruments, 3; NaN: none) against the baselines.

    ``prior`` holds the base rates of the training span, over which skill is measured; ``seed`` draws the days of the
    intervals. Where a span has no row to judge nobody takes part.
    """
    can = np.isfinite(p).all(axis=-1)
    train, validation, test = (judged(arrays, can, getattr(splits, name)) for name in Splits.__struct_fields__)
    if not (train.any() and validation.any() and test.any()):
        return Standing(days=0, rivals=())
    learnt, tuned, asked = (_tabulate(arrays, rows) for rows in (train, validation, test))
    day = day_of(arrays.ts_ns[np.nonzero(test)[0]])
    draws = DayBootstrap(day, np.random.default_rng(seed))
    own = row_losses(np.log(np.maximum(p[test], MIN_P)), asked.label)
    rivals = []
    for name in _present():
        log_p, temperature = _ask(_FITS[name][0](learnt, tuned), tuned, asked, is_prior=name == "prior")
        metrics = evaluate(np.exp(log_p), asked.label, arrays.net_long[test], arrays.net_short[test], prior=prior)
        leads = row_losses(log_p, asked.label) - own
        lead, side_lead = (draws.interval(with_count(each), ratio, level=LEVEL) for each in leads.T)
        rivals.append(Rival(name=name, temperature=temperature, metrics=metrics, lead=lead, side_lead=side_lead))
    hindsight = row_losses(np.tile(np.log(base_rates(asked.label)), (len(own), 1)), asked.label)[:, 1]
    edge = draws.interval(with_count(hindsight - own[:, 1]), ratio, level=LEVEL)
    return Standing(days=len(np.unique(day)), rivals=tuple(rivals), edge=edge)


def row_losses(log_p: Floats, label: LabelArray) -> Floats:
    """Log-loss of each row, and the side's share of it, (n, 2), for log-probabilities (n, 3) and known labels (n,).

    By the chain rule -log p(label) = -log p(moved or not) - [moved] log p(label | moved). The first part rewards
    knowing how volatile it will be, which an efficient market allows; only the second can earn anything.
    """
    whole = -log_p[np.arange(len(label)), label]
    moved = np.logaddexp(log_p[:, Label.BUY], log_p[:, Label.SELL])
    return np.column_stack((whole, np.where(label == Label.HOLD, 0.0, whole + moved)))


def _present() -> list[RivalName]:
    return [name for name in RIVALS if (package := _FITS[name][1]) is None or find_spec(package) is not None]


def _tabulate(arrays: Arrays, rows: Bools) -> Table:
    return Table(x=tabulate(arrays, rows), label=arrays.label[rows])


def _ask(classify: Classifier, tuned: Table, asked: Table, *, is_prior: bool) -> tuple[Floats, float]:
    """Calibrated log-probabilities (n, 3) of the test rows, and the temperature; base rates are honest as they are."""
    temperature = 1.0 if is_prior else fit_temperature(classify(tuned.x), tuned.label)
    return calibrated(classify(asked.x), temperature), temperature
