"""A node's way to the tables of commands: hears of every command, and writes answers and the newest status.

Everything happens on one event loop, beside the engine's. Where the database is away it is tried again for ever; what
is to be written waits meanwhile: every answer, but of the statuses the newest alone.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from helios_nautilus.journal.command_files import Letter
from helios_nautilus.journal.command_rows import answer_columns, command_columns, status_columns
from helios_nautilus.journal.commands import Answer, Command
from helios_nautilus.journal.delivery import AwayError
from helios_nautilus.journal.line import cut_line, open_line, reason_of
from helios_nautilus.journal.records import Mode
from helios_nautilus.journal.sql import queries
from helios_nautilus.journal.status import NodeStatus

_CONNECT_SECS: Final = 15.0
_ANSWER_SECS: Final = 2.0
_LOOK_SECS: Final = 1.0
"""A command is notified at once; so often it is looked for even if nobody said so."""
_GRACE_SECS: Final = 0.2
_PAUSE_SECS: Final = 0.2
_MOST_PAUSE_SECS: Final = 10.0
_OF_THE_ROW: Final = (psycopg.DataError, psycopg.IntegrityError)
"""Failures that trying again does not mend."""


class Wire:
    """Run `run` until `hang_up` has ended it.

    Parameters
    ----------
    mode
        Whose commands are heard.
    address
        Says where the database is, each time anew and on another thread; see `open_line`.
    on_letter
        Gets every command that has no answer, again and again until it has one.
    tell
        Gets a sentence when the database is lost, and when it is back.

    """

    def __init__(
        self, mode: Mode, address: Callable[[], str], on_letter: Callable[[Letter], None], tell: Callable[[str], None]
    ) -> None:
        self._mode = mode
        self._address = address
        self._on_letter = on_letter
        self._tell = tell
        self._answers: deque[tuple[Command | None, Answer]] = deque()
        self._status: NodeStatus | None = None
        self._has_work = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._lines: set[AsyncConnection] = set()
        self.is_away = False
        """The database was lost, or never had."""
        self._ended = asyncio.Event()

    def answer(self, command: Command | None, answer: Answer) -> None:
        """Write an answer, and the command before it: it may have come by another way."""
        self._answers.append((command, answer))
        self._wake()

    def show(self, status: NodeStatus) -> None:
        """Write a status, instead of one that still waits."""
        self._status = status
        self._wake()

    async def run(self) -> None:
        """Listen and write for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_up("helios commands", self._listen))
            tasks.create_task(self._keep_up("helios answers", self._write))

    async def drain(self, timeout_secs: float) -> None:
        """Wait until all is written, or so long; not at all where the database is away."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.0 if self.is_away else timeout_secs):
                await self._is_idle.wait()
        if self._answers:
            self._tell(f"{len(self._answers)} answers to commands are in files only, until the next start")

    async def hang_up(self, running: asyncio.Task[None]) -> None:
        """End the task that runs `run`."""
        self._ended.set()
        for line in self._lines:
            cut_line(line)
        # Who waits for the database finds its line cut. Cancelled there, it would ask the server first.
        await asyncio.wait([running], timeout=_GRACE_SECS)
        running.cancel()
        await asyncio.wait([running], timeout=_ANSWER_SECS)

    async def _keep_up(self, name: str, serve: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        pause = _PAUSE_SECS
        while not self._ended.is_set():
            try:
                async with self._connected(name) as line:
                    pause = _PAUSE_SECS
                    await serve(line)
            except AwayError as error:
                if self._ended.is_set():
                    return
                self._note(str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MOST_PAUSE_SECS)

    @asynccontextmanager
    async def _connected(self, name: str) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(_CONNECT_SECS):
                line = await open_line(self._address, name, _ANSWER_SECS)
        except TimeoutError:
            raise AwayError(f"the journal's database did not answer in {_CONNECT_SECS:g} s") from None
        self._lines.add(line)
        self._note("")
        try:
            yield line
        finally:
            self._lines.discard(line)
            await line.close()

    def _note(self, trouble: str) -> None:
        if bool(trouble) != self.is_away:
            self.is_away = bool(trouble)
            self._tell(f"commands come by file alone: {trouble}" if trouble else "commands come by the journal again")

    async def _listen(self, line: AsyncConnection) -> None:
        await _ask(line, "LISTEN helios_commands")
        while True:
            for command_id, body in await _ask(line, queries()["unanswered_commands"], {"mode": self._mode}):
                self._on_letter(Letter(command_id=command_id, content=body.encode()))
            try:
                async for _ in line.notifies(timeout=_LOOK_SECS, stop_after=1):
                    pass
            except (psycopg.Error, OSError) as error:
                raise AwayError(f"the journal's database is away: {reason_of(error)}") from error

    async def _write(self, line: AsyncConnection) -> None:
        while True:
            await self._has_work.wait()
            while self._answers:
                command, answer = self._answers[0]
                if command is not None:
                    await self._put(line, "add_command", command_columns(command))
                await self._put(line, "add_answer", answer_columns(answer))
                self._answers.popleft()
            status, self._status = self._status, None
            if status is not None:
                await self._put(line, "put_status", status_columns(status))
            if not self._answers and self._status is None:
                self._has_work.clear()
                self._is_idle.set()

    async def _put(self, line: AsyncConnection, query: str, values: Mapping[str, object]) -> None:
        try:
            await _ask(line, queries()[query], values)
        except _OF_THE_ROW as error:
            self._tell(f"a row of commands is refused: {reason_of(error)}")

    def _wake(self) -> None:
        self._is_idle.clear()
        self._has_work.set()


async def _ask(line: AsyncConnection, query: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
    """The rows of a query; `AwayError` unless it was answered in time."""
    deadline = asyncio.get_running_loop().call_later(_ANSWER_SECS, cut_line, line)
    try:
        cursor = await line.execute(query, values)
        return await cursor.fetchall() if cursor.description else []
    except _OF_THE_ROW:
        raise
    except (psycopg.Error, OSError) as error:
        raise AwayError(f"the journal's database is away: {reason_of(error)}") from error
    finally:
        deadline.cancel()
