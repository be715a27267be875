"""The provider ``off``: no gate."""

from typing import Final

from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.schema import GateAnswer
from helios_nautilus.llm.reply import GateReply


class OffProvider:
    """Approves every proposal unchanged and says that nothing was checked."""

    name: Final = "off"

    def ask(self, context: GateContext) -> GateReply:
        """See `GateProvider`."""
        answer = GateAnswer(
            decision="APPROVE",
            reasoning=f"The gate is off: the {context.side.lower()} in {context.instrument_id} was not examined.",
            confidence_adjustment=1.0,
            position_size_multiplier=1.0,
            risk_flags=("gate_off",),
        )
        return GateReply(answer=answer, source="off", provider=self.name)
