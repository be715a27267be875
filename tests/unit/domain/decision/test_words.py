import msgspec

from helios_nautilus.domain.decision.policy import GateRules, Terms, clamp
from helios_nautilus.domain.decision.schema import GateAnswer, reject
from helios_nautilus.domain.decision.words import amount, outcome, percent, record_fields
from helios_nautilus.journal.records import GateRecord

TERMS = Terms(confidence=0.7, notional=5800.0, leverage=1.6, stop=0.04, target=0.08, costs=0.006)
HALVED = GateAnswer(
    decision="MODIFY",
    reasoning="The book is thin.",
    confidence_adjustment=0.95,
    position_size_multiplier=0.5,
    risk_flags=("thin_book",),
    suggested_leverage=3.0,
    suggested_stop=0.03,
)


def test_a_verdict_fills_a_gate_record() -> None:
    verdict = clamp(HALVED, TERMS, GateRules())
    fields = record_fields(verdict, TERMS, "rules", 800.0)
    record = GateRecord(ts_ns=1, decision_id="d-1", instrument_id="BTCZAR.VALR", **fields)
    assert (record.decision, record.provider, record.latency_ms) == ("MODIFY", "rules", 800.0)
    assert (record.notional, record.multiplier, record.leverage) == (2900.0, 0.5, 1.6)
    assert (record.stop, record.target, record.risk_flags) == (0.03, 0.08, ("thin_book",))
    assert record.clamped == ("leverage 3, given 1.6",)
    assert record.reasoning.startswith("The book is thin. [MODIFY: ")


def test_the_outcome_names_what_changed_and_what_was_not_given() -> None:
    words = outcome(clamp(HALVED, TERMS, GateRules()), TERMS)
    assert words == "[MODIFY: notional 5 800 -> 2 900, stop 4.00 % -> 3.00 %; not given: leverage 3, given 1.6]"


def test_an_approval_and_a_rejection_say_so() -> None:
    plain = msgspec.structs.replace(
        HALVED, decision="APPROVE", position_size_multiplier=1.0, suggested_leverage=None, suggested_stop=None
    )
    assert outcome(clamp(plain, TERMS, GateRules()), TERMS) == "[APPROVE: terms as proposed]"
    assert outcome(clamp(reject("No."), TERMS, GateRules()), TERMS) == "[REJECT: notional 5 800 -> 0]"


def test_figures_are_written_for_a_trader() -> None:
    assert (percent(0.01234), percent(0.01234, signed=True), percent(-0.5), percent(None)) == (
        "1.23 %",
        "+1.23 %",
        "-50.00 %",
        "unknown",
    )
    assert (amount(1_234_567.8), amount(0.00512)) == ("1 234 568", "0.00512")
