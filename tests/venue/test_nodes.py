"""`helios paper` and `helios live` as their user starts them: processes of their own against a `helios sim`."""

import asyncio
from decimal import Decimal

from helios_nautilus.journal.records import (
    EquityRecord,
    EventRecord,
    FillRecord,
    PredictionRecord,
    Record,
    RunRecord,
)
from tests.acceptance.cli import confirmed
from tests.venue import commands
from tests.venue.commands import Venue, ask_venue, has_entered, held, journalled, of, records

venue = commands.venue
"""The fixture: a simulator and a trained model, for this module."""


def check_run(venue: Venue, run_id: str, mode: str) -> list[Record]:
    """What every run leaves: a chain that verifies, from the run's own record to how it ended."""
    verified = venue.run("journal", "verify", run_id)
    assert verified.end() == 0, verified.lines
    found = records(run_id)
    assert isinstance(found[0], RunRecord)
    assert found[0].mode == mode
    assert [event.kind for event in of(EventRecord, found) if "ready" in event.kind][-2:] == ["ready", "not_ready"]
    last = found[-1]
    assert isinstance(last, EventRecord)
    assert (last.kind, last.words) == ("stopped", "as asked")
    decided = {record.decision_id for record in of(PredictionRecord, found)}
    assert {fill.decision_id for fill in of(FillRecord, found)} <= decided
    return found


def test_paper_gets_ready_decides_trades_stops_when_asked_and_its_journal_verifies(venue: Venue) -> None:
    node = venue.run("paper", "run.toml", "--fresh", VALR_API_KEY="", VALR_API_SECRET="")
    try:
        run_id = node.until("journal ").split()[-1]
        node.until("ready ")
        journalled(run_id, has_entered)
        assert node.stop() == 0, node.lines
    finally:
        node.kill()

    found = check_run(venue, run_id, "paper")
    assert of(EquityRecord, found)[0].equity == 100_000.0
    assert set(held(of(FillRecord, found)).values()) == {Decimal(0)}, "a stop closes what is held"


def test_live_trades_the_account_and_the_venue_has_the_same_fills_and_nothing_open_at_the_end(venue: Venue) -> None:
    node = venue.run("live", "run.toml", *confirmed("simulator"), **venue.keys)
    try:
        run_id = node.until("journal ").split()[-1]
        node.until("ready ")
        journalled(run_id, has_entered)
        assert node.stop() == 0, node.lines
    finally:
        node.kill()

    fills = of(FillRecord, check_run(venue, run_id, "live"))
    theirs, open_orders = asyncio.run(ask_venue(venue))
    assert {fill.trade_id: (fill.quantity, fill.price) for fill in fills} == theirs
    assert open_orders == []
    assert max(map(abs, held(fills).values())) < Decimal("0.001"), "dust at most"


def test_live_without_keys_with_another_account_s_key_or_unconfirmed_trades_nothing(venue: Venue) -> None:
    nameless = venue.run("live", "run.toml", VALR_API_KEY="", VALR_API_SECRET="")
    assert (nameless.end(), nameless.lines) == (1, ["helios: VALR_API_KEY is not set"])

    other = venue.run("live", "run.toml", *confirmed("primary"), **venue.keys)
    assert other.end() == 1
    assert other.lines == ["helios: the key in the environment trades simulator, not primary: nothing was begun"]

    mumbled = venue.run("live", "run.toml", "--account", "simulator", "--confirm", "yes", **venue.keys)
    assert mumbled.end() == 1
    assert mumbled.lines == [
        "helios: not confirmed: nothing is traded at simulator before somebody types I_CONFIRM_LIVE_TRADING"
    ]

    blind = venue.run("live", "run.toml", "--confirm", "I_CONFIRM_LIVE_TRADING", **venue.keys)
    assert blind.end() == 2, "nobody has seen whose money it is"
