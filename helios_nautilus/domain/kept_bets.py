"""What of a bet must survive a kill: enough to go on with it after the next start."""

from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from helios_nautilus.domain.lifecycle import Lifecycle, Phase
from helios_nautilus.domain.plan import Bracket, CloseReason, Side

type Role = Literal["ENTRY", "STOP", "TARGET", "EXIT", "TRIM"]
"""What an order of a bet is for; a trim sells a part of a bet that goes on."""


class KeptBet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bet as it stood at its last change. Prices are the instrument's, stamps nanoseconds UTC."""

    decision_id: str
    instrument_id: str
    decided_ns: int
    side: Side
    reference: float
    stop_price: float
    target_price: float
    hold_ns: int
    phase: Phase
    opened_ns: int | None
    """When the entry first filled; the hold is counted from there."""
    exit_reason: CloseReason | None
    is_closed: bool
    """The end of its position is in the journal: only orders are left to be cleared away."""
    extreme: float | None
    """Best close since the entry, for a trailing stop."""
    costs: Decimal
    """Commissions of the fills below, in the account currency."""
    trades: tuple[str, ...]
    """Ids of the fills that were told, and need not be told again."""
    roles: dict[str, Role]
    """What each of its orders was for, by client order id."""
    in_doubt: tuple[dict[str, Any], ...]
    """Entry and exits as they were made, to ask the venue about those it has said nothing of."""


def take_up(kept: KeptBet) -> Lifecycle:
    """The life of a kept bet, where it was left."""
    nowhere = Bracket(stop=0.0, target=0.0, hold_ns=kept.hold_ns)
    life = Lifecycle(kept.side, kept.reference, nowhere, kept.hold_ns)
    life.stop_price, life.target_price = kept.stop_price, kept.target_price
    life.phase, life.opened_ns, life.exit_reason = kept.phase, kept.opened_ns, kept.exit_reason
    return life
