"""What of the gate's daily budget is left after a restart."""

import pytest
from msgspec.structs import replace

from helios_nautilus.journal.connect import DATABASE_URL
from helios_nautilus.journal.postgres import PostgresJournal
from helios_nautilus.llm.budget import Spent
from helios_nautilus.node.gate_spending import spent_since
from tests.integration.journal.samples import RUN, gate_call

MIDNIGHT_NS = 5_000


@pytest.fixture(autouse=True)
def _here(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_URL, database)


def told_nothing(*_words: str) -> None:
    pytest.fail("there is nothing to tell")


def test_what_earlier_runs_of_the_day_have_spent_is_spent(kept: PostgresJournal) -> None:
    calls = {
        "yesterday": gate_call(ts_ns=MIDNIGHT_NS - 1, cost_usd=8.0),
        "in the morning": gate_call(ts_ns=MIDNIGHT_NS, cost_usd=0.25),
        "at noon": gate_call(ts_ns=MIDNIGHT_NS + 9, source="failed", outcome="timeout", cost_usd=0.5),
        "replayed": gate_call(ts_ns=MIDNIGHT_NS + 10, source="recorded", cost_usd=4.0),
    }
    for name, call in calls.items():
        run = replace(RUN, run_id=name, mode="live")
        kept.store_run([run, call], run)
    paper = replace(RUN, run_id="on paper", mode="paper")
    kept.store_run([paper, gate_call(ts_ns=MIDNIGHT_NS, cost_usd=2.0)], paper)
    assert spent_since("live", MIDNIGHT_NS, told_nothing) == Spent(calls=2, usd=0.75)


def test_where_nobody_can_know_it_that_is_told_and_the_budget_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_URL, "postgresql://127.0.0.1:1/nothing")
    told: list[str] = []
    assert spent_since("live", MIDNIGHT_NS, lambda *words: told.append(" ".join(words))) == Spent()
    assert "today's budget begins anew" in told[0]
