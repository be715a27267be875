"""The post between operators and nodes: one contract, by file alone, by row alone, and both ways."""

import threading
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from helios_nautilus.errors import ConfigError, JournalError
from helios_nautilus.journal.command_files import CommandFiles
from helios_nautilus.journal.command_rows import CommandRows, open_rows
from helios_nautilus.journal.commands import EXPIRES_AFTER_NS, Answer
from helios_nautilus.journal.post import Post
from helios_nautilus.journal.status import NodeStatus
from tests.integration.journal.samples import answer_to, command, status


class Node:
    """What the other end of the post sees, by one way or by both."""

    def __init__(self, files: CommandFiles | None, url: str | None) -> None:
        self.files = files
        self.url = url

    def unanswered(self) -> list[str]:
        letters = [] if self.files is None else self.files.unanswered()
        if self.url is not None:
            with open_rows(self.url) as rows:
                letters += rows.unanswered("paper")
        assert [letter.read().command_id for letter in letters] == [letter.command_id for letter in letters]
        return sorted({letter.command_id for letter in letters})

    def answer(self, answer: Answer) -> None:
        if self.files is not None:
            self.files.put_answer(answer)
        if self.url is not None:
            with open_rows(self.url) as rows:
                rows.put_answer(answer)

    def tell(self, status: NodeStatus) -> None:
        if self.files is not None:
            self.files.put_status(status)
        if self.url is not None:
            with open_rows(self.url) as rows:
                rows.put_status(status)


@pytest.fixture(params=["file", "row", "both"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def node(way: str, tmp_path: Path, request: pytest.FixtureRequest) -> Node:
    files = None if way == "row" else CommandFiles(tmp_path / "commands" / "paper")
    return Node(files, None if way == "file" else request.getfixturevalue("database"))


@pytest.fixture
def post(node: Node, tmp_path: Path) -> Post:
    """By row alone the node is on another machine, and looks into no folder of this one."""
    return Post(tmp_path / "commands", None if node.url is None else partial(open_rows, node.url))


def test_a_command_that_was_sent_waits_for_the_node(post: Post, node: Node) -> None:
    first, second = command(), command(verb="tier_off", tier="gate")
    post.send(first)
    post.send(second)
    assert node.unanswered() == [first.command_id, second.command_id]


def test_it_is_told_which_ways_a_command_went(post: Post, way: str) -> None:
    sent = post.send(command())
    assert (sent.by_file, sent.by_row, sent.trouble) == (True, way != "file", "")


def test_a_command_sent_twice_is_one(post: Post, node: Node) -> None:
    once = command()
    post.send(once)
    post.send(once)
    assert node.unanswered() == [once.command_id]


def test_an_answer_reaches_who_waits_and_the_command_waits_no_more(post: Post, node: Node) -> None:
    given = command()
    post.send(given)
    later = threading.Timer(0.05, node.answer, [answer_to(given)])
    later.start()
    assert post.wait(given.command_id, 20.0) == answer_to(given)
    later.join()
    assert node.unanswered() == []


def test_the_first_answer_that_reached_the_journal_stays(post: Post, database: str) -> None:
    given = command()
    with open_rows(database) as rows:
        rows.put(given)
        rows.put_answer(answer_to(given))
        rows.put_answer(answer_to(given, "something else"))
        assert rows.answer(given.command_id) == answer_to(given)


def test_nobody_answers_and_the_wait_ends(post: Post) -> None:
    given = command()
    post.send(given)
    assert post.wait(given.command_id, 0.0) is None
    assert post.wait("never-sent", 0.0) is None


def test_a_mode_s_node_does_not_see_the_commands_of_another(post: Post, node: Node) -> None:
    post.send(command(mode="live"))
    assert node.unanswered() == []


def test_the_newest_commands_are_told_with_what_became_of_them(post: Post, node: Node) -> None:
    given = [command(), command(verb="resume"), command(verb="entries_off")]
    for each in given:
        post.send(each)
    node.answer(answer_to(given[1]))
    assert post.recent("paper", 2) == [(given[2], None), (given[1], answer_to(given[1]))]


def test_the_newest_status_of_a_mode_is_the_one_that_is_read(post: Post, node: Node) -> None:
    assert post.status("paper") is None
    for ts_ns in (1, 3):
        node.tell(status(ts_ns))
    assert post.status("paper") == status(3)
    assert post.status("live") is None


def test_an_older_status_does_not_replace_a_newer_row(database: str) -> None:
    with open_rows(database) as rows:
        for ts_ns in (3, 2):
            rows.put_status(status(ts_ns))
        assert rows.status("paper") == status(3)


def away() -> Any:
    raise JournalError("the database is away")


def test_without_its_database_a_command_goes_by_file_and_what_stood_in_the_way_is_said(tmp_path: Path) -> None:
    post, files, given = Post(tmp_path, away), CommandFiles(tmp_path / "paper"), command()
    sent = post.send(given)
    assert (sent.by_file, sent.by_row) == (True, False)
    assert "the database is away" in sent.trouble
    files.put_answer(answer_to(given))
    assert post.wait(given.command_id, 20.0) == answer_to(given)


def test_without_its_folder_a_command_goes_by_row(tmp_path: Path, database: str) -> None:
    (tmp_path / "commands").write_text("in the way of a folder")
    post, given = Post(tmp_path / "commands", partial(open_rows, database)), command()
    sent = post.send(given)
    assert (sent.by_file, sent.by_row) == (False, True)
    with open_rows(database) as rows:
        rows.put_answer(answer_to(given))
    assert post.wait(given.command_id, 20.0) == answer_to(given)
    assert post.status("paper") is None


def test_a_command_that_can_go_no_way_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "commands").write_text("in the way of a folder")
    with pytest.raises(JournalError, match=r"went nowhere .*signal"):
        Post(tmp_path / "commands", away).send(command())


def test_a_status_beside_a_database_that_is_away_is_still_read(tmp_path: Path) -> None:
    post = Post(tmp_path, away)
    with pytest.raises(JournalError, match="is away"):
        post.status("paper")
    CommandFiles(tmp_path / "paper").put_status(status(7))
    assert post.status("paper") == status(7)


def test_a_fresh_status_of_this_machine_needs_no_database(tmp_path: Path) -> None:
    def must_not_be_asked() -> Any:
        raise AssertionError("the database was asked")

    CommandFiles(tmp_path / "paper").put_status(status(7))
    assert Post(tmp_path, must_not_be_asked).status("paper", fresh_ns=6) == status(7)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"mode": "\xff"}'])
def test_a_status_or_an_answer_that_nobody_can_read_is_none(tmp_path: Path, content: bytes) -> None:
    for name in ("status.json", "c-0.answer.json", "c-0.json"):
        (tmp_path / name).write_bytes(content)
    files = CommandFiles(tmp_path)
    assert (files.status(), files.answer("c-0"), files.recent(1)) == (None, None, [])


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a/b", "c" * 65])
def test_an_id_that_is_none_finds_no_file(tmp_path: Path, name: str) -> None:
    assert Post(tmp_path, None).wait(name, 0.0) is None


def test_what_an_operator_ordered_cannot_be_unsaid(connection: psycopg.Connection) -> None:
    CommandRows(connection).put(command())
    for statement in (
        b"DELETE FROM operator_commands",
        b"UPDATE operator_commands SET who = 'bob'",
        b"TRUNCATE operator_commands, operator_answers",
        b"TRUNCATE operator_answers",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="what an operator ordered stays"):
            connection.execute(statement)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"command_id": "c-0"}', b'{"verb": "explode"}'])
def test_a_letter_that_is_no_command_says_why(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "paper"
    CommandFiles(folder).put(command())
    (folder / "c-0.json").write_bytes(content)
    letter = next(each for each in CommandFiles(folder).unanswered() if each.command_id == "c-0")
    with pytest.raises(ValueError, match="not a command"):
        letter.read()


def test_a_letter_under_another_command_s_name_is_none_of_that_id(tmp_path: Path) -> None:
    files, given = CommandFiles(tmp_path), command()
    files.put(given)
    (tmp_path / f"{given.command_id}.json").rename(tmp_path / "c-0.json")
    (letter,) = files.unanswered()
    with pytest.raises(ValueError, match=given.command_id):
        letter.read()


@pytest.mark.parametrize(
    "changes",
    [
        {"command_id": "../x"},
        {"command_id": ""},
        {"who": " "},
        {"verb": "tier_off"},
        {"verb": "halt", "tier": "gate"},
    ],
)
def test_what_cannot_be_a_command_is_never_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="command"):
        command(**changes)


@pytest.mark.parametrize(("verb", "expires"), [("halt", False), ("entries_off", False), ("resume", True)])
def test_what_tightens_never_expires(verb: Any, expires: bool) -> None:
    given = command(verb=verb, ts_ns=0)
    assert not given.has_expired(EXPIRES_AFTER_NS)
    assert given.has_expired(EXPIRES_AFTER_NS + 1) is expires
