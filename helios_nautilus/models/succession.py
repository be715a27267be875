"""Models that take over from one another: each decision is made by the one that was in charge at its stamp.

A model looks on for a while before its term begins, so that it takes over with a settled state. In service and over a
whole history at once that is the same stretch of bars, and so the numbers are the same.
"""

import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.dataset import Arrays, Float32s, cut_arrays
from helios_nautilus.models.precision import Precision
from helios_nautilus.models.predict import predict_arrays
from helios_nautilus.models.profile import measure_novelty
from helios_nautilus.models.schedule import FOREVER_NS
from helios_nautilus.models.service import PredictionValues, Predictor

_WARM_UP_BLOCKS: Final = 192
"""Bars of the slowest timeframe that a model sees before its term: more than training carries a state over."""


class Term(Struct, frozen=True, kw_only=True):
    """A model's time in charge: the decisions with ``start_ns <= ts < end_ns``. By default that is always."""

    model: Model
    start_ns: int = 0
    end_ns: int = FOREVER_NS

    @property
    def wake_ns(self) -> int:
        """It sees the bars that open from here on: the start of a bar of the slowest timeframe."""
        block_ns = self.model.card.timeframes.lengths_ns[-1]
        return (self.start_ns // block_ns - _WARM_UP_BLOCKS) * block_ns

    @property
    def sleep_ns(self) -> int:
        """The first close of a bar of the slowest timeframe after which nothing is asked of it."""
        block_ns = self.model.card.timeframes.lengths_ns[-1]
        return -(-self.end_ns // block_ns) * block_ns


def model_at(terms: Sequence[Term], ts_ns: int) -> Model | None:
    """The model in charge at a stamp, if one is."""
    return next((term.model for term in terms if term.start_ns <= ts_ns < term.end_ns), None)


def name_terms(terms: Sequence[Term]) -> str:
    """Twelve digits that name these models in this order and at these times: the model's own, if it is always one."""
    if len(terms) == 1 and (terms[0].start_ns, terms[0].end_ns) == (0, FOREVER_NS):
        return terms[0].model.model_id
    said = ",".join(f"{term.start_ns}-{term.end_ns}:{term.model.model_id}" for term in terms)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


class Succession:
    """The models of several terms, oldest first, in the place of one `Predictor`; only those that are needed work."""

    def __init__(self, terms: Sequence[Term], n_instruments: int, precision: Precision = "fp32") -> None:
        self._n_instruments = n_instruments
        self._precision = precision
        self._asleep = deque(terms)
        self._awake: deque[tuple[Term, Predictor]] = deque()

    def observe(self, timeframe: int, instrument: int, features: Float32s | Floats, ts_ns: int) -> None:
        """See `Predictor`."""
        while self._asleep and self._asleep[0].wake_ns < ts_ns:
            self._wake()
        for _, predictor in self._awake:
            predictor.observe(timeframe, instrument, features, ts_ns)

    def decide(self, ts_ns: int) -> list[PredictionValues | None]:
        """What the model in charge says of every instrument; None where there is no such model."""
        while self._awake and self._awake[0][0].end_ns <= ts_ns:
            self._awake.popleft()
        if not self._awake or self._awake[0][0].start_ns > ts_ns:
            return [None] * self._n_instruments
        return self._awake[0][1].decide(ts_ns)

    def catch_up(self, arrays: Arrays) -> None:
        """See `Predictor`; models whose time to look on has not come by then see nothing of it."""
        newest_ns = int(arrays.series[-1].ts_ns[-1])
        while self._asleep and self._asleep[0].wake_ns < newest_ns:
            term, predictor = self._wake()
            predictor.catch_up(cut_arrays(arrays, term.wake_ns, newest_ns))

    def reset(self, instrument: int) -> None:
        """See `Predictor`."""
        for _, predictor in self._awake:
            predictor.reset(instrument)

    def _wake(self) -> tuple[Term, Predictor]:
        term = self._asleep.popleft()
        self._awake.append((term, Predictor(term.model, self._n_instruments, self._precision)))
        return self._awake[-1]


class TermPredictions(Struct, frozen=True, kw_only=True):
    """What a model says of the decisions of its term: calibrated probabilities; NaN where it can say nothing."""

    model: Model
    decision: Ints
    """Places (n,) in the arrays."""
    p: Floats
    """(n, instruments, 3) in the order of `Label`."""
    attention: Floats
    """(n, instruments, 3) over the timeframes."""
    novelty: Floats
    """(n, instruments); see `FeatureProfile.novelty`."""


def predict_terms(terms: Sequence[Term], arrays: Arrays) -> list[TermPredictions]:
    """Predict a whole history, each decision by the model in charge, with the numbers that `Succession` would give."""
    return [said for term in terms if (said := _predict_term(term, arrays)) is not None]


def _predict_term(term: Term, arrays: Arrays) -> TermPredictions | None:
    decision = np.flatnonzero((arrays.ts_ns >= term.start_ns) & (arrays.ts_ns < term.end_ns))
    if not len(decision):
        return None
    part = cut_arrays(arrays, term.wake_ns, term.sleep_ns)
    own = (part.ts_ns >= term.start_ns) & (part.ts_ns < term.end_ns)
    raw, card = predict_arrays(term.model, part), term.model.card
    return TermPredictions(
        model=term.model,
        decision=decision,
        p=raw.probabilities(card.temperature)[own],
        attention=raw.attention[own],
        novelty=measure_novelty(part, card.scaler, card.profile)[own],
    )
