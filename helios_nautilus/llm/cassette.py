"""Recorded answers: one JSON line each, found by the hash of the request they answer.

Lines are only added. Of two answers to one question the first counts, so that a cassette which grows never changes a
backtest. A write that was cut off by a crash leaves half a line at the end: reading passes over it, the next answer
takes its place. Half a line anywhere else is damage, and is reported.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from helios_nautilus.errors import GateError
from helios_nautilus.llm.reply import Ending, Usage
from helios_nautilus.llm.request import hash_request


class RecordedAnswer(Struct, frozen=True, kw_only=True):
    """One answer as it was given, and the exact question."""

    hash: str
    provider: str
    model: str
    ending: Ending
    text: str
    words: str = ""
    usage: Usage | None = None
    cost_usd: float = 0.0
    request: str
    """Its canonical JSON, whose SHA-256 is ``hash``."""


_decoder = msgspec.json.Decoder(RecordedAnswer)


class Cassette:
    """The answers of one file, which need not exist yet. One process at a time may add to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers, self._end, self._size = _load(path)

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self._path

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, request_hash: str) -> RecordedAnswer | None:
        """The answer to a request, or None if it is missing."""
        return self._answers.get(request_hash)

    def add(self, answer: RecordedAnswer) -> None:
        """Keep an answer, on the disk before this returns; one to a question already answered is dropped.

        Raises `GateError` if it cannot be written, or somebody else wrote to the file meanwhile.
        """
        if answer.hash in self._answers:
            return
        line = msgspec.json.encode(answer) + b"\n"
        try:
            self._append(line)
        except OSError as error:
            raise GateError(f"{self._path}: the answer cannot be kept ({error.strerror})") from error
        self._end += len(line)
        self._size = self._end
        self._answers[answer.hash] = answer

    def _append(self, line: bytes) -> None:
        """Put a line in the place of half a one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            if file.seek(0, os.SEEK_END) != self._size:
                raise GateError(f"{self._path}: another process adds to it; record one run at a time")
            file.seek(self._end)
            file.truncate()
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _load(path: Path) -> tuple[dict[str, RecordedAnswer], int, int]:
    """The answers of a file by hash, where its last whole line ends, and its size."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}, 0, 0
    except OSError as error:
        raise GateError(f"{path}: the recorded answers cannot be read ({error.strerror})") from error
    end = content.rfind(b"\n") + 1
    answers: dict[str, RecordedAnswer] = {}
    for number, line in enumerate(content[:end].splitlines(), start=1):
        answer = _read(path, number, line)
        answers.setdefault(answer.hash, answer)
    return answers, end, len(content)


def _read(path: Path, number: int, line: bytes) -> RecordedAnswer:
    try:
        answer = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise GateError(f"{path}: line {number} is no recorded answer ({error}); delete the line") from error
    if hash_request(answer.request.encode()) != answer.hash:
        raise GateError(f"{path}: line {number} answers another question than its hash says; delete the line")
    return answer
