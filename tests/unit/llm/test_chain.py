import msgspec

from helios_nautilus.domain.decision.context import GateContext, MarketConditions
from helios_nautilus.domain.decision.policy import GateRules, Terms, clamp
from helios_nautilus.domain.decision.regimes import VolatilityRegime
from helios_nautilus.domain.decision.schema import MAX_REASONING_CHARS, decode_answer
from helios_nautilus.domain.plan import Side
from helios_nautilus.llm.chain import build_provider
from helios_nautilus.llm.failure import answer_failure

CONTEXT = GateContext(
    ts_ns=1,
    decision_id="d-1",
    instrument_id="BTCZAR.VALR",
    side=Side.LONG,
    terms=Terms(confidence=0.51, notional=5800.0, leverage=1.4, stop=0.06, target=0.12, costs=0.006),
    market=MarketConditions(volatility=VolatilityRegime.EXTREME),
)


def test_the_settings_name_the_provider() -> None:
    assert build_provider(GateRules()).name == "rules"
    assert build_provider(GateRules(provider="off")).name == "off"


def test_an_off_gate_changes_nothing_and_says_that_it_is_off() -> None:
    answer = build_provider(GateRules(provider="off")).ask(CONTEXT).answer
    verdict = clamp(answer, CONTEXT.terms, GateRules())
    assert (verdict.decision, verdict.terms) == ("APPROVE", CONTEXT.terms)
    assert verdict.risk_flags == ("gate_off",)
    assert "off" in verdict.reasoning
    assert decode_answer(msgspec.json.encode(answer)) == answer


def test_a_failed_provider_means_no_entry_where_failures_reject() -> None:
    answer = answer_failure(CONTEXT, GateRules(on_failure="reject"), "no answer within 5000 ms")
    assert answer.decision == "REJECT"
    assert answer.risk_flags == ("gate_failed",)
    assert "no answer within 5000 ms" in answer.reasoning


def test_a_failed_provider_is_replaced_by_the_rules_where_failures_are_ruled() -> None:
    calm = msgspec.structs.replace(
        CONTEXT,
        market=MarketConditions(volatility=VolatilityRegime.LOW),
        terms=msgspec.structs.replace(CONTEXT.terms, confidence=0.9),
    )
    rules = GateRules(on_failure="rules")
    assert answer_failure(CONTEXT, rules, "the connection broke").decision == "REJECT"
    assert answer_failure(calm, rules, "the connection broke").decision == "APPROVE"
    assert answer_failure(calm, rules, "the connection broke").risk_flags[0] == "gate_failed"


def test_a_wordy_failure_still_fits_the_schema() -> None:
    for on_failure in ("reject", "rules"):
        answer = answer_failure(CONTEXT, GateRules(on_failure=on_failure), "x" * 5000)
        assert len(answer.reasoning) == MAX_REASONING_CHARS
        assert decode_answer(msgspec.json.encode(answer)) == answer
