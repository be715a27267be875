"""The life of one bet, from the entry order to the last fill: what must happen next, and why it ended.

Knows nothing of orders and engines. A strategy tells it what happened and asks what to do; the exit plan
(`plan.py`) has already said where the stop and the target lie and how long the bet may last.
"""

from enum import StrEnum

from msgspec import Struct

from helios_nautilus.domain.plan import Bracket, CloseReason, Side


class Phase(StrEnum):
    """Where a bet stands."""

    ENTERING = "ENTERING"
    """The entry order works; nothing is held."""
    OPEN = "OPEN"
    """Held under its stop and target."""
    EXITING = "EXITING"
    """It is being wound up: an exit is on its way, or orders that are no longer wanted still work."""
    DONE = "DONE"
    """Nothing is held and nothing works."""


class Lifecycle:
    """One bet: its phase, its prices and its deadline.

    Parameters
    ----------
    side
        Direction of the bet.
    reference
        Price the stop and the target are measured from.
    bracket
        Distances and planned hold.
    max_hold_ns
        The hold is never longer than this, whatever the bracket says.

    """

    def __init__(self, side: Side, reference: float, bracket: Bracket, max_hold_ns: int) -> None:
        self.side = side
        self.reference = reference
        self.hold_ns = min(bracket.hold_ns, max_hold_ns)
        self.stop_price = bracket.stop_price(reference, side)
        self.target_price = bracket.target_price(reference, side)
        self.phase = Phase.ENTERING
        self.opened_ns: int | None = None
        self.exit_reason: CloseReason | None = None

    @property
    def deadline_ns(self) -> int | None:
        """When the bet times out; None until something is held."""
        return None if self.opened_ns is None else self.opened_ns + self.hold_ns

    def entry_filled(self, ts_ns: int) -> bool:
        """Note a fill of the entry; True for the first one, from which the hold is counted."""
        if self.opened_ns is not None:
            return False
        self.opened_ns = ts_ns
        if self.phase is Phase.ENTERING:
            self.phase = Phase.OPEN
        return True

    def request_exit(self, reason: CloseReason) -> bool:
        """Ask for the end of the bet. True if this is the first request; the first reason stays."""
        if self.phase in (Phase.EXITING, Phase.DONE):
            return False
        self.exit_reason = reason
        self.phase = Phase.EXITING
        return True

    def tighten(self, stop_price: float) -> bool:
        """Move the stop towards profit; False where that would loosen it or nothing is open."""
        if self.phase is not Phase.OPEN or (stop_price - self.stop_price) * self.side.sign <= 0:
            return False
        self.stop_price = stop_price
        return True

    def trail(self, extreme: float, atr: float, multiple: float) -> bool:
        """Trail the stop ``multiple`` ATRs behind the best price seen since the entry."""
        return self.tighten(extreme - self.side.sign * multiple * atr)

    def give_up(self) -> None:
        """The entry ended without a fill: nothing is left but to clear up."""
        self.phase = Phase.EXITING

    def close(self, by: CloseReason | None = None) -> CloseReason:
        """What was held is closed. ``by`` names the bracket order that filled; without it the requested reason counts.

        The bet is not done yet: orders that still work may fill before their cancellation reaches the venue.
        """
        reason = by or self.exit_reason or CloseReason.MANUAL
        self.exit_reason = self.exit_reason or reason
        self.phase = Phase.EXITING
        return reason

    def finish(self) -> None:
        """Nothing is held and nothing works any more."""
        self.phase = Phase.DONE


class Guard(Struct, frozen=True, kw_only=True):
    """What watches over a bet, for those who show it. Prices are the instrument's, ``deadline_ns`` is UTC."""

    decision_id: str
    stop_price: float
    target_price: float
    deadline_ns: int | None
    is_working: bool
    """The stop works: emulated here, or at the venue."""
