"""Commands, answers and a node's status as files: the way that needs no database, for who is on the node's machine."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.disk import replace_file
from helios_nautilus.journal.commands import Answer, Command, is_command_id
from helios_nautilus.journal.status import NodeStatus

_ANSWER: Final = ".answer.json"
_STATUS: Final = "status.json"
_KEPT_SECS: Final = 7 * 86_400
"""An answered command stays so long as a file; the journal has it for good."""
_NOT_HERE: Final = (FileNotFoundError, NotADirectoryError, PermissionError)
"""Who may not look into the folder of a node gets no letter from it; who may not write to it is told."""


class Letter(Struct, frozen=True, kw_only=True):
    """A command as it came, not yet read: what a stranger wrote need not be one."""

    command_id: str
    content: bytes

    def read(self) -> Command:
        """The command; `ValueError` says why this is none, or none of that id."""
        try:
            command = msgspec.json.decode(self.content, type=Command)
        except msgspec.MsgspecError as error:
            raise ValueError(f"not a command that this Helios knows: {error}") from error
        if command.command_id != self.command_id:
            raise ValueError(f"it says it is command {command.command_id}")
        return command


class CommandFiles:
    """One mode's folder: ``ID.json`` is a command, ``ID.answer.json`` its answer, ``status.json`` the node's status.

    Several processes may use it at once. `OSError` where the folder cannot be used; no file is ever half written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, command: Command) -> None:
        """Leave a command for the node; on the disk before this returns."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self._folder / f"{command.command_id}.json", msgspec.json.encode(command))

    def unanswered(self) -> list[Letter]:
        """The commands without an answer, the one written first first."""
        names = self._names()
        waiting = [name for name in names if _is_command(name) and _answer_of(name) not in names]
        waiting.sort(key=self._age_secs, reverse=True)
        return [Letter(command_id=name.removesuffix(".json"), content=self._read(name) or b"") for name in waiting]

    def put_answer(self, answer: Answer) -> None:
        """Leave the answer to a command, whichever way that came."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self._folder / f"{answer.command_id}{_ANSWER}", msgspec.json.encode(answer))

    def answer(self, command_id: str) -> Answer | None:
        """The answer to a command, if there is one."""
        content = self._read(f"{command_id}{_ANSWER}") if is_command_id(command_id) else None
        return None if content is None else _decode(content, Answer)

    def put_status(self, status: NodeStatus) -> None:
        """Write over the node's status. It is made anew each second, so it need not survive the machine's end."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._folder / f"{_STATUS}.new"
        fresh.write_bytes(msgspec.json.encode(status))
        fresh.replace(self._folder / _STATUS)

    def status(self) -> NodeStatus | None:
        """The node's newest status; None if it never wrote one that this Helios can read."""
        content = self._read(_STATUS)
        return None if content is None else _decode(content, NodeStatus)

    def recent(self, count: int) -> list[tuple[Command, Answer | None]]:
        """The newest commands and what became of them, the newest first."""
        found = sorted(self._commands(), key=lambda command: (command.ts_ns, command.command_id), reverse=True)
        return [(command, self.answer(command.command_id)) for command in found[:count]]

    def sweep(self) -> None:
        """Remove answered commands of long ago."""
        names = self._names()
        for name in names:
            if name.endswith(_ANSWER) and self._age_secs(name) > _KEPT_SECS:
                # The command first: without its answer it would be obeyed again.
                (self._folder / name.replace(_ANSWER, ".json")).unlink(missing_ok=True)
                (self._folder / name).unlink(missing_ok=True)

    def _names(self) -> set[str]:
        try:
            return {path.name for path in self._folder.iterdir()}
        except _NOT_HERE:
            return set()

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except _NOT_HERE:
            return None

    def _age_secs(self, name: str) -> float:
        try:
            return time.time() - (self._folder / name).stat().st_mtime
        except _NOT_HERE:
            return 0.0

    def _commands(self) -> Iterator[Command]:
        for name in filter(_is_command, self._names()):
            command = _decode(self._read(name) or b"", Command)
            if command is not None:
                yield command


def _is_command(name: str) -> bool:
    return name.endswith(".json") and name != _STATUS and is_command_id(name.removesuffix(".json"))


def _answer_of(name: str) -> str:
    return name.removesuffix(".json") + _ANSWER


def _decode[T](content: bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(content, type=kind)
    except (ValueError, msgspec.MsgspecError):  # bytes that are no UTF-8 are a ValueError
        return None
