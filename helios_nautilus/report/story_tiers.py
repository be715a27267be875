"""The chapters of a story before there is an order: model, strategy, Aether, gate and Guardian."""

from collections.abc import Iterator
from typing import Final

from helios_nautilus.journal.records import (
    CheckResult,
    ContextRecord,
    GateCallRecord,
    GateRecord,
    GuardianRecord,
    PredictionRecord,
    SignalRecord,
    SizingRecord,
)
from helios_nautilus.report import numerals
from helios_nautilus.report.story_context import tell_context
from helios_nautilus.report.story_parts import Chapter, Fact, Sheet, Teller
from helios_nautilus.report.wording import phrase, phrases

_LEANS: Final = ("leans to BUY", "leans to SELL", "prefers to wait (HOLD)")
_GATE_SAID: Final = {"APPROVE": "approved as sized", "MODIFY": "approved with changes", "REJECT": "rejected"}
_ANSWERED: Final = {
    "live": "{provider}, asked over the network",
    "recorded": "{provider}, an answer recorded earlier",
    "ruled": "the built-in rules, no language model",
    "off": "nobody: the gate is off",
    "failed": "nobody: no provider answered ({provider})",
}
_ENDED: Final = {"answered": "answered", "refused": "declined to judge it", "cut": "was cut short"}
_SHARES: Final = frozenset({"drawdown", "daily_loss", "position", "sector", "price"})
"""Checks whose figures are fractions."""


def tell_model(teller: Teller) -> Chapter | None:
    """What the model saw and said."""
    said = teller.last(PredictionRecord)
    if said is None:
        return None
    chances = said.p_buy, said.p_sell, said.p_hold
    summary = _LEANS[chances.index(max(chances))]
    names = teller.timeframes
    looked = zip(names.names, said.attention, strict=True)
    facts = [
        Fact(label="Bar", words=f"the {names.decision} bar that closed at {numerals.moment(said.ts_ns)} UTC"),
        Fact(label="Price", words=numerals.price(said.price)),
        Fact(
            label="Chances",
            words=f"a long pays off (BUY) {numerals.percent(said.p_buy, places=1)}, a short does (SELL) "
            f"{numerals.percent(said.p_sell, places=1)}, neither does (HOLD) {numerals.percent(said.p_hold, places=1)}",
        ),
        Fact(label="Looked at", words=", ".join(f"{name} bars {_whole(share)}" for name, share in looked)),
        Fact(label="Model", words=said.model_id),
    ]
    if said.veto:
        facts.append(Fact(label="Vetoed", words=phrase(said.veto)))
        return teller.chapter(
            title="Model", ts_ns=said.ts_ns, summary=f"{summary}, but vetoed", tone="loss", facts=tuple(facts)
        )
    return teller.chapter(title="Model", ts_ns=said.ts_ns, summary=summary, facts=tuple(facts))


def tell_strategy(teller: Teller) -> Chapter | None:
    """What the strategy made of it."""
    signal = teller.last(SignalRecord)
    if signal is None:
        return None
    if signal.action == "proposed":
        facts = (Fact(label="Proposed", words=f"a {_side(signal.side)} in {signal.instrument_id}"),)
        return teller.chapter(title="Strategy", ts_ns=signal.ts_ns, summary="proposed an entry", facts=facts)
    why = (Fact(label="Why", words=phrase("exit" if signal.action == "exit" else signal.reason)),)
    if signal.action == "exit":
        return teller.chapter(title="Strategy", ts_ns=signal.ts_ns, summary="closed what was open", facts=why)
    return teller.chapter(title="Strategy", ts_ns=signal.ts_ns, summary="proposed nothing", tone="loss", facts=why)


def tell_aether(teller: Teller) -> Chapter | None:
    """The size, and every figure on the way to it."""
    sizing = teller.last(SizingRecord)
    if sizing is None:
        return None
    if sizing.approved:
        share = numerals.percent(sizing.fraction)
        summary = f"sized it at {teller.money(sizing.notional)}, {share} of equity"
    else:
        summary = f"declined: {phrase(sizing.reason)}"
    facts = [Fact(label="In its words", words=sizing.words), *_sizing_facts(sizing, teller)]
    return teller.chapter(
        title="Aether (risk)",
        ts_ns=sizing.ts_ns,
        summary=summary,
        tone="" if sizing.approved else "loss",
        facts=tuple(facts),
    )


def _sizing_facts(sizing: SizingRecord, teller: Teller) -> Iterator[Fact]:
    percent = numerals.percent
    yield Fact(
        label="Account", words=f"equity {teller.money(sizing.equity)}, {percent(sizing.drawdown)} below its peak"
    )
    yield Fact(
        label="Confidence",
        words=f"{percent(sizing.confidence, places=1)} that a move, if one comes, is the {_side(sizing.side)}'s",
    )
    yield Fact(
        label="Odds",
        words=f"wins {percent(sizing.p_win, places=1)} of such bets (p); a win brings {numerals.ratio(sizing.payoff)} "
        "times what a loss costs (b)",
    )
    if not sizing.vol_daily:
        return
    yield Fact(
        label="Volatility",
        words=f"{percent(sizing.vol_daily)} a day by {sizing.vol_source.upper()}, regime {sizing.regime}",
    )
    yield Fact(label="Kelly", words=_kelly(sizing))
    if sizing.cap and sizing.approved:
        yield Fact(label="Cap", words=_cap(sizing))
    if sizing.approved:
        hold = f", held for {numerals.duration(sizing.hold_ns)} at most" if sizing.hold_ns else ""
        yield Fact(
            label="Exits",
            words=f"stop {percent(sizing.stop)} away, which would cost {teller.money(sizing.notional * sizing.stop)}; "
            f"target {percent(sizing.target)} away, for {teller.money(sizing.notional * sizing.target)}{hold}",
        )
        yield Fact(label="Leverage", words="none" if sizing.leverage == 1.0 else f"{sizing.leverage:g} times")


def _kelly(sizing: SizingRecord) -> str:
    """The way from Kelly's fraction to the size, as fractions of equity."""
    full = f"the full fraction is {numerals.percent(sizing.kelly_full)} of equity"
    if sizing.edge and sizing.edge != sizing.kelly_full:
        full += f", {numerals.percent(sizing.edge)} after costs"
    if sizing.edge < 0.0:
        full += ": a bet to stay out of"
    if sizing.kelly_scaled <= 0.0:
        return full
    scaled, calmed, shrunk = sizing.kelly_scaled, sizing.kelly_after_vol, sizing.kelly_after_drawdown
    drawdown = f", for drawdown to {numerals.percent(shrunk)}" if shrunk != calmed else ""
    return f"{full}; cut to {numerals.percent(scaled)}, for volatility to {numerals.percent(calmed)}{drawdown}"


def _cap(sizing: SizingRecord) -> str:
    cap = numerals.percent(sizing.cap)
    if sizing.capped_by == "none":
        return f"{cap} of equity, not reached"
    return f"{cap} of equity by the {sizing.capped_by}: the size was cut to it"


def tell_gate(teller: Teller) -> Chapter | None:
    """What the gate was told, who answered, and what became of the terms."""
    verdict, told, calls = teller.last(GateRecord), teller.last(ContextRecord), teller.all(GateCallRecord)
    first = next((record for record in (told, *calls, verdict) if record is not None), None)
    if first is None:
        return None
    facts = [] if told is None else list(tell_context(told.context, teller))
    facts += [Fact(label="Asked", words=_call(call)) for call in calls]
    if verdict is None:
        return teller.chapter(
            title="Gate", ts_ns=first.ts_ns, summary="no answer is recorded", tone="loss", facts=tuple(facts)
        )
    facts += _verdict_facts(verdict, teller)
    return teller.chapter(
        title="Gate",
        ts_ns=first.ts_ns,
        summary=_GATE_SAID[verdict.decision],
        tone="loss" if verdict.decision == "REJECT" else "",
        facts=tuple(facts),
    )


def _verdict_facts(verdict: GateRecord, teller: Teller) -> Iterator[Fact]:
    who = _ANSWERED[verdict.source].format(provider=verdict.provider)
    yield Fact(label="Answered by", words=f"{who}; {verdict.latency_ms / 1e3:.1f} s after the question")
    yield Fact(label="Reasoning", words=_reasoning(verdict))
    if verdict.risk_flags:
        yield Fact(label="Flags", words=phrases(verdict.risk_flags))
    sizing = teller.last(SizingRecord)
    if sizing is not None and verdict.decision != "REJECT":
        yield Fact(label="Changed", words=_terms_changed(sizing, verdict, teller))
    if verdict.clamped:
        yield Fact(label="Not given", words="it asked for more than it may give: " + ", ".join(verdict.clamped))


def _reasoning(verdict: GateRecord) -> str:
    """The reasoning without what the clamps appended to it, which is told by itself."""
    words, found, _ = verdict.reasoning.rpartition(f" [{verdict.decision}:")
    return words if found else verdict.reasoning


def _terms_changed(sizing: SizingRecord, verdict: GateRecord, teller: Teller) -> str:
    terms = (
        ("size", sizing.notional, verdict.notional, teller.money),
        ("leverage", sizing.leverage, verdict.leverage, "{:g}".format),
        ("stop", sizing.stop, verdict.stop, numerals.percent),
        ("target", sizing.target, verdict.target, numerals.percent),
    )
    changes = [f"{name} {say(before)} → {say(after)}" for name, before, after, say in terms if before != after]
    return ", ".join(changes) or "nothing: the terms are as Aether proposed them"


def _call(call: GateCallRecord) -> str:
    who = f"{call.provider} {call.model}".strip()
    ended = _ENDED.get(call.outcome)
    if ended is None:
        return f"{who}: {call.words or phrase(call.outcome)}"
    tokens = call.input_tokens + call.cache_read_tokens + call.cache_write_tokens
    spent = f", {numerals.whole(tokens)} tokens in, {numerals.whole(call.output_tokens)} out, $ {call.cost_usd:.4f}"
    return f"{who}: {ended} in {call.latency_ms / 1e3:.1f} s{spent if tokens else ''}"


def tell_guardian(teller: Teller) -> Chapter | None:
    """The checks, those that failed first."""
    record = teller.last(GuardianRecord)
    if record is None:
        return None
    failed = [check for check in record.checks if not check.passed]
    count = len(record.checks)
    stopped = f"stopped it, for {len(failed)} of {count} checks failed"
    ordered = sorted(record.checks, key=lambda check: check.passed)
    return teller.chapter(
        title="Guardian",
        ts_ns=record.ts_ns,
        summary=f"passed all {count} checks" if record.passed else stopped,
        tone="" if record.passed else "loss",
        facts=tuple(Fact(label="Failed", words=check.words) for check in failed),
        sheet=Sheet(header=("", "Check", "Value", "Limit"), rows=tuple(map(_check_row, ordered))),
    )


def _check_row(check: CheckResult) -> tuple[str, str, str, str]:
    say = numerals.percent if check.name in _SHARES else numerals.measure
    unknown = "not needed" if check.passed else "unknown"
    value = unknown if check.value is None else say(check.value)
    return "ok" if check.passed else "FAILED", phrase(check.name), value, say(check.limit)


def _side(side: str | None) -> str:
    return {"LONG": "long", "SHORT": "short"}.get(side or "", "bet")


def _whole(share: float) -> str:
    return numerals.percent(share, places=0)
