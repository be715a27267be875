"""Commands, answers and a node's status as rows of the journal's database: the way that reaches every machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec.structs import asdict
from psycopg import Connection

from helios_nautilus.journal.command_files import Letter
from helios_nautilus.journal.commands import Answer, Command
from helios_nautilus.journal.postgres import connect, speaking
from helios_nautilus.journal.records import Mode
from helios_nautilus.journal.sql import queries
from helios_nautilus.journal.status import NodeStatus


class CommandRows:
    """The tables of operators and nodes. One thread at a time; every method may raise `JournalError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, command: Command) -> None:
        """Add a command and wake the node; added twice it is there once."""
        self._do("add_command", **command_columns(command))

    def unanswered(self, mode: Mode) -> list[Letter]:
        """The commands without an answer, the oldest first."""
        return [
            Letter(command_id=command_id, content=body.encode())
            for command_id, body in self._ask("unanswered_commands", mode=mode)
        ]

    def put_answer(self, answer: Answer) -> None:
        """Add the answer to a command that is there, and wake who waits for it; the first answer stays."""
        self._do("add_answer", **answer_columns(answer))

    def answer(self, command_id: str) -> Answer | None:
        """The answer to a command, if there is one."""
        found = self._ask("answer", command_id=command_id)
        return _to_answer(*found[0]) if found else None

    def put_status(self, status: NodeStatus) -> None:
        """Write over a mode's status, unless a newer one is there."""
        self._do("put_status", **status_columns(status))

    def status(self, mode: Mode) -> NodeStatus | None:
        """A mode's newest status; None if there never was one that this Helios can read."""
        found = self._ask("status", mode=mode)
        try:
            return msgspec.json.decode(found[0][0], type=NodeStatus) if found else None
        except msgspec.MsgspecError:
            return None

    def recent(self, mode: Mode, count: int) -> list[tuple[Command, Answer | None]]:
        """The newest commands that can be read and what became of them, the newest first."""
        found = []
        for command_id, body, ts_ns, *said in self._ask("recent_commands", mode=mode, count=count):
            try:
                command = Letter(command_id=command_id, content=body.encode()).read()
            except ValueError:
                continue
            found.append((command, None if ts_ns is None else _to_answer(command_id, ts_ns, *said)))
        return found

    def listen(self) -> None:
        """Hear of answers from now on, see `wait`."""
        with speaking():
            self._connection.execute("LISTEN helios_answers")

    def wait(self, timeout_secs: float) -> None:
        """Wait for some answer to come, at most so long."""
        with speaking():
            for _ in self._connection.notifies(timeout=timeout_secs, stop_after=1):
                pass

    def _ask(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with speaking():
            return self._connection.execute(queries()[query], values).fetchall()

    def _do(self, query: str, **values: object) -> None:
        with speaking():
            self._connection.execute(queries()[query], values)


@contextmanager
def open_rows(url: str) -> Iterator[CommandRows]:
    """The tables of the database at ``url``, its schema brought up to date; `JournalError` if it cannot be had."""
    with connect(url) as connection:
        yield CommandRows(connection)


def command_columns(command: Command) -> dict[str, object]:
    """A command as the parameters of its insert."""
    return {
        "command_id": command.command_id,
        "ts_ns": command.ts_ns,
        "mode": command.mode,
        "verb": command.verb,
        "who": command.who,
        "origin": command.origin,
        "body": msgspec.json.encode(command).decode(),
    }


def answer_columns(answer: Answer) -> dict[str, object]:
    """An answer as the parameters of its insert."""
    return asdict(answer)


def status_columns(status: NodeStatus) -> dict[str, object]:
    """A status as the parameters of its insert."""
    body = msgspec.json.encode(status).decode()
    return {"mode": status.mode, "ts_ns": status.ts_ns, "run_id": status.run_id, "body": body}


def _to_answer(command_id: str, ts_ns: int, run_id: str, outcome: Any, words: str) -> Answer:
    return Answer(command_id=command_id, ts_ns=ts_ns, run_id=run_id, outcome=outcome, words=words)
