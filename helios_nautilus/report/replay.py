"""What a replay found: both runs' conditions, every difference, and for each cause the reasons there may be for it."""

from collections.abc import Iterable

from msgspec import Struct

from helios_nautilus.journal.conditions import Conditions, compare_conditions, find_reasons
from helios_nautilus.journal.differences import Comparison, Tier, compare_records
from helios_nautilus.journal.records import Record
from helios_nautilus.report.summary import run_of


class Blame(Struct, frozen=True, kw_only=True):
    """A tier that answered otherwise though it was given the same."""

    tier: Tier
    reasons: tuple[str, ...]
    """Clauses for a reader."""


class ReplayReport(Struct, frozen=True, kw_only=True):
    """A run and the same run once more, compared."""

    run_id: str
    is_identical: bool
    first_tier: Tier | None
    """The tier that was the first to differ from equal inputs."""
    conditions: Conditions
    """What the second run was made with that the first was not."""
    blamed: tuple[Blame, ...]
    """In the order in which they first differed."""
    comparison: Comparison


def report_replay(before: Iterable[Record], after: Iterable[Record], run_id: str | None = None) -> ReplayReport:
    """Compare two runs; ``run_id`` is the id under which the first is kept. `DataError` if one has no run record."""
    before, after = list(before), list(after)
    run = run_of(before)
    conditions = compare_conditions(run, run_of(after))
    comparison = compare_records(before, after)
    reasons: dict[Tier, dict[str, None]] = {}
    for difference in comparison.differences:
        if difference.is_cause:
            reasons.setdefault(difference.tier, {}).update(dict.fromkeys(find_reasons(difference, conditions)))
    return ReplayReport(
        run_id=run_id or run.run_id,
        is_identical=comparison.is_identical,
        first_tier=comparison.first_tier,
        conditions=conditions,
        blamed=tuple(Blame(tier=tier, reasons=tuple(found)) for tier, found in reasons.items()),
        comparison=comparison,
    )
