"""An operator is obeyed, refused in words or too late; every command is journalled and answered."""

from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from helios_nautilus.actors.guardian import Guardian, GuardianConfig
from helios_nautilus.actors.operator import Operator, OperatorConfig
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.domain.portfolio.kill_switch import KillState
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.command_files import Letter
from helios_nautilus.journal.commands import EXPIRES_AFTER_NS, Answer, Command
from helios_nautilus.journal.controls_file import Controls, ControlsFile
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_CONTROLS, TOPIC_KILL_SWITCH, ControlsChanged, KillSwitchChanged
from tests.fakes import BTC, ETH, SOL, START_NS, Kit

WALL_NS = 1_000 * NS_PER_MIN
_numbers = count(1)


class Room:
    """An operator over a real Guardian, and everybody who hears of what it does."""

    def __init__(self, kit: Kit, journal: MemoryJournal, path: Path) -> None:
        self.kit = kit
        self.journal = journal
        self.path = path
        self.answers: list[Answer] = []
        self.controls: list[ControlsChanged] = []
        self.kills: list[KillSwitchChanged] = []
        kit.msgbus.subscribe(TOPIC_CONTROLS, self.controls.append)
        kit.msgbus.subscribe(TOPIC_KILL_SWITCH, self.kills.append)
        config = GuardianConfig(instrument_ids=(BTC, ETH, SOL), venue=VALR_VENUE)
        self.guardian = kit.start(Guardian(config, journal))
        self.operator = self.new_operator()

    def new_operator(self) -> Operator:
        """As after a restart: it knows what is in its file."""
        self.kit.advance_to(self.kit.clock.timestamp_ns() + 1)
        return self.kit.start(
            Operator(
                OperatorConfig(mode="paper", run_id="R"),
                self.journal,
                self.guardian,
                ControlsFile(self.path),
                self.answers.append,
                lambda: WALL_NS,
            )
        )

    def give(self, verb: str, **changes: Any) -> Answer:
        fields = {
            "command_id": f"c-{next(_numbers)}",
            "ts_ns": WALL_NS - NS_PER_SEC,
            "mode": "paper",
            "verb": verb,
            "who": "ann",
            "why": "a test",
            "origin": "cli",
        }
        command = msgspec.convert(fields | changes, Command)
        return self.deliver(command.command_id, msgspec.json.encode(command))

    def deliver(self, command_id: str, content: bytes) -> Answer:
        self.operator.receive(Letter(command_id=command_id, content=content))
        answer = self.answers[-1]
        assert (answer.command_id, answer.run_id, answer.ts_ns) == (command_id, "R", WALL_NS)
        return answer

    def lose(self, share: float) -> None:
        """Equity is marked, and falls by so much."""
        for instrument_id, price in ((BTC, 1e6), (ETH, 5e4), (SOL, 2e3)):
            self.kit.bar(self.guardian, price, instrument_id)
        self.guardian.mark(self.kit.clock.timestamp_ns())
        self.kit.report(ZAR=100_000 * (1 - share))
        self.guardian.mark(self.kit.clock.timestamp_ns())

    def stands_at(self, state: KillState) -> bool:
        return self.guardian.kill_switch.state is state

    @property
    def noted(self) -> list[str]:
        return [event.words for event in self.journal.of(EventRecord) if event.kind == "command"]


@pytest.fixture
def room(kit: Kit, journal: MemoryJournal, tmp_path: Path) -> Room:
    return Room(kit, journal, tmp_path / "controls.json")


@pytest.mark.parametrize(("verb", "state"), [("halt", KillState.HALT), ("reduce_only", KillState.REDUCE_ONLY)])
def test_a_stop_latches_the_switch_and_is_answered_at_once(room: Room, verb: str, state: KillState) -> None:
    answer = room.give(verb)

    assert answer.outcome == "done"
    assert room.stands_at(state)
    assert [change.entries_allowed for change in room.kills] == [False]


def test_a_halt_says_what_it_closes(room: Room) -> None:
    assert "nothing is held" in room.give("halt").words


def test_a_stop_where_all_is_stopped_says_how_it_stands_and_changes_nothing(room: Room) -> None:
    room.give("halt", why="first")

    answer = room.give("reduce_only")

    assert answer.outcome == "done"
    assert "stands at HALT already" in answer.words
    assert "first" in answer.words
    assert len(room.kills) == 1


def test_an_old_halt_is_obeyed_and_an_old_resume_has_expired(room: Room) -> None:
    assert room.give("halt", ts_ns=0).outcome == "done"

    answer = room.give("resume", ts_ns=WALL_NS - EXPIRES_AFTER_NS - 1)

    assert answer.outcome == "expired"
    assert "60 s ago" in answer.words
    assert room.stands_at(KillState.HALT)


def test_a_resume_clears_the_latch(room: Room) -> None:
    room.give("halt")

    assert room.give("resume").outcome == "done"

    assert room.stands_at(KillState.NORMAL)
    assert [change.entries_allowed for change in room.kills] == [False, True]


def test_a_resume_without_a_reason_is_refused(room: Room) -> None:
    room.give("halt")

    answer = room.give("resume", why=" ")

    assert answer.outcome == "refused"
    assert "why" in answer.words
    assert room.stands_at(KillState.HALT)


def test_a_resume_where_nothing_is_stopped_says_so(room: Room) -> None:
    answer = room.give("resume")

    assert (answer.outcome, answer.words) == ("done", "it stands at NORMAL already")
    assert room.kills == []


def test_a_resume_past_the_limit_is_refused_unless_the_figures_are_measured_anew(room: Room) -> None:
    room.lose(0.2)
    room.give("halt")

    refused = room.give("resume")
    assert refused.outcome == "refused"
    assert "drawdown 20.00%" in refused.words
    assert room.stands_at(KillState.HALT)

    assert room.give("resume", rebase=True).outcome == "done"
    assert room.stands_at(KillState.NORMAL)
    mark = room.guardian.last_mark
    assert mark is not None
    assert mark.drawdown == 0.0


def test_nothing_can_be_measured_anew_before_there_is_equity(room: Room) -> None:
    room.give("halt")

    answer = room.give("resume", rebase=True)

    assert answer.outcome == "refused"
    assert room.stands_at(KillState.HALT)


def test_the_switches_are_said_at_the_start_and_at_every_change(room: Room) -> None:
    room.kit.advance_to(START_NS + 2)
    room.give("entries_off")
    room.give("tier_off", tier="prediction")
    room.give("entries_on")
    room.give("tier_on", tier="prediction")

    assert [(said.entries_on, said.off) for said in room.controls] == [
        (True, frozenset()),
        (False, frozenset()),
        (False, frozenset({"prediction"})),
        (True, frozenset({"prediction"})),
        (True, frozenset()),
    ]


def test_what_was_switched_off_stays_off_after_a_restart(room: Room) -> None:
    room.give("tier_off", tier="aether")

    again = room.new_operator()

    assert again.controls.off == {"aether"}
    assert again.controls.words == "tier_off aether by ann: a test"


def test_switches_that_cannot_be_read_leave_entries_off(room: Room) -> None:
    room.path.write_text("{")

    again = room.new_operator()

    assert not again.controls.entries_on
    assert "cannot be read" in again.controls.words


def test_without_a_disk_what_tightens_is_obeyed_and_what_loosens_is_not(room: Room) -> None:
    room.path.mkdir()

    off, on = room.give("entries_off"), room.give("entries_on")

    assert (off.outcome, on.outcome) == ("done", "refused")
    assert "a restart would forget it" in off.words
    assert room.operator.controls == Controls(entries_on=False, words="entries_off by ann: a test")


def test_guardian_cannot_be_switched_off(room: Room) -> None:
    answer = room.give("tier_off", tier="guardian")

    assert answer.outcome == "refused"
    assert "helios kill" in answer.words
    assert room.controls == []


def test_a_command_for_another_mode_is_refused(room: Room) -> None:
    assert room.give("halt", mode="live").outcome == "refused"
    assert room.stands_at(KillState.NORMAL)


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b'{"verb": "explode"}', b"[1]"])
def test_what_is_no_command_is_refused_in_words(room: Room, content: bytes) -> None:
    answer = room.deliver("scrawl", content)

    assert answer.outcome == "refused"
    assert "not a command" in answer.words


def test_every_command_is_journalled_with_who_why_and_what_became_of_it(room: Room) -> None:
    given = [room.give("halt", who="bob", why="news", origin="api"), room.give("tier_off", tier="guardian")]
    given.append(room.deliver("scrawl", b""))

    assert [f"[{answer.command_id}]" in words for answer, words in zip(given, room.noted, strict=True)] == [True] * 3
    assert room.noted[0].startswith("halt by bob (api): news; done: HALT")
    assert "refused" in room.noted[1]
    assert "by a stranger" in room.noted[2]


def test_a_halt_before_the_start_is_obeyed(kit: Kit, journal: MemoryJournal, tmp_path: Path) -> None:
    guardian = Guardian(GuardianConfig(instrument_ids=(BTC,), venue=VALR_VENUE), journal)
    answers: list[Answer] = []
    operator = Operator(
        OperatorConfig(mode="paper", run_id="R"),
        journal,
        guardian,
        ControlsFile(tmp_path / "controls.json"),
        answers.append,
        lambda: WALL_NS,
    )
    for actor in (guardian, operator):
        actor.register_base(kit.portfolio, kit.msgbus, kit.cache, kit.clock)
    halt = Command(command_id="early", ts_ns=0, mode="paper", verb="halt", who="ann", why="a test", origin="cli")
    operator.receive(Letter(command_id="early", content=msgspec.json.encode(halt)))

    assert [answer.outcome for answer in answers] == ["done"]
    assert guardian.kill_switch.state is KillState.HALT
