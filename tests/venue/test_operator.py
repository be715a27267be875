"""An operator and a paper node, each in processes of their own: stopped, resumed, switched, watched, restarted."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from helios_nautilus.journal.commands import Answer
from helios_nautilus.journal.connect import open_post
from helios_nautilus.journal.records import (
    EventRecord,
    FillRecord,
    KillSwitchRecord,
    PositionRecord,
    Record,
    SignalRecord,
)
from tests.venue import commands
from tests.venue.commands import PATIENCE_SECS, POLL_SECS, Command, Venue, has_entered, held, journalled, of

venue = commands.venue
"""The fixture: a simulator and a trained model, for this module."""


class Floor:
    """A paper node that is ready, and an operator before his terminal."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.node: Command
        self.run_id = ""

    def start(self, *options: str) -> None:
        self.node = self.venue.run("paper", "run.toml", *options, VALR_API_KEY="", VALR_API_SECRET="")
        self.run_id = self.node.until("journal ").split()[-1]

    def helios(self, *arguments: str) -> tuple[int, Any]:
        """Give a command, with a JSON answer: its exit code, and what it said."""
        given = self.venue.run(*arguments, "--json")
        code = given.end()
        return code, msgspec.json.decode("\n".join(given.lines))

    def order(self, *arguments: str) -> Answer:
        """Give an order that a node acknowledges."""
        code, said = self.helios(*arguments, "--why", "a test", "--who", "ann")
        assert code == 0, said
        return msgspec.convert(said["answer"], Answer)

    def status(self) -> dict[str, Any]:
        code, said = self.helios("status", "--mode", "paper")
        assert code == 0
        status: dict[str, Any] = said[0]["status"]
        assert status["run_id"] == self.run_id
        return status

    def stop(self) -> None:
        assert self.node.stop() == 0, self.node.lines


@pytest.fixture
def floor(venue: Venue) -> Iterator[Floor]:
    floor = Floor(venue)
    floor.start("--fresh")
    try:
        floor.node.until("ready ")
        yield floor
    finally:
        floor.node.kill()


def has_left(found: list[Record]) -> bool:
    """Something was held, and nothing is any more."""
    fills = of(FillRecord, found)
    return bool(fills) and set(held(fills).values()) == {Decimal(0)}


def has_proposed(found: list[Record], since_ns: int) -> bool:
    """What a strategy that may not enter never does."""
    return any(signal.ts_ns > since_ns and signal.action == "proposed" for signal in of(SignalRecord, found))


def commands_of(found: list[Record]) -> list[str]:
    return [event.words for event in of(EventRecord, found) if event.kind == "command"]


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECS
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(POLL_SECS)


def test_a_kill_is_acknowledged_and_everything_is_closed_and_a_resume_lets_trading_go_on(floor: Floor) -> None:
    journalled(floor.run_id, has_entered)

    answer = floor.order("kill")
    assert (answer.outcome, answer.run_id) == ("done", floor.run_id)
    assert answer.words.startswith("HALT: closing ")
    closed = journalled(floor.run_id, has_left)
    assert {position.close_reason for position in of(PositionRecord, closed)} >= {"KILL"}
    until(lambda: (floor.status()["kill_state"], floor.status()["positions"]) == ("HALT", []))

    assert floor.order("kill", "--reduce-only").words.startswith("it stands at HALT already")
    assert floor.order("resume").words.startswith("NORMAL: HALT is cleared")
    resumed_ns = time.time_ns()
    journalled(floor.run_id, lambda found: has_proposed(found, resumed_ns))

    floor.order("switch", "gate", "off")
    floor.order("switch", "entries", "off")
    code, said = floor.helios("switch", "guardian", "off", "--why", "a test", "--who", "ann")
    assert (code, said["answer"]["outcome"]) == (1, "refused")
    until(lambda: not floor.status()["entries_on"])
    floor.order("switch", "entries", "on")
    floor.order("switch", "gate", "on")
    floor.stop()

    found = commands.records(floor.run_id)
    verbs = ["halt", "reduce_only", "resume", "tier_off", "entries_off", "tier_off", "entries_on", "tier_on"]
    assert [words.split()[0] for words in commands_of(found)] == verbs
    assert [change.state for change in of(KillSwitchRecord, found)] == ["HALT", "NORMAL"]
    # Nothing runs any more, which shows when its last word is five seconds old.
    until(lambda: floor.helios("status", "--mode", "paper")[0] == 2)


def test_signals_stop_trading_and_what_nobody_answered_is_obeyed_by_the_next_start(floor: Floor) -> None:
    process = floor.node._process
    os.kill(process.pid, signal.SIGUSR1)
    floor.node.until("command ")
    until(lambda: floor.status()["kill_state"] == "REDUCE_ONLY")
    floor.order("resume")
    floor.stop()

    code, said = floor.helios("kill", "--mode", "paper", "--why", "while it is down", "--timeout", "0")
    assert (code, said["answer"]) == (2, None)
    code, late = floor.helios("resume", "--mode", "paper", "--why", "too early", "--timeout", "0")
    assert code == 2

    floor.start()
    post = open_post()
    answer = post.wait(said["command"]["command_id"], PATIENCE_SECS)
    assert answer is not None
    assert (answer.outcome, answer.run_id) == ("done", floor.run_id)
    resumed = post.wait(late["command"]["command_id"], PATIENCE_SECS)
    assert resumed is not None
    floor.node.until("ready ")
    if resumed.outcome == "expired":  # it took the node more than a minute to come
        floor.order("resume")
    os.kill(floor.node._process.pid, signal.SIGUSR2)
    until(lambda: floor.status()["kill_state"] == "HALT")
    floor.order("resume")
    floor.stop()
