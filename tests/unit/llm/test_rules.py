from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.decision.context import (
    GateContext,
    MarketConditions,
    OpenPosition,
    PortfolioState,
    RiskFigures,
)
from helios_nautilus.domain.decision.news import News
from helios_nautilus.domain.decision.policy import GateRules, Terms, clamp
from helios_nautilus.domain.decision.regimes import (
    CorrelationRegime,
    LiquidityRegime,
    TrendRegime,
    VolatilityRegime,
)
from helios_nautilus.domain.decision.schema import GateAnswer, decode_answer
from helios_nautilus.domain.plan import Side
from helios_nautilus.llm.rules import RulesProvider

CALM = MarketConditions(
    price=1_000_000.0,
    change_24h=0.012,
    change_7d=-0.03,
    trend=TrendRegime.BULLISH,
    volatility=VolatilityRegime.MEDIUM,
    liquidity=LiquidityRegime.NORMAL,
    volume_percentile=0.43,
    correlation=CorrelationRegime.COUPLED,
    mean_correlation=0.62,
)
QUIET = News()
LONG_ETH = OpenPosition(instrument_id="ETHZAR.VALR", side=Side.LONG)


def _ask(
    *,
    confidence: float = 0.72,
    side: Side = Side.LONG,
    held: tuple[OpenPosition, ...] | None = (),
    news: News | None = QUIET,
    rules: GateRules | None = None,
    **market: Any,
) -> GateAnswer:
    context = GateContext(
        ts_ns=1,
        decision_id="d-1",
        instrument_id="BTCZAR.VALR",
        side=side,
        terms=Terms(confidence=confidence, notional=5800.0, leverage=1.0, stop=0.06, target=0.12, costs=0.006),
        market=msgspec.structs.replace(CALM, **market),
        risk=RiskFigures(vol_daily=0.03),
        portfolio=PortfolioState(positions=held),
        news=news,
    )
    return RulesProvider(rules or GateRules()).answer(context)


def test_a_calm_market_and_a_sure_prediction_are_approved_with_the_figures() -> None:
    answer = _ask()
    assert (answer.decision, answer.position_size_multiplier, answer.confidence_adjustment) == ("APPROVE", 1.0, 1.0)
    assert answer.risk_flags == ()
    assert answer.reasoning == (
        "The long in BTCZAR.VALR may go ahead as sized: 5 800 with its stop at 6.00 % and its target at 12.00 %. "
        "Confidence is 0.72, volatility MEDIUM (daily 3.00 %), liquidity NORMAL (24 h volume at its percentile 43), "
        "trend BULLISH (24 h +1.20 %, 7 d -3.00 %) and correlation COUPLED (mean 0.62)."
    )


@pytest.mark.parametrize(
    ("market", "flag"),
    [
        ({"volatility": VolatilityRegime.EXTREME}, "extreme_volatility"),
        ({"volatility": VolatilityRegime.UNKNOWN}, "unknown_volatility"),
        ({"liquidity": LiquidityRegime.THIN}, "thin_liquidity"),
    ],
)
def test_extreme_or_unknown_volatility_and_a_thin_market_are_rejected(market: dict[str, Any], flag: str) -> None:
    answer = _ask(**market)
    assert (answer.decision, answer.position_size_multiplier) == ("REJECT", 0.0)
    assert answer.risk_flags == (flag,)
    assert answer.reasoning.startswith("No long in BTCZAR.VALR: ")


def test_high_volatility_alone_is_no_reason_to_reject() -> None:
    assert _ask(volatility=VolatilityRegime.HIGH).decision == "APPROVE"


def test_in_a_crisis_a_second_position_on_the_same_side_is_rejected() -> None:
    answer = _ask(correlation=CorrelationRegime.CRISIS, mean_correlation=0.91, held=(LONG_ETH,))
    assert answer.decision == "REJECT"
    assert "mean 0.91" in answer.reasoning


def test_in_a_crisis_the_first_position_and_one_on_the_other_side_are_allowed() -> None:
    assert _ask(correlation=CorrelationRegime.CRISIS).decision == "APPROVE"
    assert _ask(correlation=CorrelationRegime.CRISIS, held=(LONG_ETH,), side=Side.SHORT).decision == "APPROVE"


def test_in_a_crisis_unknown_positions_count_against_the_entry() -> None:
    assert _ask(correlation=CorrelationRegime.CRISIS, held=None).decision == "REJECT"


def test_a_position_on_the_same_side_is_no_objection_outside_a_crisis() -> None:
    assert _ask(held=(LONG_ETH,)).decision == "APPROVE"


def test_moderate_confidence_is_halved() -> None:
    answer = _ask(confidence=0.64)
    assert (answer.decision, answer.position_size_multiplier) == ("MODIFY", 0.5)
    assert answer.risk_flags == ("moderate_confidence",)
    assert "at 50 % of 5 800" in answer.reasoning
    assert _ask(confidence=0.65).decision == "APPROVE"


def test_without_news_the_confidence_is_weighed_five_percent_lower() -> None:
    answer = _ask(confidence=0.66, news=None)
    assert (answer.decision, answer.confidence_adjustment) == ("MODIFY", 0.95)
    assert answer.risk_flags == ("moderate_confidence", "no_news")
    assert "weighed as 0.63" in answer.reasoning
    assert _ask(confidence=0.70, news=None).decision == "APPROVE"


def test_without_news_a_coin_toss_is_rejected_in_words_the_clamps_agree_with() -> None:
    answer = _ask(confidence=0.52, news=None)
    assert answer.decision == "REJECT"
    assert "low_confidence" in answer.risk_flags


def test_missing_history_is_flagged_and_allowed_by_default() -> None:
    unknown: dict[str, Any] = {
        "trend": TrendRegime.UNKNOWN,
        "liquidity": LiquidityRegime.UNKNOWN,
        "correlation": CorrelationRegime.UNKNOWN,
    }
    answer = _ask(held=(LONG_ETH,), **unknown)
    assert answer.decision == "APPROVE"
    assert answer.risk_flags == ("unknown_liquidity", "unknown_correlation", "unknown_trend")
    assert "liquidity is unknown for want of history" in answer.reasoning


@pytest.mark.parametrize("regime", [{"trend": TrendRegime.UNKNOWN}, {"liquidity": LiquidityRegime.UNKNOWN}], ids=str)
def test_missing_history_rejects_where_the_settings_say_so(regime: dict[str, Any]) -> None:
    assert _ask(rules=GateRules(unknown_is="reject"), **regime).decision == "REJECT"


def test_unknown_correlation_rejects_only_while_the_side_is_held() -> None:
    strict = GateRules(unknown_is="reject")
    unknown: dict[str, Any] = {"correlation": CorrelationRegime.UNKNOWN}
    assert _ask(rules=strict, **unknown).decision == "APPROVE"
    assert _ask(rules=strict, held=(LONG_ETH,), **unknown).decision == "REJECT"


def test_an_entry_against_the_trend_is_flagged_only() -> None:
    assert _ask(trend=TrendRegime.BEARISH).risk_flags == ("against_trend",)
    assert _ask(trend=TrendRegime.BEARISH).decision == "APPROVE"
    assert _ask(trend=TrendRegime.BULLISH, side=Side.SHORT).risk_flags == ("against_trend",)


def test_every_combination_of_regimes_gives_two_to_four_sentences_within_the_schema() -> None:
    for volatility, liquidity, correlation, trend in product(
        VolatilityRegime, LiquidityRegime, CorrelationRegime, TrendRegime
    ):
        answer = _ask(
            confidence=0.52,
            news=None,
            held=None,
            volatility=volatility,
            liquidity=liquidity,
            correlation=correlation,
            trend=trend,
            change_24h=None,
        )
        assert decode_answer(msgspec.json.encode(answer)) == answer
        assert 2 <= answer.reasoning.count(". ") + 1 <= 4
        assert "None" not in answer.reasoning


@given(
    confidence=st.floats(0.5, 1.0),
    news=st.sampled_from([None, News()]),
    volatility=st.sampled_from(VolatilityRegime),
    liquidity=st.sampled_from(LiquidityRegime),
)
def test_what_the_rules_decide_survives_the_clamps(
    confidence: float, news: News | None, volatility: VolatilityRegime, liquidity: LiquidityRegime
) -> None:
    answer = _ask(confidence=confidence, news=news, volatility=volatility, liquidity=liquidity)
    terms = Terms(confidence=confidence, notional=5800.0, leverage=1.0, stop=0.06, target=0.12, costs=0.006)
    verdict = clamp(answer, terms, GateRules())
    assert (verdict.decision, verdict.multiplier) == (answer.decision, answer.position_size_multiplier)
