"""Which provider answers, and who answers in its place when it does not."""

from msgspec.structs import replace

from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.domain.decision.schema import MAX_REASONING_CHARS, GateAnswer, reject
from helios_nautilus.llm.off import OffProvider
from helios_nautilus.llm.provider import GateProvider
from helios_nautilus.llm.rules import RulesProvider


def build_provider(rules: GateRules) -> GateProvider:
    """The provider the settings name."""
    return OffProvider() if rules.provider == "off" else RulesProvider(rules)


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
