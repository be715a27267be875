"""What an operator orders a node to do, and what the node says it made of that.

A command reaches the node as a row of the journal or as a file beside it, whichever comes first; its id makes it one.
What tightens never expires: a node that was down obeys it at its start. What loosens expires.
"""

import re
from typing import Final, Literal

from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import ConfigError
from helios_nautilus.journal.records import Mode

type Verb = Literal["halt", "reduce_only", "resume", "entries_off", "entries_on", "tier_off", "tier_on"]
"""``halt`` cancels, flattens and latches; ``reduce_only`` latches; ``resume`` clears the latch. The others are switches
of the operator, not of the kill switch: entries as a whole, and each tier."""
type Outcome = Literal["done", "refused", "expired"]
type Tier = Literal["prediction", "aether", "gate", "guardian"]

TIGHTENING: Final = frozenset({"halt", "reduce_only", "entries_off", "tier_off"})
EXPIRES_AFTER_NS: Final = NS_PER_MIN
"""A loosening command that is older when the node hears of it is not obeyed."""
_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
"""What may name a file."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order of an operator; ``ts_ns`` is when it was given, nanoseconds UTC. `ConfigError` if it cannot be one."""

    command_id: str
    """A UUID made by whoever gives it."""
    ts_ns: int
    mode: Mode
    verb: Verb
    tier: Tier | None = None
    """Of ``tier_on`` and ``tier_off``."""
    who: str
    why: str
    origin: Literal["cli", "api", "dashboard", "signal"]
    rebase: bool = False
    """Of ``resume``: peak and day's start are set to the equity of now, so that a figure past its limit is forgiven."""

    def __post_init__(self) -> None:
        if not is_command_id(self.command_id):
            raise ConfigError("a command's id has up to 64 letters, digits and hyphens, like a UUID")
        if not self.who.strip():
            raise ConfigError("a command says who gives it")
        if (self.tier is not None) != (self.verb in ("tier_off", "tier_on")):
            raise ConfigError("tier_off and tier_on name a tier, and no other command does")

    @property
    def tightens(self) -> bool:
        """It can only take risk away."""
        return self.verb in TIGHTENING

    def has_expired(self, now_ns: int) -> bool:
        """It loosens, and is too old to be what its giver still wants."""
        return not self.tightens and now_ns - self.ts_ns > EXPIRES_AFTER_NS


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a node made of a command, at ``ts_ns``."""

    command_id: str
    ts_ns: int
    run_id: str
    outcome: Outcome
    words: str
    """What was done, or why it was not; for ``halt`` what is being closed."""


def is_command_id(text: str) -> bool:
    """It can name a command, and the files it travels in."""
    return _ID.fullmatch(text) is not None
