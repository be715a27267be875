import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.decision.policy import GateRules, GateVerdict, Terms, clamp
from helios_nautilus.domain.decision.schema import GateAnswer, decode_answer
from helios_nautilus.errors import ConfigError, HeliosError

RULES = GateRules()
TERMS = Terms(confidence=0.7, notional=5800.0, leverage=1.6, stop=0.04, target=0.08, costs=0.006)


def _answer(**changes: Any) -> GateAnswer:
    plain: dict[str, Any] = {
        "decision": "APPROVE",
        "reasoning": "Nothing speaks against it.",
        "confidence_adjustment": 1.0,
        "position_size_multiplier": 1.0,
        "risk_flags": (),
    }
    return GateAnswer(**{**plain, **changes})


def _judge(**changes: Any) -> GateVerdict:
    return clamp(_answer(**changes), TERMS, RULES)


def test_an_approval_leaves_the_terms_as_proposed() -> None:
    verdict = _judge()
    assert verdict.decision == "APPROVE"
    assert verdict.terms == TERMS
    assert verdict.allows_entry
    assert verdict.clamped == ()


def test_a_multiplier_shrinks_the_notional_even_when_the_word_is_approve() -> None:
    verdict = _judge(position_size_multiplier=0.5)
    assert verdict.decision == "MODIFY"
    assert verdict.terms.notional == 2900.0
    assert verdict.multiplier == 0.5


def test_a_multiplier_of_zero_is_a_rejection() -> None:
    verdict = _judge(decision="MODIFY", position_size_multiplier=0.0)
    assert verdict.decision == "REJECT"
    assert not verdict.allows_entry
    assert verdict.terms.notional == 0.0


def test_a_rejection_stays_one_whatever_else_it_says() -> None:
    verdict = _judge(decision="REJECT", risk_flags=("news",))
    assert (verdict.decision, verdict.terms.notional, verdict.multiplier) == ("REJECT", 0.0, 0.0)
    assert verdict.risk_flags == ("news",)


def test_a_lower_leverage_a_nearer_stop_and_a_nearer_target_are_given() -> None:
    verdict = _judge(decision="MODIFY", suggested_leverage=1.2, suggested_stop=0.03, suggested_target=0.05)
    assert (verdict.terms.leverage, verdict.terms.stop, verdict.terms.target) == (1.2, 0.03, 0.05)
    assert verdict.decision == "MODIFY"
    assert verdict.clamped == ()


def test_more_than_was_proposed_is_never_given_but_written_down() -> None:
    verdict = _judge(decision="MODIFY", suggested_leverage=3.0, suggested_stop=0.1, suggested_target=0.5)
    assert verdict.terms == TERMS
    assert verdict.decision == "APPROVE"
    assert verdict.clamped == ("leverage 3, given 1.6", "stop 0.1, given 0.04", "target 0.5, given 0.08")


def test_a_stop_cannot_be_brought_into_the_noise() -> None:
    verdict = _judge(suggested_stop=0.001)
    assert verdict.terms.stop == 0.02
    assert verdict.clamped == ("stop 0.001, given 0.02",)


def test_a_target_stays_above_what_the_round_trip_costs() -> None:
    dear = msgspec.structs.replace(TERMS, costs=0.03)
    assert clamp(_answer(suggested_target=0.001), TERMS, RULES).terms.target == 0.04
    assert clamp(_answer(suggested_target=0.001), dear, RULES).terms.target == 0.06


def test_a_target_that_never_covered_its_costs_is_not_pushed_out() -> None:
    hopeless = msgspec.structs.replace(TERMS, costs=0.07)
    assert clamp(_answer(suggested_target=0.001), hopeless, RULES).terms.target == 0.08


def test_leverage_never_falls_under_one() -> None:
    assert _judge(suggested_leverage=0.2).terms.leverage == 1.0


def test_a_confidence_lowered_under_even_odds_is_a_rejection() -> None:
    assert _judge(confidence_adjustment=0.75).terms.confidence == pytest.approx(0.525)
    assert _judge(confidence_adjustment=0.75).decision == "APPROVE"
    assert _judge(confidence_adjustment=0.7).decision == "REJECT"


def test_a_confidence_nobody_lowered_is_aethers_affair() -> None:
    unsure = msgspec.structs.replace(TERMS, confidence=0.4)
    assert clamp(_answer(), unsure, RULES).decision == "APPROVE"


def test_an_answer_built_past_the_decoder_with_a_senseless_multiplier_is_a_rejection() -> None:
    for multiplier in (math.nan, math.inf, -1.0, 1.5):
        verdict = _judge(position_size_multiplier=multiplier)
        assert verdict.decision == "REJECT"
        assert str(multiplier) in verdict.clamped[0]


def test_terms_that_are_no_bet_are_refused() -> None:
    for change in (
        {"notional": math.nan},
        {"stop": -0.1},
        {"leverage": 0.5},
        {"confidence": 1.2},
        {"target": math.inf},
    ):
        with pytest.raises(HeliosError, match="no bet"):
            msgspec.structs.replace(TERMS, **change)


def test_settings_out_of_range_are_refused() -> None:
    for change in ({"deadline_ms": 0}, {"moderate_multiplier": 0.0}, {"min_tighten": 1.5}, {"min_target_costs": 0.5}):
        with pytest.raises(ConfigError, match="gate"):
            GateRules(**change)


_positive = st.floats(0.0, 1e300)
_any_float = st.floats(allow_nan=True, allow_infinity=True)
_terms = st.builds(
    Terms,
    confidence=st.floats(0.0, 1.0),
    notional=_positive,
    leverage=st.floats(1.0, 100.0),
    stop=_positive,
    target=_positive,
    costs=_positive,
)
_answers = st.builds(
    GateAnswer,
    decision=st.sampled_from(["APPROVE", "MODIFY", "REJECT", "ENLARGE"]),
    reasoning=st.text(),
    confidence_adjustment=st.floats(0.0, 1.0) | _any_float,
    position_size_multiplier=st.floats(0.0, 1.0) | _any_float,
    risk_flags=st.just(()),
    suggested_leverage=st.none() | _any_float,
    suggested_stop=st.none() | _any_float,
    suggested_target=st.none() | _any_float,
)


def _assert_no_more_risk(verdict: GateVerdict, terms: Terms) -> None:
    before, after = msgspec.structs.astuple(terms), msgspec.structs.astuple(verdict.terms)
    assert all(0.0 <= now <= was and math.isfinite(now) for now, was in zip(after, before, strict=True))
    assert verdict.terms.leverage >= 1.0
    assert 0.0 <= verdict.multiplier <= 1.0
    assert verdict.allows_entry == (verdict.terms.notional > 0.0)
    assert verdict.allows_entry == (verdict.decision != "REJECT")


@given(_answers, _terms)
def test_no_answer_enlarges_or_loosens_anything(answer: GateAnswer, terms: Terms) -> None:
    _assert_no_more_risk(clamp(answer, terms, RULES), terms)


@given(_answers, _terms)
def test_stop_and_target_keep_at_least_the_share_of_their_distance(answer: GateAnswer, terms: Terms) -> None:
    after = clamp(answer, terms, RULES).terms
    assert after.stop >= RULES.min_tighten * terms.stop
    assert after.target >= min(terms.target, RULES.min_target_costs * terms.costs)


_shares = st.floats(0.0, 1.0)
_replies = st.fixed_dictionaries(
    {
        "decision": st.sampled_from(["APPROVE", "MODIFY"]),
        "reasoning": st.just("Go."),
        "confidence_adjustment": _shares,
        "position_size_multiplier": _shares | st.floats() | st.booleans(),
        "risk_flags": st.just([]),
    },
    optional={
        name: st.floats(0.0, 10.0, exclude_min=True) | st.floats() | st.integers() | st.text()
        for name in ("suggested_leverage", "suggested_stop", "suggested_target", "notional")
    },
).map(msgspec.json.encode)


@given(_replies | st.binary(), _terms)
def test_no_bytes_at_all_raise_or_add_risk(raw: bytes, terms: Terms) -> None:
    _assert_no_more_risk(clamp(decode_answer(raw), terms, RULES), terms)


def test_an_answer_that_a_backtest_would_use_and_trading_would_drop_is_refused() -> None:
    with pytest.raises(ConfigError, match="not above deadline_ms"):
        GateRules(latency_ms=6_000, deadline_ms=5_000)
