"""Figures and verdicts in words: for the journal, and for whoever asks why."""

from typing import TypedDict

from helios_nautilus.domain.decision.policy import GateVerdict, Terms
from helios_nautilus.domain.decision.schema import Decision


class GateFields(TypedDict):
    """The part of a `GateRecord` that the gate itself knows; the caller adds stamp, decision and instrument."""

    provider: str
    decision: Decision
    reasoning: str
    multiplier: float
    risk_flags: tuple[str, ...]
    notional: float
    leverage: float
    stop: float
    target: float
    latency_ms: float
    clamped: tuple[str, ...]


def record_fields(verdict: GateVerdict, proposed: Terms, provider: str, latency_ms: float) -> GateFields:
    """The verdict as fields of a journal record, its reasoning ending with what became of the proposal."""
    return GateFields(
        provider=provider,
        decision=verdict.decision,
        reasoning=f"{verdict.reasoning} {outcome(verdict, proposed)}",
        multiplier=verdict.multiplier,
        risk_flags=verdict.risk_flags,
        notional=verdict.terms.notional,
        leverage=verdict.terms.leverage,
        stop=verdict.terms.stop,
        target=verdict.terms.target,
        latency_ms=latency_ms,
        clamped=verdict.clamped,
    )


def outcome(verdict: GateVerdict, proposed: Terms) -> str:
    """What became of a proposal, e.g. ``[MODIFY: notional 5 800 -> 2 900; not given: leverage 5, given 1.4]``."""
    after = verdict.terms
    figures = (
        ("notional", proposed.notional, after.notional, amount),
        ("leverage", proposed.leverage, after.leverage, "{:.2g}".format),
        ("stop", proposed.stop, after.stop, percent),
        ("target", proposed.target, after.target, percent),
    )
    changes = [f"{name} {say(before)} -> {say(now)}" for name, before, now, say in figures if before != now]
    notes = [", ".join(changes) or "terms as proposed"]
    if verdict.clamped:
        notes.append("not given: " + ", ".join(verdict.clamped))
    return f"[{verdict.decision}: {'; '.join(notes)}]"


def percent(fraction: float | None, *, signed: bool = False) -> str:
    """A fraction as a percentage, or ``unknown``."""
    if fraction is None:
        return "unknown"
    return f"{100.0 * fraction:{'+' if signed else ''}.2f} %"


def amount(money: float) -> str:
    """Money with thousands apart, below 100 to six digits; the currency is the account's."""
    return f"{money:,.0f}".replace(",", " ") if money >= 100.0 else f"{money:.6g}"
