"""A model in service as the prediction actor knows it: how it is shown what has closed, and what stands in for none."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.features.series import FeatureRow
from helios_nautilus.errors import ModelError
from helios_nautilus.models.service import PredictionValues


class StatefulPredictor(Protocol):
    """What the actor needs of a model in service."""

    def observe(self, timeframe: int, instrument: int, features: Floats, ts_ns: int) -> None:
        """Take the features of the bar that closed at ``ts_ns``."""
        ...

    def decide(self, ts_ns: int) -> Sequence[PredictionValues | None]:
        """What is predicted of each instrument at the close ``ts_ns``; None where the model has not seen enough."""
        ...

    def reset(self, instrument: int) -> None:
        """Forget the past of an instrument: a hole lies behind."""
        ...


class NoModel:
    """In the place of a model that could not be loaded: every decision fails, for the reason that it was not.

    So there are no new entries, while everything else of a live node does its work on the positions that are open.
    """

    def __init__(self, reason: ModelError) -> None:
        self._reason = reason

    def observe(self, timeframe: int, instrument: int, features: Floats, ts_ns: int) -> None:
        """Nobody looks."""

    def decide(self, ts_ns: int) -> Sequence[PredictionValues | None]:
        """Raise the reason."""
        raise self._reason

    def reset(self, instrument: int) -> None:
        """There is nothing to forget."""


class Close(Struct, frozen=True):
    """The features of a timeframe (by its place, fastest first) at one of its closes."""

    timeframe: int
    row: FeatureRow


def serve(
    predictor: StatefulPredictor, forgotten: int, closes: Sequence[Close], ts_ns: int
) -> Sequence[PredictionValues | None]:
    """Show the model the closes in their order, after it forgot so many instruments, and let it decide."""
    for instrument in range(forgotten):
        predictor.reset(instrument)
    for close in closes:
        for instrument, is_ready in enumerate(close.row.ready):
            if is_ready:
                predictor.observe(close.timeframe, instrument, close.row.values[instrument], close.row.ts_ns)
            elif not close.row.is_draft:  # else it may still become ready, and goes on where it is
                predictor.reset(instrument)
    return predictor.decide(ts_ns)
