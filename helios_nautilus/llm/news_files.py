"""Headlines from files: what a backtest may know of the news, as of each moment.

Two formats. ``.jsonl``: one object a line with ``time``, ``title`` and, if known, ``source``. ``.txt``: one headline a
line behind its time, ``2026-01-31T12:00Z  Title``; blank lines and lines that begin with ``#`` are passed over. The
time is when the headline was published; without an offset it is UTC. A day alone is no time: a run would know at
midnight what was written at noon.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.domain.decision.news import News
from helios_nautilus.domain.timeframe import NS_PER_HOUR
from helios_nautilus.errors import DataError
from helios_nautilus.llm.news import NewsSettings, Story, select_news
from helios_nautilus.llm.sentiment import require_sentiment

_SUFFIXES: Final = (".jsonl", ".txt")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Line(Struct, frozen=True, kw_only=True):
    """A line of a ``.jsonl`` file; what else stands in it is of no interest."""

    time: str
    title: str
    source: str = ""


class NewsArchive:
    """A `NewsDesk` over stories that are all known from the start; it tells at a moment only what was out by then."""

    def __init__(self, stories: Sequence[Story], settings: NewsSettings) -> None:
        require_sentiment()
        self._stories = sorted(stories, key=lambda story: story.ts_ns)
        self._stamps = [story.ts_ns for story in self._stories]
        self._settings = settings

    def news(self, base: str, now_ns: int) -> News | None:
        """See `NewsDesk`."""
        oldest_ns = now_ns - int(self._settings.max_age_hours * NS_PER_HOUR)
        first, end = bisect_right(self._stamps, oldest_ns), bisect_right(self._stamps, now_ns)
        return select_news(self._stories[first:end], base, now_ns, self._settings)


class FileSource:
    """A `NewsSource` that reads its files anew each time."""

    name: Final = "files"

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    async def stories(self) -> list[Story]:
        """See `NewsSource`; `DataError` if a file cannot be read."""
        return await asyncio.to_thread(load_stories, self._paths)


def load_stories(paths: Sequence[Path]) -> list[Story]:
    """All stories of files and folders. `DataError` names the file and line that cannot be read."""
    return [story for path in paths for file in _files(path) for story in _read(file)]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES)


def _read(file: Path) -> Iterator[Story]:
    if file.suffix not in _SUFFIXES:
        raise DataError(f"{file}: headlines are read from {' and '.join(_SUFFIXES)} files")
    try:
        # Not splitlines(): a title may hold one of the rarer line breaks.
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: headlines cannot be read ({error})") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            yield _parse(line, file)
        except (ValueError, msgspec.MsgspecError) as error:
            raise DataError(f"{file}: line {number} is no headline with its time ({error})") from error


def _parse(line: str, file: Path) -> Story:
    if file.suffix == ".jsonl":
        fields = msgspec.json.decode(line, type=_Line)
    else:
        time, _, title = line.strip().partition(" ")
        fields = _Line(time=time, title=title.strip())
    if not fields.title:
        raise ValueError("the title is empty")
    return Story(ts_ns=_parse_time(fields.time), title=fields.title, source=fields.source or file.stem)


def _parse_time(text: str) -> int:
    if _is_day(text):
        raise ValueError(f"{text} has no time of day")
    moment = datetime.fromisoformat(text)
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (utc - _EPOCH) // timedelta(microseconds=1) * 1_000


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
