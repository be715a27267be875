"""The provider ``rules``: the gate without a language model, deterministic and built in.

It rejects what no trader should enter, halves what is only moderately sure, and approves the rest; its reasoning
gives the figures. On the correlation of a crisis: when the universe moves as one, a second position on the same side
is the first one again, so CRISIS rejects an entry while any position on its side is open, here or in another
instrument. A position on the other side, or none, is no objection.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from helios_nautilus.domain.decision.context import GateContext, MarketConditions, confidence_factor
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.domain.decision.regimes import (
    CorrelationRegime,
    LiquidityRegime,
    TrendRegime,
    VolatilityRegime,
)
from helios_nautilus.domain.decision.schema import GateAnswer
from helios_nautilus.domain.decision.words import amount, percent
from helios_nautilus.domain.plan import Side
from helios_nautilus.llm.reply import GateReply

_AGAINST: Final = {Side.LONG: TrendRegime.BEARISH, Side.SHORT: TrendRegime.BULLISH}


class Concern(NamedTuple):
    """Something to be said about an entry, and the share of its size that is left because of it."""

    flag: str
    words: str
    multiplier: float


class RulesProvider:
    """Judges a context by the rules of `GateRules`."""

    name: Final = "rules"

    def __init__(self, rules: GateRules) -> None:
        self._rules = rules

    def ask(self, context: GateContext) -> GateReply:
        """See `GateProvider`."""
        return GateReply(answer=self.answer(context), source="ruled", provider=self.name)

    def answer(self, context: GateContext) -> GateAnswer:
        """APPROVE, MODIFY or REJECT by the gravest concern; all of them are flagged and said, the gravest first."""
        concerns = [
            *_volatility(context),
            *_liquidity(context, self._rules),
            *_correlation(context, self._rules),
            *_trend(context, self._rules),
            *_confidence(context, self._rules),
        ]
        concerns.sort(key=lambda concern: concern.multiplier)
        multiplier = min((concern.multiplier for concern in concerns), default=1.0)
        return GateAnswer(
            decision="REJECT" if multiplier == 0.0 else "APPROVE" if multiplier == 1.0 else "MODIFY",
            reasoning=_reasoning(context, concerns, multiplier),
            confidence_adjustment=confidence_factor(context, self._rules),
            position_size_multiplier=multiplier,
            risk_flags=tuple(concern.flag for concern in concerns),
        )


def _volatility(context: GateContext) -> Iterator[Concern]:
    regime = context.market.volatility
    if regime is VolatilityRegime.UNKNOWN:
        yield Concern("unknown_volatility", "volatility is unknown", 0.0)
    elif regime is VolatilityRegime.EXTREME:
        yield Concern("extreme_volatility", f"volatility is {regime} (daily {percent(context.risk.vol_daily)})", 0.0)


def _liquidity(context: GateContext, rules: GateRules) -> Iterator[Concern]:
    regime = context.market.liquidity
    if regime is LiquidityRegime.UNKNOWN:
        yield _unknown("liquidity", rules)
    elif regime is LiquidityRegime.THIN:
        yield Concern("thin_liquidity", f"liquidity is {regime} ({_volume(context.market)})", 0.0)


def _correlation(context: GateContext, rules: GateRules) -> Iterator[Concern]:
    regime, held = context.market.correlation, context.portfolio.positions
    same_side = None if held is None else sum(position.side is context.side for position in held)
    if same_side == 0:
        # With nothing held on this side there is no bet to double.
        return
    if regime is CorrelationRegime.UNKNOWN:
        yield _unknown("correlation", rules)
    elif regime is CorrelationRegime.CRISIS:
        doubled = "the open positions are unknown" if same_side is None else f"its side is held already ({same_side})"
        mean = _figure(context.market.mean_correlation)
        yield Concern("crisis_correlation", f"correlation is {regime} (mean {mean}) and {doubled}", 0.0)


def _trend(context: GateContext, rules: GateRules) -> Iterator[Concern]:
    regime = context.market.trend
    if regime is TrendRegime.UNKNOWN:
        yield _unknown("trend", rules)
    elif regime is _AGAINST[context.side]:
        yield Concern("against_trend", f"the trend is {regime}", 1.0)


def _confidence(context: GateContext, rules: GateRules) -> Iterator[Concern]:
    factor = confidence_factor(context, rules)
    confidence = context.terms.confidence * factor
    if not context.has_news:
        yield Concern("no_news", f"without news the confidence is weighed as {confidence:.2f}", 1.0)
    if factor < 1.0 and confidence < rules.min_confidence:
        yield Concern("low_confidence", f"confidence {confidence:.2f} is under {rules.min_confidence:.2f}", 0.0)
    elif confidence < rules.moderate_below:
        words = f"confidence {confidence:.2f} is moderate, under {rules.moderate_below:.2f}"
        yield Concern("moderate_confidence", words, rules.moderate_multiplier)


def _unknown(what: str, rules: GateRules) -> Concern:
    multiplier = 0.0 if rules.unknown_is == "reject" else 1.0
    return Concern(f"unknown_{what}", f"{what} is unknown for want of history", multiplier)


def _reasoning(context: GateContext, concerns: list[Concern], multiplier: float) -> str:
    """Two or three sentences: the verdict and what decided it, the market, and what else to watch."""
    deciding = "; ".join(each.words for each in concerns if each.multiplier == multiplier)
    watch = "; ".join(each.words for each in concerns if each.multiplier > multiplier or multiplier == 1.0)
    terms, bet = context.terms, f"{context.side.lower()} in {context.instrument_id}"
    size = f"{amount(terms.notional)} with its stop at {percent(terms.stop)} and its target at {percent(terms.target)}"
    if multiplier == 0.0:
        verdict = f"No {bet}: {deciding}."
    elif multiplier == 1.0:
        verdict = f"The {bet} may go ahead as sized: {size}."
    else:
        verdict = f"The {bet} goes ahead at {100.0 * multiplier:.0f} % of {size}: {deciding}."
    return " ".join([verdict, _market(context), *([f"To watch: {watch}."] if watch else [])])


def _market(context: GateContext) -> str:
    market = context.market
    changes = f"24 h {percent(market.change_24h, signed=True)}, 7 d {percent(market.change_7d, signed=True)}"
    return (
        f"Confidence is {context.terms.confidence:.2f}, volatility {market.volatility} "
        f"(daily {percent(context.risk.vol_daily)}), liquidity {market.liquidity} ({_volume(market)}), trend "
        f"{market.trend} ({changes}) and correlation {market.correlation} (mean {_figure(market.mean_correlation)})."
    )


def _volume(market: MarketConditions) -> str:
    percentile = market.volume_percentile
    return "24 h volume unknown" if percentile is None else f"24 h volume at its percentile {100.0 * percentile:.0f}"


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
