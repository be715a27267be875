"""A gate over the real client packages, pointed at the local server, and the question it is asked."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from helios_nautilus.domain.decision.context import GateContext, MarketConditions
from helios_nautilus.domain.decision.policy import GateRules, Terms
from helios_nautilus.domain.decision.regimes import VolatilityRegime
from helios_nautilus.domain.plan import Side
from helios_nautilus.llm.cassette import Cassette
from helios_nautilus.llm.chain import build_remote
from helios_nautilus.llm.reply import GateReply
from helios_nautilus.llm.settings import LlmSettings
from tests.integration.llm.apis import Api

KEY = "sk-test-4f1c9a7e5b"
ENVIRON = {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": KEY}
CONTEXT = GateContext(
    ts_ns=1,
    decision_id="d-1",
    instrument_id="BTCZAR.VALR",
    side=Side.LONG,
    terms=Terms(confidence=0.72, notional=5800.0, leverage=1.4, stop=0.06, target=0.12, costs=0.006),
    market=MarketConditions(volatility=VolatilityRegime.LOW),
)
ANSWER: dict[str, Any] = {
    "decision": "APPROVE",
    "reasoning": "The trend agrees with the prediction. Volatility is low.",
    "confidence_adjustment": 1.0,
    "position_size_multiplier": 1.0,
    "risk_flags": [],
    "suggested_leverage": None,
    "suggested_stop": None,
    "suggested_target": None,
}


def answer(**changes: Any) -> str:
    """The arguments of the tool's call, approving but for the changes."""
    return json.dumps(ANSWER | changes)


def settings(url: str, **changes: Any) -> LlmSettings:
    """Both providers at the local server, each asked once, with no pause after failures."""
    plain = LlmSettings(attempts=1, breaker_failures=1000)
    plain = replace(
        plain,
        anthropic=replace(plain.anthropic, base_url=url),
        openai=replace(plain.openai, base_url=f"{url}/v1"),
    )
    return replace(plain, **changes)


def ask(
    url: str,
    api: Api,
    *,
    deadline_ms: int = 5000,
    on_failure: str = "reject",
    context: GateContext = CONTEXT,
    cassette: Path | None = None,
    times: int = 1,
    environ: dict[str, str] | None = None,
    shape: Callable[[LlmSettings], LlmSettings] = lambda settings: settings,
    **changes: Any,
) -> GateReply:
    """The reply to the question, the last one if it is asked several times."""
    rules = GateRules(provider=api, latency_ms=0, deadline_ms=deadline_ms, on_failure=on_failure)  # type: ignore[arg-type]

    async def work() -> GateReply:
        recorded = None if cassette is None else Cassette(cassette)
        gate = build_remote(rules, shape(settings(url, **changes)), environ or ENVIRON, lambda: 0, cassette=recorded)
        try:
            for _ in range(times - 1):
                await gate.ask(context)
            return await gate.ask(context)
        finally:
            await gate.close()

    return asyncio.run(work())
