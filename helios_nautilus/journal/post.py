"""The post between operators and nodes: a command goes as a file and as a row, and either suffices.

    helios kill ─┐              ┌─► ID.json ───────────► node ─► ID.answer.json ──┐
    the API  ────┼─► Post.send ─┤                                                 ├─► Post.wait
    dashboard ───┘              └─► operator_commands ─► node ─► operator_answers ─┘

The file first: it needs nothing but the disk. The row keeps what was ordered for good, and reaches other machines.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from msgspec import Struct

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.command_files import CommandFiles
from helios_nautilus.journal.commands import Answer, Command
from helios_nautilus.journal.records import Mode
from helios_nautilus.journal.status import NodeStatus

if TYPE_CHECKING:
    from helios_nautilus.journal.command_rows import CommandRows

type OpenRows = Callable[[], AbstractContextManager["CommandRows"]]
"""Opens the tables for one use; raises `JournalError`."""

_LOOK_SECS: Final = 0.1


class Sent(Struct, frozen=True, kw_only=True):
    """Which ways a command went: at least one."""

    by_file: bool
    by_row: bool
    trouble: str = ""
    """What stood in the way of the other."""


class Post:
    """Gives commands, waits for their answers, and reads how nodes are.

    It holds nothing open between calls, so any number of threads may use one. Every method blocks, for seconds where a
    database does not answer: from asyncio, ``await asyncio.to_thread(post.send, command)``.

    Parameters
    ----------
    folder
        ``commands`` of the home that this machine's nodes have.
    rows
        The journal's tables; None where there is no database.

    """

    def __init__(self, folder: Path, rows: OpenRows | None) -> None:
        self._files = {mode: CommandFiles(folder / mode) for mode in get_args(Mode.__value__)}
        self._rows = rows

    def send(self, command: Command) -> Sent:
        """Give a command; `JournalError` if it could go neither way. Sent twice it is one command."""
        in_the_way = []
        try:
            self._files[command.mode].put(command)
            by_file = True
        except OSError as error:
            in_the_way.append(f"no file: {error}")
            by_file = False
        try:
            with self._opened() as rows:
                if rows is not None:
                    rows.put(command)
            by_row = rows is not None
        except JournalError as error:
            in_the_way.append(f"no row: {error}")
            by_row = False
        if not (by_file or by_row):
            raise JournalError(f"the command went nowhere ({'; '.join(in_the_way)}): stop the node with a signal")
        return Sent(by_file=by_file, by_row=by_row, trouble="; ".join(in_the_way))

    def wait(self, command_id: str, timeout_secs: float) -> Answer | None:
        """What a node answered; None if none did within the time. Nothing is wrong then: the next start answers."""
        deadline = time.monotonic() + timeout_secs
        answer = self._answer_file(command_id)
        if answer is not None:
            return answer
        try:
            with self._opened() as rows:
                if rows is not None:
                    rows.listen()
                return self._await(command_id, deadline, rows)
        except JournalError:
            return self._await(command_id, deadline, None)

    def recent(self, mode: Mode, count: int) -> list[tuple[Command, Answer | None]]:
        """The newest commands and what became of them, the newest first; `JournalError` without the database."""
        with self._opened() as rows:
            return self._files[mode].recent(count) if rows is None else rows.recent(mode, count)

    def status_here(self, mode: Mode) -> NodeStatus | None:
        """The newest status of this machine's node; the database is not asked."""
        return self._files[mode].status()

    def status(self, mode: Mode, fresh_ns: int | None = None) -> NodeStatus | None:
        """The newest status of a mode's node, None if there never was one; how old it is, is for the caller to see.

        The database is not asked if this machine's file is newer than ``fresh_ns``, nor missed where the file is there.
        """
        here = self.status_here(mode)
        if here is not None and fresh_ns is not None and here.ts_ns > fresh_ns:
            return here
        try:
            with self._opened() as rows:
                there = None if rows is None else rows.status(mode)
        except JournalError:
            if here is None:
                raise
            return here
        known = [status for status in (here, there) if status is not None]
        return max(known, key=lambda status: status.ts_ns, default=None)

    def _await(self, command_id: str, deadline: float, rows: "CommandRows | None") -> Answer | None:
        while True:
            answer = self._answer_file(command_id) or (rows.answer(command_id) if rows is not None else None)
            left = deadline - time.monotonic()
            if answer is not None or left <= 0:
                return answer
            if rows is None:
                time.sleep(min(left, _LOOK_SECS))
            else:
                rows.wait(min(left, _LOOK_SECS))

    def _answer_file(self, command_id: str) -> Answer | None:
        answers = (files.answer(command_id) for files in self._files.values())
        return next((answer for answer in answers if answer is not None), None)

    @contextmanager
    def _opened(self) -> Iterator["CommandRows | None"]:
        if self._rows is None:
            yield None
            return
        with self._rows() as rows:
            yield rows
