"""Who answers when nobody did."""

from msgspec.structs import replace

from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.domain.decision.schema import MAX_REASONING_CHARS, GateAnswer, reject
from helios_nautilus.llm.reply import GateCall, GateReply
from helios_nautilus.llm.rules import RulesProvider


def answer_failure(context: GateContext, rules: GateRules, why: str) -> GateAnswer:
    """The answer when the provider gave none, by ``on_failure``, whose value is also the journal's provider name.

    ``why`` is a clause such as ``no answer within 5000 ms``.
    """
    if rules.on_failure == "reject":
        return reject(f"The gate did not answer ({why}), so there is no entry.", "gate_failed")
    answer = RulesProvider(rules).answer(context)
    return replace(
        answer,
        reasoning=f"The gate did not answer ({why}); its rules did. {answer.reasoning}"[:MAX_REASONING_CHARS],
        risk_flags=("gate_failed", *answer.risk_flags),
    )


def reply_failure(context: GateContext, rules: GateRules, calls: tuple[GateCall, ...]) -> GateReply:
    """The reply after nothing but failed calls, of which there is at least one."""
    why = "; ".join(dict.fromkeys(call.words for call in calls))
    return GateReply(
        answer=answer_failure(context, rules, why),
        source="failed" if rules.on_failure == "reject" else "ruled",
        provider=rules.on_failure,
        request_hash=calls[0].request_hash,
        calls=calls,
    )
