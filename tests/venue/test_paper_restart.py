"""A paper account over several starts of its node, and the first of its runs once more as a backtest."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from helios_nautilus.journal.records import AccountRecord, FillRecord, Record
from tests.acceptance.cli import write_config
from tests.venue import commands
from tests.venue.commands import PATIENCE_SECS, Venue, has_entered, held, journalled, of, records, settings

venue = commands.venue
"""The fixture: a simulator and a trained model, for this module."""


def trade(
    venue: Venue, *options: str, flatten: bool, until: Callable[[list[Record]], object] = lambda found: found
) -> tuple[str, list[str]]:
    """Run a paper node until it is ready and its journal fulfils a condition; the run's id and what the node said."""
    write_config(venue.folder / "kept.toml", {**settings(venue.url), "name": "kept", "node.flatten_on_stop": flatten})
    node = venue.run("paper", "kept.toml", *options)
    try:
        run_id = node.until("journal ").split()[-1]
        node.until("ready ")
        journalled(run_id, until)
        assert node.stop() == 0, node.lines
    finally:
        node.kill()
    return run_id, node.lines


@pytest.fixture(scope="module")
def first(venue: Venue) -> str:
    """A run that was stopped with something held."""
    run_id, _ = trade(venue, flatten=False, until=has_entered)
    return run_id


@pytest.fixture(scope="module")
def second(venue: Venue, first: str) -> tuple[str, list[str]]:
    """The next run, which sells it when it stops, and what it said."""
    return trade(venue, flatten=True)


def fills_of(*runs: str) -> list[FillRecord]:
    return [fill for run_id in runs for fill in of(FillRecord, records(run_id))]


def begun(run_id: str) -> AccountRecord:
    (account,) = of(AccountRecord, records(run_id))
    return account


def test_what_was_held_when_a_node_stopped_is_held_when_it_starts_again_and_can_be_sold(
    first: str, second: tuple[str, list[str]]
) -> None:
    run_id, lines = second
    bought = {name: net for name, net in held(fills_of(first)).items() if net}
    assert bought, "positions stay open"
    assert any(line.startswith("account") and f"continues {first}" in line for line in lines), lines
    assert {each.instrument_id: each.quantity for each in begun(run_id).holdings} == bought
    assert set(held(fills_of(first, run_id)).values()) == {Decimal(0)}


def test_the_third_run_has_what_the_fills_of_both_have_left_and_a_fresh_one_begins_anew(
    venue: Venue, first: str, second: tuple[str, list[str]]
) -> None:
    third, _ = trade(venue, flatten=True)
    account = begun(third)
    assert (account.continues, account.holdings) == (second[0], ())
    left = Decimal(100_000)
    for fill in fills_of(first, second[0]):
        paid = fill.quantity * fill.price
        left += (paid if fill.side == "SELL" else -paid) - fill.commission
    assert account.balances["ZAR"] == pytest.approx(left, abs=Decimal("0.05"))

    fresh, lines = trade(venue, "--fresh", flatten=True)
    assert (begun(fresh).balances, begun(fresh).continues) == ({"ZAR": Decimal(100_000)}, "")
    assert any(line.startswith("account") and "a new one" in line for line in lines), lines


def replayed(venue: Venue, run_id: str) -> dict[str, Any]:
    """What a replay finds once the venue has candles of all that was traded: some minutes after they were streamed."""
    traded = {each.decision_id for each in fills_of(run_id)}
    deadline = time.monotonic() + PATIENCE_SECS
    while True:
        again = venue.run("replay", run_id, "--json")
        assert again.end() in (0, 1), again.lines
        begins = next(index for index, line in enumerate(again.lines) if line == "{")
        found: dict[str, Any] = msgspec.json.decode("\n".join(again.lines[begins:]))["comparison"]
        if traded <= {pair["decision_id"] for pair in found["trades"]}:
            return found
        assert time.monotonic() < deadline, found


def test_a_replay_predicts_the_same_to_the_bit_and_says_of_every_trade_why_it_differs(venue: Venue, first: str) -> None:
    found = replayed(venue, first)
    assert found["predictions_equal"] == found["decisions"] > 0, found["partings"]
    assert all(pair["causes"] and pair["words"] for pair in found["trades"] if pair["traits"])
    causes = {cause for pair in found["trades"] for cause in pair["causes"]}
    assert causes <= {"book", "latency", "operator", "equity", "earlier trade"}, found["partings"]
