"""Whether a model at the gate may remember what a backtest asks it to foresee."""

from collections.abc import Iterator
from datetime import UTC, datetime

from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.llm.chain import remote_order
from helios_nautilus.llm.settings import LlmSettings


def hindsight_notes(rules: GateRules, settings: LlmSettings, start_ns: int) -> Iterator[str]:
    """A note on each model that may know how a run from ``start_ns`` on went on in the world."""
    if rules.provider in ("rules", "off"):
        return
    start = f"{datetime.fromtimestamp(start_ns // NS_PER_SEC, UTC):%Y-%m}"
    for provider in remote_order(rules, settings):
        model = settings.of(provider)
        if model.cutoff is None:
            yield f"Nobody says up to when {model.model} knows the world: its answers at the gate may be hindsight."
        elif start <= model.cutoff:
            yield (
                f"{model.model} knows the world up to {model.cutoff}, and decisions of this run fall before the end of "
                "that month: its answers to them may be hindsight, although the questions name no date and no price."
            )
