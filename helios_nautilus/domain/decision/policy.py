"""What code makes of a gate's answer: it may approve, shrink, tighten or reject, and nothing else.

The answer proposes, this file disposes. Whatever a provider says, no term comes out larger or looser than Aether
proposed it, and an answer that makes no sense is a rejection.
"""

import math
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from helios_nautilus.domain.decision.regimes import RegimeRules
from helios_nautilus.domain.decision.schema import Decision, GateAnswer
from helios_nautilus.errors import ConfigError, HeliosError

type ProviderName = Literal["rules", "off", "recorded", "anthropic", "openai"]


class Terms(Struct, frozen=True, kw_only=True):
    """An entry as Aether proposed it, or as the gate left it."""

    confidence: float
    """Directional: P(side) / (P(BUY) + P(SELL))."""
    notional: float
    """In the account currency; 0 is no entry."""
    leverage: float
    stop: float
    """Distance from the entry as a fraction of the price, like the target."""
    target: float
    costs: float
    """Of the whole round trip, as a fraction of the notional."""

    def __post_init__(self) -> None:
        figures = (self.confidence, self.notional, self.leverage, self.stop, self.target, self.costs)
        if not all(0.0 <= figure < math.inf for figure in figures) or self.confidence > 1.0 or self.leverage < 1.0:
            raise HeliosError(
                f"terms {figures} are no bet: all must be finite and not negative, the confidence at most 1 and the "
                "leverage at least 1"
            )


class GateRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of tier 4: who answers, how long it may take, and the limits of the built-in rules and the clamps."""

    provider: ProviderName = "rules"
    """Who answers: the built-in rules, nobody, earlier answers, or a language model over the network. In a backtest a
    language model answers from what was recorded, and no network is asked."""
    latency_ms: int = 800
    """Simulated time from question to answer in a backtest."""
    deadline_ms: int = 5000
    """An answer later than this is none."""
    on_failure: Literal["reject", "rules"] = "rules"
    """Who answers when the provider did not: nobody, so no entry (right for live), or the built-in rules."""
    unknown_is: Literal["allow", "reject"] = "allow"
    """What the rules make of a trend, liquidity or correlation they have no history for yet. Allowed, it is a risk
    flag; it lets a run trade during the 50 days a trend needs. Unknown volatility always rejects."""
    moderate_below: float = 0.65
    """A confidence under this is moderate."""
    moderate_multiplier: float = 0.5
    min_confidence: float = 0.5
    """A confidence lowered under this is no bet: at 0.5 the other direction is as likely."""
    no_news_factor: float = 0.95
    """On the confidence while news are unavailable."""
    min_tighten: float = 0.5
    """A stop or target may be brought in to this share of its distance, no nearer: a stop inside the noise would be a
    sure loss, whatever the intention."""
    min_target_costs: float = 2.0
    """Nor may a target come nearer than this many times the round trip's costs."""
    regimes: RegimeRules = RegimeRules()

    def __post_init__(self) -> None:
        if not 0 <= self.latency_ms <= self.deadline_ms or self.deadline_ms == 0:
            raise ConfigError("gate: latency_ms must be 0 or more and not above deadline_ms, which must be above 0")
        shares = ("moderate_below", "moderate_multiplier", "min_confidence", "no_news_factor", "min_tighten")
        for name in shares:
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ConfigError(f"gate: {name} must be above 0 and at most 1")
        if not 1.0 < self.min_target_costs < math.inf:
            raise ConfigError("gate: min_target_costs must be above 1")


class GateVerdict(Struct, frozen=True, kw_only=True):
    """The gate's answer after the clamps: what the next tier and the journal get."""

    decision: Decision
    """What became of the proposal, not what the answer called it: MODIFY if any term but the confidence changed."""
    terms: Terms
    multiplier: float
    risk_flags: tuple[str, ...]
    reasoning: str
    clamped: tuple[str, ...] = ()
    """What the answer asked for and was not given."""

    @property
    def allows_entry(self) -> bool:
        """Whether there is anything left to enter."""
        return self.decision != "REJECT"


def clamp(answer: GateAnswer, terms: Terms, rules: GateRules) -> GateVerdict:
    """Bring an answer inside what a gate may do to Aether's terms. Never raises for any answer.

    Every reduction is applied, whichever word came with it. A multiplier of 0, or a ``confidence_adjustment`` that
    lowers the confidence under ``min_confidence``, rejects. The terms of a rejection are the proposal's with notional
    0. An answer built without the decoder may hold any float; one outside its range rejects.
    """
    if answer.decision not in ("APPROVE", "MODIFY"):
        return _rejected(answer, terms)
    multiplier, adjustment = answer.position_size_multiplier, answer.confidence_adjustment
    if not (0.0 <= multiplier <= 1.0 and 0.0 <= adjustment <= 1.0):
        return _rejected(answer, terms, f"a multiplier of {multiplier} with a confidence factor of {adjustment}")
    notional, confidence = terms.notional * multiplier, terms.confidence * adjustment
    if notional == 0.0 or (adjustment < 1.0 and confidence < rules.min_confidence):
        return _rejected(answer, terms)
    after, clamped = _tighten(replace(terms, notional=notional, confidence=confidence), answer, rules)
    is_unchanged = after == replace(terms, confidence=confidence)
    return GateVerdict(
        decision="APPROVE" if is_unchanged else "MODIFY",
        terms=after,
        multiplier=multiplier,
        risk_flags=answer.risk_flags,
        reasoning=answer.reasoning,
        clamped=clamped,
    )


def _tighten(terms: Terms, answer: GateAnswer, rules: GateRules) -> tuple[Terms, tuple[str, ...]]:
    """The terms with the suggestions as far as they may be followed, and what was not followed."""
    nearest_target = max(rules.min_tighten * terms.target, rules.min_target_costs * terms.costs)
    suggestions = (
        ("leverage", answer.suggested_leverage, 1.0),
        ("stop", answer.suggested_stop, rules.min_tighten * terms.stop),
        ("target", answer.suggested_target, nearest_target),
    )
    given: dict[str, float] = {}
    clamped: list[str] = []
    for name, asked, floor in suggestions:
        if asked is None:
            continue
        proposed = getattr(terms, name)
        # Written so that NaN, which is below nothing, leaves the proposal as it is.
        given[name] = min(proposed, max(asked, floor)) if asked < proposed else proposed
        if given[name] != asked:
            clamped.append(f"{name} {asked:.6g}, given {given[name]:.6g}")
    return replace(terms, **given), tuple(clamped)


def _rejected(answer: GateAnswer, terms: Terms, *unusable: str) -> GateVerdict:
    return GateVerdict(
        decision="REJECT",
        terms=replace(terms, notional=0.0),
        multiplier=0.0,
        risk_flags=answer.risk_flags,
        reasoning=answer.reasoning,
        clamped=unusable,
    )
