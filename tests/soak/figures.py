"""Figures of a soak: percentiles of latencies, and how memory grows."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.journal.records import OrderRecord, PredictionRecord, Record, SizingRecord


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed; not a number without values."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1] if values else math.nan


def slope(secs: Sequence[float], values: Sequence[float]) -> float:
    """What values grow by in an hour, by the line that fits them best; 0 for fewer than two moments."""
    if len(set(secs)) < 2:
        return 0.0
    return float(np.polynomial.Polynomial.fit(secs, values, 1).convert().coef[1]) * 3600.0


def decision_ms(records: Sequence[Record], speed: float) -> list[float]:
    """Our milliseconds from the close of a bar to the size of each bet that was made of it."""
    closes = {each.decision_id: each.ts_ns for each in records if isinstance(each, PredictionRecord)}
    sized = [each for each in records if isinstance(each, SizingRecord) and each.decision_id in closes]
    return [(each.ts_ns - closes[each.decision_id]) / NS_PER_MS / speed for each in sized]


def acknowledgement_ms(records: Sequence[Record], speed: float) -> list[float]:
    """Our milliseconds from each order that was sent to the word that it was there."""
    stories: dict[str, list[OrderRecord]] = {}
    for each in records:
        if isinstance(each, OrderRecord):
            stories.setdefault(each.client_order_id, []).append(each)
    return [
        (after.ts_ns - before.ts_ns) / NS_PER_MS / speed
        for story in stories.values()
        for before, after in pairwise(story)
        if before.status == "SUBMITTED" and after.status == "ACCEPTED"
    ]
