"""What goes wrong on purpose: a TOML script of faults, and the plan that says when each of them strikes.

A fault waits for occasions of its kind (a request, a frame, a login, a modify, or the passing of time) whose subject
fits its pattern ``on``, and strikes when all the conditions it gives hold. Each fault draws from its own generator, so
that a seed gives the same run whatever the other faults do::

    seed = 7

    [[fault]]                       # the order is placed, its reply is a 502, one time in ten
    kind = "error_after"
    on = "POST /v2/orders/*"
    probability = 0.1
    times = 0
    status = 502

    [[fault]]                       # half a minute in, the account socket falls silent for 20 s
    kind = "stall_sockets"
    on = "account"
    after_secs = 30
    secs = 20
"""

import random
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import ConfigError


class Occasion(StrEnum):
    """When a fault can strike, and what its ``on`` is matched with."""

    REQUEST = "request"
    """``POST /v2/orders/limit``."""
    FRAME = "frame"
    """``trade OB_L1_DIFF BTCZAR`` or ``account NEW_ACCOUNT_TRADE BTCZAR``."""
    LOGIN = "login"
    """``account`` or ``trade``."""
    MODIFY = "modify"
    """The pair."""
    TIME = "time"
    """Nothing."""


KINDS: Final = {
    "rate_limit": Occasion.REQUEST,
    "error_before": Occasion.REQUEST,
    "error_after": Occasion.REQUEST,
    # No answer at all: the connection is cut after ``secs``.
    "timeout_before": Occasion.REQUEST,
    "timeout_after": Occasion.REQUEST,
    "truncate_reply": Occasion.REQUEST,
    "slow_reply": Occasion.REQUEST,
    "drop_frame": Occasion.FRAME,
    "duplicate_frame": Occasion.FRAME,
    "delay_frame": Occasion.FRAME,
    "reorder_frame": Occasion.FRAME,
    "bad_checksum": Occasion.FRAME,
    "truncate_frame": Occasion.FRAME,
    "drop_socket": Occasion.FRAME,
    "stall_socket": Occasion.FRAME,
    "refuse_login": Occasion.LOGIN,
    "fill_on_modify": Occasion.MODIFY,
    "maintenance": Occasion.TIME,
    "clock_skew": Occasion.TIME,
    "drop_sockets": Occasion.TIME,
    "stall_sockets": Occasion.TIME,
}


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[[fault]]`` of a script. At least one trigger; all that are given must hold."""

    kind: str
    """One of `KINDS`."""
    on: str = "*"
    """Pattern of the subject, with ``*`` and ``?``; for ``drop_sockets`` and ``stall_sockets`` of the socket."""
    nth: int | None = None
    """Strikes at the n-th fitting occasion and every n-th after it, as long as ``times`` lasts."""
    after_secs: float | None = None
    """Not before so much venue time has passed since the opening."""
    probability: float | None = None
    times: int = 1
    """How often it may strike; 0 is without end."""
    secs: float = 1.0
    """How long it lasts: delay, stall, time-out, maintenance. Of a skew its size, which stays and may be negative."""
    status: int = 503
    """HTTP status of an error, or of a refused login (0: the socket opens and is closed with 1007)."""
    retry_after_secs: int | None = None
    """What a rate limit names in its ``Retry-After``; VALR is not known to send one."""
    code: int = 1006
    """Close code of a dropped socket; 1006 is a cut without a close frame."""
    fraction: float = 0.5
    """Share of the remaining quantity that is filled during a modify."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind '{self.kind}'; there are {', '.join(KINDS)}")
        if self.nth is None and self.after_secs is None and self.probability is None:
            raise ValueError(f"{self.kind} has no trigger: give nth, after_secs or probability")
        if self.occasion is Occasion.TIME and self.after_secs is None:
            raise ValueError(f"{self.kind} happens by time: give after_secs")
        if (self.nth is not None and self.nth < 1) or not 0.0 <= (self.probability or 0.0) <= 1.0 or self.times < 0:
            raise ValueError(f"{self.kind}: nth must be at least 1, probability 0 to 1, times 0 or more")

    @property
    def occasion(self) -> Occasion:
        """What it waits for."""
        return KINDS[self.kind]


class FaultScript(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A script: seed and faults."""

    seed: int = 0
    fault: tuple[Fault, ...] = ()


class Strike(Struct, frozen=True, kw_only=True):
    """A fault that struck."""

    at_ns: int
    kind: str
    subject: str


class _Armed:
    """One fault's count of occasions and strikes."""

    def __init__(self, fault: Fault, seed: int, index: int) -> None:
        self.fault = fault
        self._random = random.Random(f"fault {seed} {index}")
        self._seen = 0
        self._struck = 0

    def strikes(self, subject: str, elapsed_ns: int) -> bool:
        fault = self.fault
        if (fault.times and self._struck >= fault.times) or not fnmatchcase(subject, fault.on):
            return False
        if fault.after_secs is not None and elapsed_ns < fault.after_secs * NS_PER_SEC:
            return False
        self._seen += 1
        if fault.nth is not None and self._seen % fault.nth:
            return False
        if fault.probability is not None and self._random.random() >= fault.probability:
            return False
        self._struck += 1
        return True


class FaultPlan:
    """A script under way; `strikes` tells what it and those before it did."""

    def __init__(self, script: FaultScript, opened_ns: int) -> None:
        self.strikes: list[Strike] = []
        self.play(script, opened_ns)

    def play(self, script: FaultScript, opened_ns: int) -> None:
        """Begin a script at a time, in place of the one under way; an empty one ends the faults."""
        self.script = script
        self._opened_ns = opened_ns
        self._armed: dict[Occasion, list[_Armed]] = {occasion: [] for occasion in Occasion}
        for index, fault in enumerate(script.fault):
            self._armed[fault.occasion].append(_Armed(fault, script.seed, index))

    def at(self, occasion: Occasion, subject: str, now_ns: int) -> list[Fault]:
        """The faults that strike at an occasion, in the script's order."""
        struck = [armed.fault for armed in self._armed[occasion] if armed.strikes(subject, now_ns - self._opened_ns)]
        self.strikes += [Strike(at_ns=now_ns, kind=fault.kind, subject=subject) for fault in struck]
        return struck

    def timed(self) -> list[tuple[int, Fault]]:
        """When faults that happen by time are due, for a scheduler."""
        return [
            (self._opened_ns + round((armed.fault.after_secs or 0.0) * NS_PER_SEC), armed.fault)
            for armed in self._armed[Occasion.TIME]
        ]

    def note(self, fault: Fault, now_ns: int) -> None:
        """Remember that a timed fault struck."""
        self.strikes.append(Strike(at_ns=now_ns, kind=fault.kind, subject=fault.on))


def load_faults(path: Path) -> FaultScript:
    """A script from a TOML file; a wrong one raises `ConfigError`."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=FaultScript)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such fault script") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
