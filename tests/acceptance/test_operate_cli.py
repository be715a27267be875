"""`helios kill`, `resume`, `switch` and `status` at a terminal: without the database, and without the engine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import JournalError
from helios_nautilus.journal.command_files import CommandFiles, Letter
from helios_nautilus.journal.commands import Answer, Command, Outcome
from helios_nautilus.journal.reception import Reception
from tests.acceptance.cli import helios
from tests.integration.journal.samples import status

WHY = ("--why", "a test", "--who", "ann")
WITHOUT_ENGINE = """
import sys
from importlib.abc import MetaPathFinder

class Wall(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "nautilus_trader", "numba", "pandas"):
            raise ModuleNotFoundError(f"No module named '{name}'")

sys.meta_path.insert(0, Wall())
from helios_nautilus.cli.main import main
main()
"""


class Stand:
    """A node's reception that answers every command alike, and what it took in."""

    def __init__(self, home: Path) -> None:
        self.files = CommandFiles(home / "commands" / "paper")
        self.taken: list[Command] = []
        self.outcome: Outcome = "done"
        self.reception = Reception("paper", self.files, self.nowhere, self.take)

    def nowhere(self) -> str:
        raise JournalError("there is no database here")

    def take(self, letter: Letter) -> None:
        command = letter.read()
        self.taken.append(command)
        self.reception.answer(
            Answer(command_id=command.command_id, ts_ns=1, run_id="R-1", outcome=self.outcome, words="so it is")
        )

    def says(self, age_ns: int = 0) -> None:
        self.files.put_status(replace(status(time.time_ns() - age_ns), kill_state="HALT", kill_words="HALT by ann: x"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, whose database nobody serves."""
    monkeypatch.setenv("HELIOS_HOME", str(tmp_path))
    monkeypatch.setenv("HELIOS_DATABASE_URL", "postgresql://ann:hunter2@127.0.0.1:9/none")
    return tmp_path


@pytest.fixture
def node(home: Path) -> Iterator[Stand]:
    stand = Stand(home)
    stand.says()
    stand.reception.start()
    yield stand
    stand.reception.close()


def test_a_kill_finds_the_node_that_runs_and_prints_its_acknowledgement(node: Stand) -> None:
    ended = helios("kill", *WHY)

    assert ended.code == 0, ended.err
    assert ended.out.startswith("done in ")
    assert "by R-1: so it is" in ended.out
    (command,) = node.taken
    assert (command.verb, command.mode, command.who, command.why, command.origin) == (
        "halt",
        "paper",
        "ann",
        "a test",
        "cli",
    )


@pytest.mark.parametrize(
    ("arguments", "verb", "tier", "rebase"),
    [
        (("kill", "--reduce-only"), "reduce_only", None, False),
        (("resume",), "resume", None, False),
        (("resume", "--rebase"), "resume", None, True),
        (("switch", "entries", "off"), "entries_off", None, False),
        (("switch", "entries", "on"), "entries_on", None, False),
        (("switch", "gate", "off"), "tier_off", "gate", False),
        (("switch", "guardian", "on"), "tier_on", "guardian", False),
    ],
)
def test_every_order_says_what_it_is(
    node: Stand, arguments: tuple[str, ...], verb: str, tier: str | None, rebase: bool
) -> None:
    assert helios(*arguments, *WHY).code == 0

    (command,) = node.taken
    assert (command.verb, command.tier, command.rebase) == (verb, tier, rebase)


def test_a_refusal_is_not_a_success(node: Stand) -> None:
    node.outcome = "refused"

    ended = helios("resume", *WHY)

    assert (ended.code, ended.out.split()[0]) == (1, "refused")


def test_json_holds_the_command_its_ways_and_its_answer(node: Stand) -> None:
    said = helios("kill", "--json", *WHY).json

    assert said["command"]["command_id"] == said["answer"]["command_id"]
    assert (said["sent"]["by_file"], said["sent"]["by_row"]) == (True, False)
    assert said["secs"] >= 0


def test_an_order_that_nobody_answers_stays_written_and_has_a_code_of_its_own(home: Path) -> None:
    ended = helios("kill", "--mode", "paper", "--timeout", "0", *WHY)

    assert ended.code == 2
    assert "no paper node answered" in ended.err
    assert "the order is a file now, and the next start obeys it" in ended.err
    assert [letter.read().verb for letter in CommandFiles(home / "commands" / "paper").unanswered()] == ["halt"]
    assert "expires a minute after" in helios("resume", "--mode", "live", "--timeout", "0", *WHY).err


def test_where_no_node_runs_its_mode_is_asked_for(home: Path) -> None:
    ended = helios("kill", *WHY)

    assert ended.code == 1
    assert "--mode" in ended.err
    assert not list(home.rglob("*.json"))


def test_where_the_system_has_no_name_for_its_user_an_order_goes_out_all_the_same(
    node: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)

    assert helios("kill", "--why", "a test").code == 0

    (command,) = node.taken
    assert command.who == f"uid {os.getuid()}"


@pytest.mark.parametrize("arguments", [("kill",), ("resume",), ("switch", "gate", "off"), ("switch", "gate", "up")])
def test_an_order_without_a_reason_is_none(node: Stand, arguments: tuple[str, ...]) -> None:
    assert helios(*arguments).code == 2
    assert node.taken == []


def test_a_running_node_s_status_is_a_page_or_json(node: Stand) -> None:
    page = helios("status", "--mode", "paper")
    assert page.code == 0, page.err
    assert "HALT by ann: x" in page.out
    (only,) = helios("status", "--mode", "paper", "--json").json
    assert only["status"]["kill_state"] == "HALT"
    assert only["age_secs"] >= 0


def test_a_status_that_got_old_says_since_when_nothing_runs(node: Stand) -> None:
    node.says(age_ns=NS_PER_MIN)

    ended = helios("status", "--mode", "paper")

    assert ended.code == 2
    assert "NOT RUNNING since" in ended.out


@pytest.mark.parametrize("arguments", [("kill", "--mode", "paper", "--timeout", "0", *WHY), ("status",)])
def test_the_database_s_password_is_never_printed(arguments: tuple[str, ...]) -> None:
    ended = helios(*arguments)

    assert ended.code in (1, 2)
    assert "hunter2" not in ended.out + ended.err


def test_an_operator_s_commands_wait_for_neither_the_engine_nor_torch(node: Stand) -> None:
    kill = [sys.executable, "-c", WITHOUT_ENGINE, "kill", *WHY]
    done = subprocess.run(kill, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
