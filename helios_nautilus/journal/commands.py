"""What an operator orders a node to do, and what the node says it made of that.

A command reaches the node as a row of the journal or as a file beside it, whichever comes first; its id makes it one.
What tightens never expires: a node that was down obeys it at its start. What loosens expires.
"""

from typing import Final, Literal

from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.journal.records import Mode

type Verb = Literal["halt", "reduce_only", "resume", "entries_off", "entries_on", "tier_off", "tier_on"]
"""``halt`` cancels, flattens and latches; ``reduce_only`` latches; ``resume`` clears the latch. The others are switches
of the operator, not of the kill switch: entries as a whole, and each tier."""
type Outcome = Literal["done", "refused", "expired"]
type Tier = Literal["prediction", "aether", "gate", "guardian"]

TIGHTENING: Final = frozenset({"halt", "reduce_only", "entries_off", "tier_off"})
EXPIRES_AFTER_NS: Final = NS_PER_MIN
"""A loosening command that is older when the node hears of it is not obeyed."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order of an operator; ``ts_ns`` is when it was given, nanoseconds UTC."""

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

    @property
    def tightens(self) -> bool:
        """It can only take risk away."""
        return self.verb in TIGHTENING


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a node made of a command, at ``ts_ns``."""

    command_id: str
    ts_ns: int
    run_id: str
    outcome: Outcome
    words: str
    """What was done, or why it was not; for ``halt`` what is being closed."""
