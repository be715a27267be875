"""The node's end of the post: one thread beside the engine that takes commands in and gives answers and status out.

    ID.json ───────────┐                                  ┌─► ID.answer.json, status.json
                       ├─► Reception ─► node ─► Reception ─┤
    operator_commands ─┘   each once                      └─► operator_answers, node_status

Files are looked for ten times a second, rows are notified; a database that is away delays no command that came by file.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from helios_nautilus.journal.command_files import CommandFiles, Letter
from helios_nautilus.journal.commands import Answer, Command
from helios_nautilus.journal.records import Mode
from helios_nautilus.journal.status import NodeStatus
from helios_nautilus.journal.wire import Wire

_LOOK_SECS: Final = 0.1
_LAST_SECS: Final = 2.0
"""How long the end waits for answers to be written."""


class Reception:
    """Takes commands in until it is closed; `answer`, `show` and `note` may be called from any thread.

    Parameters
    ----------
    mode
        Whose commands are taken in.
    files
        The folder they come to, and where answers go at once.
    address
        Says where the journal's database is; it may start it and bring it up to date, as long as that takes.
    on_letter
        Gets each command that has no answer once, those that waited for a start among them, on this thread.
    on_trouble
        Gets a sentence when something goes wrong and when it is right again, on this thread.

    """

    def __init__(
        self,
        mode: Mode,
        files: CommandFiles,
        address: Callable[[], str],
        on_letter: Callable[[Letter], None],
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._files = files
        self._on_letter = on_letter
        self._on_trouble = on_trouble
        self._loop = asyncio.SelectorEventLoop()
        self._wire = Wire(mode, address, self._hear_by_row, self._tell)
        self._heard: dict[str, Letter] = {}
        self._answers: list[Answer] = []
        self._status: NodeStatus | None = None
        self._wake = asyncio.Event()
        self._is_closing = False
        self._trouble = ""
        self._thread = threading.Thread(target=self._serve, name="helios-commands", daemon=True)

    def start(self) -> None:
        """Begin; what waits without an answer is taken in first."""
        self._thread.start()

    def missing(self) -> str:
        """Why no operator could reach the node; empty if one can."""
        if not self._thread.is_alive():
            return "no commands are taken in"
        return "neither their folder nor the database can be used" if self._trouble and self._wire.is_away else ""

    def answer(self, answer: Answer) -> None:
        """Give the answer to a command out."""
        self._call(self._take_answer, answer)

    def show(self, status: NodeStatus) -> None:
        """Give out how the node is now; one that was not written yet is left out."""
        self._call(self._take_status, status)

    def note(self, command: Command) -> None:
        """A command that the node has obeyed by itself, at a signal: its row is written with its answer."""
        self._call(self._note, Letter(command_id=command.command_id, content=msgspec.json.encode(command)))

    def close(self) -> None:
        """Write what is to be written, for a few seconds at most, and end."""
        if self._thread.ident is None:
            self._loop.close()
            return
        self._call(self._take_end)
        self._thread.join(3 * _LAST_SECS)

    def _call[*Args](self, work: Callable[[*Args], None], *args: *Args) -> None:
        with suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(work, *args)

    def _take_answer(self, answer: Answer) -> None:
        self._answers.append(answer)
        self._wake.set()

    def _take_status(self, status: NodeStatus) -> None:
        self._status = status
        self._wire.show(status)
        self._wake.set()

    def _take_end(self) -> None:
        self._is_closing = True
        self._wake.set()

    def _serve(self) -> None:
        try:
            # Not the process's default, which the engine sets: the same loop in trading as in tests.
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._run())
        finally:
            if not self._is_closing:
                self._tell("no more commands are taken in: the post has come to an unexpected end; stop by a signal")

    async def _run(self) -> None:
        wiring = asyncio.create_task(self._wire.run())
        wiring.add_done_callback(self._wiring_ended)
        self._try(self._files.sweep)
        while not self._is_closing:
            self._try(self._use_folder)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECS):
                    await self._wake.wait()
            self._wake.clear()
        self._try(self._use_folder)
        await self._wire.drain(_LAST_SECS)
        await self._wire.hang_up(wiring)

    def _wiring_ended(self, wiring: asyncio.Task[None]) -> None:
        if not self._is_closing and not wiring.cancelled():
            self._tell(f"commands come by file alone until the next start: {wiring.exception()}")

    def _use_folder(self) -> None:
        """Answers go out first, or a command that has one would be taken in again."""
        while self._answers:
            answer = self._answers[0]
            self._wire.answer(self._command(answer.command_id), answer)
            del self._answers[0]
            self._files.put_answer(answer)
        for letter in self._files.unanswered():
            self._hear(letter)
        if self._status is not None:
            self._files.put_status(self._status)
            self._status = None

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            if not self._trouble:
                self._tell(f"the folder of commands cannot be used: {error}")
            self._trouble = str(error)
            return
        if self._trouble:
            self._tell("the folder of commands can be used again")
        self._trouble = ""

    def _hear_by_row(self, letter: Letter) -> None:
        """A row without an answer may have had one that never reached the database."""
        if letter.command_id in self._heard:
            return
        answer = self._files.answer(letter.command_id)
        if answer is None:
            self._hear(letter)
        else:
            self._heard[letter.command_id] = letter
            self._wire.answer(None, answer)

    def _hear(self, letter: Letter) -> None:
        if letter.command_id not in self._heard:
            self._heard[letter.command_id] = letter
            self._on_letter(letter)

    def _note(self, letter: Letter) -> None:
        self._heard[letter.command_id] = letter

    def _command(self, command_id: str) -> Command | None:
        """What was answered, if it can be read."""
        with suppress(KeyError, ValueError):
            return self._heard[command_id].read()
        return None

    def _tell(self, words: str) -> None:
        with suppress(Exception):  # a listener's mistake must not end the post
            self._on_trouble(words)
