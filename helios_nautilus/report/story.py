"""The story of one decision, from the bar to the last fill: every tier's words in order, for a trader and a program."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from helios_nautilus.journal.records import Mode, Record, RunRecord
from helios_nautilus.report.story_parts import Chapter, Teller
from helios_nautilus.report.story_tiers import (
    tell_aether,
    tell_gate,
    tell_guardian,
    tell_model,
    tell_strategy,
)
from helios_nautilus.report.story_trade import (
    tell_events,
    tell_fills,
    tell_headline,
    tell_orders,
    tell_outcome,
    tell_position,
)

_CHAPTERS = (
    tell_model,
    tell_strategy,
    tell_aether,
    tell_gate,
    tell_guardian,
    tell_orders,
    tell_fills,
    tell_position,
    tell_outcome,
    tell_events,
)


class StoryRun(Struct, frozen=True, kw_only=True):
    """The run that a story is from."""

    run_id: str
    mode: Mode
    strategy: str
    data_label: str
    is_synthetic: bool
    account_currency: str
    model_id: str
    config_hash: str
    versions: dict[str, str]


class Story(Struct, frozen=True, kw_only=True):
    """One decision told whole."""

    decision_id: str
    headline: str
    """What came of it, in a sentence or two."""
    run: StoryRun
    chapters: tuple[Chapter, ...]
    """In the order of the decision's way; a tier that was not reached has none."""
    records: tuple[Record, ...]
    """Everything the journal has of the decision, as it was written."""
    also: tuple[str, ...] = ()
    """Other places where the name that was asked for is found, in words."""


def tell_story(run: RunRecord, records: Iterable[Record], run_id: str | None = None, also: Sequence[str] = ()) -> Story:
    """Tell a decision from its records, in order; at least one, and all of the same decision.

    ``run_id`` is the id under which the run is kept, where it is not the record's own.
    """
    kept = tuple(records)
    teller = Teller(run, kept)
    chapters = (tell(teller) for tell in _CHAPTERS)
    return Story(
        decision_id=teller.decision_id,
        headline=tell_headline(teller),
        run=_run_of(run, run_id or run.run_id),
        chapters=tuple(chapter for chapter in chapters if chapter is not None),
        records=kept,
        also=tuple(also),
    )


def _run_of(run: RunRecord, run_id: str) -> StoryRun:
    known = {name: getattr(run, name) for name in StoryRun.__struct_fields__}
    return StoryRun(**known | {"run_id": run_id})
