"""What becomes of a bet after a kill: what the store says of it, held against what the venue says is held.

A position is never left without a stop, and no order is sent while an earlier one may still fill.
"""

from enum import StrEnum

from msgspec import Struct

from helios_nautilus.domain.lifecycle import Lifecycle, Phase
from helios_nautilus.domain.plan import CloseReason, Side


class Step(StrEnum):
    """What is to be done now."""

    WAIT = "WAIT"
    """Nothing is held, but an order of the bet may yet fill: nothing new before the venue has said."""
    GUARD = "GUARD"
    """Stop and target anew for what is held."""
    LEAVE = "LEAVE"
    """Out at once."""
    ADOPT = "ADOPT"
    """What is held is not this bet's: it gets one of its own."""
    FORGET = "FORGET"
    """Nothing is left of the bet."""


class Decision(Struct, frozen=True, kw_only=True):
    """A step; ``reason`` is why to leave, and says nothing of the other steps."""

    step: Step
    reason: CloseReason | None = None
    is_stop_crossed: bool = False
    """A stop would lie in the market: the exit alone is sent."""


def decide(life: Lifecycle, held: Side | None, *, may_fill: bool, price: float | None, now_ns: int) -> Decision:
    """What to do about a bet without a guard.

    Parameters
    ----------
    life
        Where the bet was left; a fill of its entry is noted in it.
    held
        On which side something is held that the venue trades; dust is nothing.
    may_fill
        An entry of the bet works, or nobody knows what became of it.
    price
        What the position could be closed at now; None if unknown.
    now_ns
        The time.

    """
    if held is None:
        return Decision(step=Step.WAIT if may_fill else Step.FORGET)
    if life.side is not held:
        return Decision(step=Step.ADOPT)
    is_crossed = price is not None and (price - life.stop_price) * held.sign <= 0
    reason = _why_leave(life, now_ns) or (CloseReason.STOP_LOSS if is_crossed else None)
    if reason is None:
        return Decision(step=Step.GUARD)
    return Decision(step=Step.LEAVE, reason=reason, is_stop_crossed=is_crossed)


def _why_leave(life: Lifecycle, now_ns: int) -> CloseReason | None:
    """An exit that had been asked for goes on; a deadline that passed meanwhile is kept now."""
    if life.phase in (Phase.EXITING, Phase.DONE):
        return life.exit_reason or CloseReason.MANUAL
    is_over = life.deadline_ns is not None and life.deadline_ns <= now_ns
    return CloseReason.TIMEOUT if is_over else None
