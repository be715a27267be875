"""`helios live` whose model cannot be read: refused with nothing at stake, else there for the open bets alone."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from helios_nautilus.journal.records import FillRecord, PositionRecord, PredictionRecord, SignalRecord
from tests.acceptance.cli import confirmed, write_config
from tests.venue import commands
from tests.venue.commands import Venue, ask_venue, has_entered, held, journalled, of, records, settings

venue = commands.venue
"""The fixture: a simulator and a trained model, for this module."""

LIVE = ("live", "kept.toml", *confirmed("simulator"))


@contextmanager
def unreadable(venue: Venue) -> Iterator[None]:
    """The model's file holds something else."""
    (path,) = (venue.folder / "model").glob("*.safetensors")
    sound = path.read_bytes()
    path.write_bytes(b"nothing of the kind")
    try:
        yield
    finally:
        path.write_bytes(sound)


def configure(venue: Venue, *, flatten: bool) -> None:
    write_config(venue.folder / "kept.toml", {**settings(venue.url), "name": "kept", "node.flatten_on_stop": flatten})


def enter_and_leave_it_open(venue: Venue) -> str:
    """A run that is stopped with something held; its id."""
    configure(venue, flatten=False)
    node = venue.run(*LIVE, **venue.keys)
    try:
        run_id = node.until("journal ").split()[-1]
        journalled(run_id, has_entered)
        assert node.stop() == 0, node.lines
    finally:
        node.kill()
    return run_id


def test_open_bets_are_guarded_and_closed_by_a_node_that_has_no_model_and_enters_nothing(venue: Venue) -> None:
    with unreadable(venue):
        configure(venue, flatten=True)
        refused = venue.run(*LIVE, **venue.keys)
        assert refused.end() == 1, "nothing is held"
        assert "model" in refused.lines[-1]

    first = enter_and_leave_it_open(venue)
    bought = {name for name, net in held(of(FillRecord, records(first))).items() if net}
    assert bought, "positions stay open"

    configure(venue, flatten=True)
    with unreadable(venue):
        node = venue.run(*LIVE, **venue.keys)
        try:
            run_id = node.until("journal ").split()[-1]
            assert "open bets are managed, nothing is entered" in node.until("model ")
            node.until("  positions")
            node.until("not ready ")
            assert "model" in node.until("  model ")
            assert node.stop() == 0, node.lines
        finally:
            node.kill()

    found = records(run_id)
    assert not of(PredictionRecord, found)
    assert not of(SignalRecord, found)
    assert {each.instrument_id for each in of(PositionRecord, found)} == bought
    assert max(map(abs, held([*of(FillRecord, records(first)), *of(FillRecord, found)]).values())) < Decimal("0.001")
    _, open_orders = asyncio.run(ask_venue(venue))
    assert open_orders == []
