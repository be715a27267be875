"""Two models side by side, from their cards; and whether that is fair: figures of different rows cannot be compared."""

from typing import Final

from msgspec import Struct

from helios_nautilus.models.checkpoint import ModelCard
from helios_nautilus.models.rivals import RIVALS

FIGURES: Final = (
    "count",
    "log_loss",
    "skill",
    "balanced_accuracy",
    "mcc",
    "directional_accuracy",
    "directional_top",
    "information_coefficient",
    "calibration_error",
    "taken",
    "taken_mean_net",
    "accuracy",
)
"""Of `Metrics`, the telling ones first."""


class SideBySide(Struct, frozen=True, kw_only=True):
    """Figures of two models on their test spans, by name; a figure that the rows cannot give is None."""

    first: dict[str, float | None]
    second: dict[str, float | None]
    unlike: tuple[str, ...]
    """What keeps the two columns from being compared, in words; empty where they are of the same rows."""


def compare(first: ModelCard, second: ModelCard) -> SideBySide:
    """Put two cards side by side."""
    return SideBySide(first=_figures(first), second=_figures(second), unlike=_find_unlike(first, second))


def _figures(card: ModelCard) -> dict[str, float | None]:
    figures: dict[str, float | None] = {name: getattr(card.test_metrics, name) for name in FIGURES}
    for name in RIVALS:
        rival = card.standing.rival(name)
        figures[f"lead over {name}"] = rival.lead.estimate if rival is not None and rival.lead is not None else None
    return figures


def _find_unlike(first: ModelCard, second: ModelCard) -> tuple[str, ...]:
    pairs = {
        "another test span": (first.splits.test, second.splits.test),
        "other instruments": (first.instrument_ids, second.instrument_ids),
        "other decision bars": (first.timeframes.decision, second.timeframes.decision),
        "other labels": (first.label, second.label),
        "another exit plan": (first.plan, second.plan),
        "other rows in it": (first.test_metrics.count, second.test_metrics.count),
    }
    return tuple(words for words, (one, other) in pairs.items() if one != other)
