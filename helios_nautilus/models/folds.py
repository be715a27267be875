"""Walk-forward folds: each is trained on all that came before its test span, and the test spans never overlap.

Shares of a history are shares of its labelled decisions, not of its time: in a recording of segments years apart a
span cut by the calendar may hold next to nothing, and a temperature fitted on that means nothing.
"""

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import ConfigError, LookaheadError, NotEnoughHistoryError
from helios_nautilus.models.dataset import Arrays, Splits, split_at


class WalkForwardConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a history is cut into folds."""

    folds: int = 4
    """Test spans, of as many labelled decisions each."""
    first: float = 0.5
    """Share of the labelled decisions before the first test span."""
    validation: float = 0.15
    """Share of a fold's labelled decisions that validates: those just before its test span."""
    embargo_mins: int = 60
    """Dropped after each boundary, beyond the purge before it."""

    def __post_init__(self) -> None:
        if self.folds < 1 or not 0 < self.first < 1 or not 0 < self.validation < 1 or self.embargo_mins < 0:
            raise ConfigError("walk-forward: folds must be 1 or more, first and validation must lie in (0, 1)")


def walk_forward(arrays: Arrays, config: WalkForwardConfig) -> tuple[Splits, ...]:
    """The folds, oldest first; their test spans follow each other to the last decision.

    Raises `NotEnoughHistoryError` where a span has no labelled decision.
    """
    labelled = np.repeat(arrays.ts_ns, (arrays.label >= 0).sum(axis=1))
    if not len(labelled):
        raise NotEnoughHistoryError("no decision has a label; evaluate on a longer window")
    tests = config.first + (1.0 - config.first) * np.arange(config.folds + 1) / config.folds
    starts = labelled[(tests[:-1] * len(labelled)).astype(np.int64)].tolist()
    validations = labelled[(tests[:-1] * (1.0 - config.validation) * len(labelled)).astype(np.int64)].tolist()
    ends = [*starts[1:], int(arrays.ts_ns[-1])]
    return tuple(
        split_at(arrays, validation_ns, start_ns, embargo_ns=config.embargo_mins * NS_PER_MIN, end_ns=end_ns)
        for validation_ns, start_ns, end_ns in zip(validations, starts, ends, strict=True)
    )


def check_splits(arrays: Arrays, splits: Splits) -> None:
    """Refuse with `LookaheadError` spans that a label could look across: a label's reach must lie between them."""
    reach_ns = arrays.label_config.reach_ns(arrays.plan)
    for earlier, later in (("train", "validation"), ("validation", "test")):
        gap_ns = getattr(splits, later).start_ns - getattr(splits, earlier).end_ns
        if gap_ns < reach_ns:
            raise LookaheadError(
                f"the {earlier} span ends {gap_ns / NS_PER_MIN:.0f} minutes before the {later} span, but labels look "
                f"{reach_ns / NS_PER_MIN:.0f} minutes ahead: they would know its prices; purge the boundary"
            )
