"""The node's end of the post: each command once, answers both ways, and a database that comes and goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Queue

import psycopg
import pytest
from msgspec.structs import replace

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.command_files import CommandFiles, Letter
from helios_nautilus.journal.command_rows import open_rows
from helios_nautilus.journal.commands import Answer, Command
from helios_nautilus.journal.post import Post
from helios_nautilus.journal.reception import Reception
from tests.integration.journal.samples import answer_to, command, status
from tests.integration.journal_writer.server import Server

PATIENCE_SECS = 30.0


class Desk:
    """A reception, whoever gives it commands, and what came of them."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.files = CommandFiles(folder / "paper")
        self.server = server
        self.post = Post(folder, partial(open_rows, server.url))
        self.letters: Queue[Letter] = Queue()
        self.told: list[str] = []
        self.reception: Reception

    @contextmanager
    def open(self, address: Callable[[], str] | None = None) -> Iterator[Reception]:
        address = address or (lambda: self.server.url)
        self.reception = Reception("paper", self.files, address, self.letters.put, self.told.append)
        self.reception.start()
        try:
            yield self.reception
        finally:
            self.reception.close()

    def next(self) -> str:
        return self.letters.get(timeout=PATIENCE_SECS).command_id

    def answered(self, given: Command) -> Answer | None:
        with open_rows(self.server.url) as rows:
            return rows.answer(given.command_id)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECS
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> Iterator[Desk]:
    yield Desk(tmp_path, server)
    with open_rows(server.url) as rows:  # the next test's node must not find what this one left
        for letter in rows.unanswered("paper"):
            rows.put_answer(answer_to(letter.read()))


def test_a_command_that_comes_both_ways_is_taken_in_once(desk: Desk) -> None:
    first, last = command(), command()
    with desk.open():
        desk.post.send(first)
        assert desk.next() == first.command_id
        desk.post.send(first)
        desk.post.send(last)
        assert desk.next() == last.command_id
    assert desk.letters.empty()


@pytest.mark.parametrize("way", ["file", "row"])
def test_either_way_suffices_and_the_answer_goes_both(desk: Desk, way: str) -> None:
    given = command()
    with desk.open() as reception:
        if way == "file":
            desk.files.put(given)
        else:
            with open_rows(desk.server.url) as rows:
                rows.put(given)
        assert desk.next() == given.command_id
        reception.answer(answer_to(given))
    assert desk.files.answer(given.command_id) == answer_to(given)
    assert desk.answered(given) == answer_to(given)


def test_what_was_not_answered_is_taken_in_by_the_next_start_the_oldest_first(desk: Desk) -> None:
    given = [command(), command(), command()]
    for each in given:
        desk.post.send(each)
    with desk.open() as reception:
        assert [desk.next() for _ in given] == [each.command_id for each in given]
        reception.answer(answer_to(given[1]))
    with desk.open():
        assert [desk.next(), desk.next()] == [given[0].command_id, given[2].command_id]


def test_a_command_whose_answer_never_reached_the_database_is_not_obeyed_again(desk: Desk) -> None:
    given, other = command(), command()
    desk.post.send(given)
    desk.files.put_answer(answer_to(given))
    with desk.open():
        until(lambda: desk.answered(given))
        desk.post.send(other)
        assert desk.next() == other.command_id


def test_an_order_by_signal_has_its_row_and_its_answer(desk: Desk) -> None:
    given = command(origin="signal")
    with desk.open() as reception:
        reception.note(given)
        reception.answer(answer_to(given))
    assert desk.post.recent("paper", 1) == [(given, answer_to(given))]


def test_a_letter_that_is_no_command_is_taken_in_and_its_answer_is_a_file(desk: Desk) -> None:
    desk.files.put(command())
    folder = desk.files._folder
    (folder / "scrawl.json").write_text("{")
    with desk.open() as reception:
        assert {desk.next(), desk.next()} >= {"scrawl"}
        reception.answer(replace(answer_to(command()), command_id="scrawl", outcome="refused"))
        until(lambda: desk.files.answer("scrawl"))
    assert not [words for words in desk.told if "refused" in words]


def test_of_many_statuses_the_newest_is_given_out(desk: Desk) -> None:
    base = time.time_ns()
    with desk.open() as reception:
        for more in range(500):
            reception.show(status(base + more))
    assert desk.post.status("paper", fresh_ns=base) == status(base + 499)
    with open_rows(desk.server.url) as rows:
        assert rows.status("paper") == status(base + 499)


def test_a_database_that_stops_and_starts_again_delays_no_command_and_loses_no_answer(desk: Desk) -> None:
    before, meanwhile, after = command(), command(), command()
    with desk.open() as reception:
        desk.post.send(before)
        assert desk.next() == before.command_id
        desk.server.stop("fast")
        try:
            sent = desk.post.send(meanwhile)
            assert (sent.by_file, sent.by_row) == (True, False)
            assert desk.next() == meanwhile.command_id
            reception.answer(answer_to(before))
            reception.answer(answer_to(meanwhile))
            assert desk.post.wait(meanwhile.command_id, PATIENCE_SECS) == answer_to(meanwhile)
            until(lambda: any("by file alone" in words for words in desk.told))
        finally:
            desk.server.start()
        until(lambda: desk.answered(before) and desk.answered(meanwhile))
        with open_rows(desk.server.url) as rows:
            rows.put(after)
        assert desk.next() == after.command_id
        assert "commands come by the journal again" in desk.told


def test_a_database_that_answers_nobody_delays_no_command_and_not_the_end(desk: Desk) -> None:
    given = command()
    with desk.open() as reception:
        with open_rows(desk.server.url) as rows:
            rows.put(earlier := command())
        assert desk.next() == earlier.command_id
        with desk.server.stopped_short():
            desk.files.put(given)
            assert desk.next() == given.command_id
            reception.answer(answer_to(given))
            until(lambda: desk.files.answer(given.command_id))
            reception.close()
            assert not reception._thread.is_alive()


def test_without_any_database_commands_come_by_file(desk: Desk) -> None:
    def nowhere() -> str:
        raise JournalError("there is none")

    given = command()
    with desk.open(nowhere):
        desk.files.put(given)
        assert desk.next() == given.command_id
        until(lambda: desk.told)
    assert "commands come by file alone: " in desk.told[0]


def test_a_folder_that_cannot_be_used_is_told_and_rows_still_come(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "paper").write_text("in the way of a folder")
    given = command()
    with desk.open() as reception:
        with open_rows(desk.server.url) as rows:
            rows.put(given)
        assert desk.next() == given.command_id
        reception.answer(answer_to(given))
        until(lambda: desk.answered(given))
        assert reception.missing() == ""
    assert any("the folder of commands cannot be used" in words for words in desk.told)


def test_entries_are_told_when_no_operator_could_reach_the_node(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "paper").write_text("in the way of a folder")

    def nowhere() -> str:
        raise JournalError("there is none")

    with desk.open(nowhere) as reception:
        reception.show(status(1))
        until(lambda: "neither" in reception.missing())
    assert reception.missing() == "no commands are taken in"


def test_the_password_of_the_database_is_never_told(desk: Desk) -> None:
    with desk.open(lambda: "postgresql://ann:hunter2@127.0.0.1:1/none"):
        until(lambda: desk.told)
    assert "hunter2" not in " ".join(desk.told)


def test_its_connections_are_named_in_the_server_s_own_list(desk: Desk) -> None:
    def named() -> set[str]:
        with psycopg.connect(desk.server.url) as connection:
            found = connection.execute("SELECT application_name FROM pg_stat_activity").fetchall()
        return {name for (name,) in found}

    with desk.open():
        until(lambda: {"helios commands", "helios answers"} <= named())
