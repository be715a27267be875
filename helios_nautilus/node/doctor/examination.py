"""Makes a check: within its deadline, unable to break the next one, and unable to tell a secret."""

from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from helios_nautilus.errors import HeliosError

type Level = Literal["ok", "warn", "fail"]

LEVELS: Final[tuple[Level, ...]] = ("ok", "warn", "fail")
"""From good to bad."""
_HIDDEN: Final = "[hidden]"
_SECRET_ENDINGS: Final = ("KEY", "SECRET", "TOKEN", "PASSWORD", "DATABASE_URL", "ALERT_URL")
_SHORTEST_SECRET: Final = 6
"""Shorter values, such as a 1, are no secrets, and hiding them would spoil other words."""


class Finding(Struct, frozen=True):
    """What a check says."""

    level: Level
    words: str
    cure: str = ""
    """What to do about it; empty where nothing is, or the words say it."""


class Line(Struct, frozen=True, kw_only=True):
    """What is shown of a check: `Finding` with its name and without secrets."""

    name: str
    level: Level
    words: str
    cure: str


class Check(Struct, frozen=True, kw_only=True):
    """Something to look at."""

    name: str
    look: Callable[[], Finding]
    """What it raises is a failure in the error's words."""
    cure: str = ""
    """Of what ``look`` raises, and of its hanging."""
    deadline_secs: float = 10.0
    worst: Level = "fail"
    """No finding counts for more: what is not needed may fail."""


def ok(words: str) -> Finding:
    """All is well."""
    return Finding("ok", words)


def warn(words: str, cure: str = "") -> Finding:
    """It works, but somebody should know."""
    return Finding("warn", words, cure)


def fail(words: str, cure: str = "") -> Finding:
    """It does not work."""
    return Finding("fail", words, cure)


def examine(check: Check, secrets: tuple[str, ...] = ()) -> Line:
    """Make a check on a thread of its own, and wait no longer for it than its deadline.

    Whatever it raises becomes a line. One that hangs is left behind: its thread ends with the process.
    """
    found: SimpleQueue[Finding] = SimpleQueue()
    Thread(target=lambda: found.put(_look(check)), name=f"doctor {check.name}", daemon=True).start()
    try:
        finding = found.get(timeout=check.deadline_secs)
    except Empty:
        finding = fail(
            f"no answer within {check.deadline_secs:g} s", check.cure or "try again; the machine may be busy"
        )
    words, cure = (_conceal(text, secrets) for text in (finding.words, finding.cure))
    level = min(finding.level, check.worst, key=LEVELS.index)
    return Line(name=check.name, level=level, words=words, cure=cure)


def find_secrets(environ: Mapping[str, str], names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The values that no line may show: of the variables named, and of those whose name says that they are secret."""
    values = {
        value.strip()
        for name, value in environ.items()
        if (name in names or name.upper().endswith(_SECRET_ENDINGS)) and len(value.strip()) >= _SHORTEST_SECRET
    }
    # The longest first: one may be a part of another.
    return tuple(sorted(values | {part for value in values for part in _passwords(value)}, key=len, reverse=True))


def _look(check: Check) -> Finding:
    try:
        return check.look()
    except (HeliosError, OSError) as error:
        return fail(str(error), check.cure)
    except Exception as error:  # noqa: BLE001 a broken installation breaks anything, and the other checks tell why
        return fail(f"this check broke: {type(error).__name__}: {error}", check.cure)


def _passwords(value: str) -> tuple[str, ...]:
    """The password of an address, as it stands there and as it is meant."""
    try:
        password = urlsplit(value).password or ""
    except ValueError:
        return ()
    return (password, unquote(password)) if len(password) >= _SHORTEST_SECRET else ()


def _conceal(text: str, secrets: tuple[str, ...]) -> str:
    """The text on one line, without secrets."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return " ".join(text.split())
