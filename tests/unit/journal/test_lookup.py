import pytest
from msgspec.structs import replace

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.lookup import describe_others, match_decision, match_run
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import FillRecord, PositionRecord, Record
from tests.unit.report.runs import fake_run

RECORDS = fake_run().records
FILL = next(record for record in RECORDS if isinstance(record, FillRecord))
RUN = fake_run().run


@pytest.fixture
def journal() -> MemoryJournal:
    """An older and a newer run of the same decisions; positions of one instrument share their id, as netting does."""
    kept = MemoryJournal()
    for run_id in ("alpha-1", "alpha-2"):
        for record in RECORDS:
            kept.append(_named(record, run_id))
    return kept


def _named(record: Record, run_id: str) -> Record:
    if isinstance(record, PositionRecord):
        return replace(record, position_id=f"{record.instrument_id}-001")
    return replace(RUN, run_id=run_id) if record is RUN else record


@pytest.mark.parametrize("name", [FILL.decision_id, FILL.client_order_id, FILL.trade_id])
def test_a_decision_is_found_by_its_id_its_orders_and_its_trades_in_the_newest_run(
    journal: MemoryJournal, name: str
) -> None:
    match = match_decision(journal, name)
    assert (match.found.run_id, match.found.decision_id) == ("alpha-2", FILL.decision_id)
    assert describe_others(match) == ["Also in alpha-1: this is the newest run; choose another with --run."]


def test_a_named_run_is_the_only_one_looked_at(journal: MemoryJournal) -> None:
    match = match_decision(journal, FILL.decision_id, "alpha-1")
    assert match.found.run_id == "alpha-1"
    assert describe_others(match) == []


def test_of_several_positions_under_one_id_the_last_is_meant_and_the_others_are_named(journal: MemoryJournal) -> None:
    closed = [r for r in RECORDS if isinstance(r, PositionRecord) and r.instrument_id == "BTCZAR.VALR"]
    assert len(closed) > 1
    match = match_decision(journal, "BTCZAR.VALR-001", "alpha-2")
    assert match.found.decision_id == closed[-1].decision_id
    (words,) = describe_others(match)
    assert closed[0].decision_id in words


def test_an_unknown_name_is_told_in_one_line(journal: MemoryJournal) -> None:
    with pytest.raises(JournalError, match="no decision, order, position or trade nix in any run"):
        match_decision(journal, "nix")
    with pytest.raises(JournalError, match="nix in run alpha-1"):
        match_decision(journal, "nix", "alpha-1")


def test_the_beginning_of_a_run_id_is_enough_if_it_is_one_runs_alone(journal: MemoryJournal) -> None:
    assert match_run(journal.runs(), "alpha-1").run_id == "alpha-1"
    with pytest.raises(JournalError, match="several runs begin with alpha: alpha-2, alpha-1"):
        match_run(journal.runs(), "alpha")
    with pytest.raises(JournalError, match="knows no run beta"):
        match_run(journal.runs(), "beta")


def test_a_whole_run_id_is_meant_even_where_others_begin_with_it(journal: MemoryJournal) -> None:
    journal.append(replace(RUN, run_id="alpha-1.2"))
    assert match_run(journal.runs(), "alpha-1").run_id == "alpha-1"
