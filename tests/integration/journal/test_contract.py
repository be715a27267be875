"""What both journals promise to their readers, the one in PostgreSQL and its twin in memory."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Chain
from helios_nautilus.journal.protocol import Found
from helios_nautilus.journal.records import AccountRecord, FillRecord, KillSwitchRecord, Record
from tests.integration.journal.conftest import Twin
from tests.integration.journal.samples import RUN, any_record, mark, order, small_run, trade


def keep(twin: Twin, records: list[Record] | None = None) -> str:
    return twin.store_run(small_run() if records is None else records, RUN).run_id


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(any_record(), max_size=12))
def test_any_records_come_back_equal_and_in_order_with_an_unbroken_chain(twin: Twin, records: list[Record]) -> None:
    run = [RUN, *records]
    run_id = keep(twin, run)
    assert twin.records(run_id) == run
    assert twin.verify(run_id) == len(run)


@pytest.mark.parametrize("equity", [math.nan, math.inf])
def test_a_number_that_json_cannot_say_is_refused_rather_than_lost(twin: Twin, equity: float) -> None:
    with pytest.raises(JournalError, match="EquityRecord holds a number that JSON cannot say"):
        keep(twin, [RUN, replace(mark(2_000), equity=equity)])
    assert twin.runs() == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"trigger": "half a pair: \ud83d"}, "cannot be said in JSON"), ({"ts_ns": 2**70}, "a time beyond 64 bits")],
)
def test_what_no_row_can_hold_is_refused_in_words(twin: Twin, changed: dict[str, object], words: str) -> None:
    with pytest.raises(JournalError, match=f"a KillSwitchRecord .*{words}"):
        keep(twin, [RUN, replace(KillSwitchRecord(ts_ns=2_000, state="HALT", trigger="", words=""), **changed)])
    assert twin.runs() == []


def test_a_run_says_what_it_was(twin: Twin) -> None:
    run_id = keep(twin)
    (run,) = twin.runs()
    assert (run.run_id, run.mode, run.strategy, run.data_label) == (run_id, "backtest", "HeliosStrategy", "synthetic")
    assert (run.model_id, run.config_hash, run.start_ns, run.end_ns) == ("feedbeef", "abcd", 1_000, 9_000)
    assert run.rows == len(small_run())
    assert run == twin.run(run_id)


def test_the_record_a_run_began_with_comes_back_under_the_id_it_is_kept_by(twin: Twin) -> None:
    keep(twin)
    run_id = keep(twin, small_run(seed=1))
    assert run_id != RUN.run_id
    assert twin.run_record(run_id) == small_run(seed=1)[0]
    with pytest.raises(JournalError, match="knows no run nix"):
        twin.run_record("nix")


def test_the_records_of_one_kind_come_back_in_their_order_and_without_the_others(twin: Twin) -> None:
    run_id = keep(twin)
    for kind in (FillRecord, AccountRecord):
        assert twin.records_of(run_id, kind) == [each for each in small_run() if isinstance(each, kind)]
    assert twin.records_of(run_id, FillRecord)
    with pytest.raises(JournalError, match="knows no run nix"):
        twin.records_of("nix", FillRecord)


def test_a_run_that_is_stored_in_parts_is_one_chain(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helios_nautilus.journal.postgres._COPIED", 3)
    for seed in (1, 2):
        run_id = keep(twin, small_run(seed=seed))
        assert twin.records(run_id) == small_run(seed=seed)
        assert twin.verify(run_id) == len(small_run())


def test_the_head_of_a_run_is_the_hash_of_its_last_row(twin: Twin) -> None:
    chain = Chain(RUN.run_id, RUN.mode)
    for record in small_run():
        chain.link(record, 0)
    keep(twin)
    assert twin.runs()[0].head == chain.head


def test_runs_come_newest_first(twin: Twin) -> None:
    ids = [keep(twin, small_run(seed=seed)) for seed in range(3)]
    assert [run.run_id for run in twin.runs()] == ids[::-1]


def test_an_equal_chain_is_kept_once_and_says_when(twin: Twin) -> None:
    first = twin.store_run(small_run(), RUN)
    assert twin.store_run(small_run(), RUN) == first
    assert len(twin.runs()) == 1


def test_another_chain_of_the_same_run_id_is_kept_under_a_number(twin: Twin) -> None:
    assert [keep(twin, small_run(seed=seed)) for seed in (1, 2, 3, 2)] == [
        "small-1234",
        "small-1234.2",
        "small-1234.3",
        "small-1234.2",
    ]
    assert twin.records("small-1234.2") == small_run(seed=2)


def test_the_beginning_of_a_run_is_another_chain_than_the_whole(twin: Twin) -> None:
    keep(twin, small_run()[:5])
    assert keep(twin) == "small-1234.2"
    assert [twin.verify(run.run_id) for run in twin.runs()] == [len(small_run()), 5]


def test_no_records_are_no_run(twin: Twin) -> None:
    with pytest.raises(JournalError, match="has no records"):
        keep(twin, [])
    assert twin.runs() == []


def test_a_decision_is_told_whole_and_in_order(twin: Twin) -> None:
    assert twin.decision(keep(twin), "D-1") == trade()


@pytest.mark.parametrize("name", ["D-1", "O-1", "T-1", "P-1"])
def test_a_decision_is_found_by_every_name_it_has(twin: Twin, name: str) -> None:
    assert list(twin.find(name)) == []
    run_id = keep(twin)
    assert list(twin.find(name)) == [Found(run_id=run_id, decision_id="D-1")]


def test_a_name_in_several_runs_is_found_in_the_newest_first(twin: Twin) -> None:
    first, second = keep(twin, small_run(seed=1)), keep(twin, small_run(seed=2))
    assert [found.run_id for found in twin.find("T-1")] == [second, first]
    assert [found.run_id for found in twin.find("T-1", first)] == [first]
    assert list(twin.find("T-1", "another")) == []


def test_a_name_of_several_decisions_finds_them_all_once(twin: Twin) -> None:
    again = [order("D-2", 5_000, status, "O-1") for status in ("SUBMITTED", "ACCEPTED")]
    keep(twin, [*small_run(), *again])
    assert [found.decision_id for found in twin.find("O-1")] == ["D-1", "D-2"]


def test_no_name_finds_nothing(twin: Twin) -> None:
    keep(twin)
    assert list(twin.find("")) == []


def test_what_is_not_there_is_said(twin: Twin) -> None:
    for ask in (twin.run, twin.records, twin.verify):
        with pytest.raises(JournalError, match=r"knows no run missing; 'helios journal runs'"):
            ask("missing")
    with pytest.raises(JournalError, match="knows no run missing"):
        twin.decision("missing", "D-1")
    run_id = keep(twin)
    with pytest.raises(JournalError, match=f"run {run_id} knows no decision D-9"):
        twin.decision(run_id, "D-9")


def test_a_run_that_is_over_can_be_added_to_and_its_chain_goes_on(twin: Twin) -> None:
    run_id = keep(twin)
    before = twin.records(run_id)

    twin.append_to(run_id, [mark(5_000), order("D-9", 5_001, "SUBMITTED")])

    assert twin.records(run_id) == [*before, mark(5_000), order("D-9", 5_001, "SUBMITTED")]
    assert twin.verify(run_id) == len(before) + 2 == twin.run(run_id).rows


def test_a_run_that_is_not_there_cannot_be_added_to(twin: Twin) -> None:
    run_id = keep(twin)
    with pytest.raises(JournalError, match="the journal knows no run"):
        twin.append_to("another", [mark(5_000)])
    assert twin.verify(run_id) == len(small_run())
