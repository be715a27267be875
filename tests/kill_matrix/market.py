"""What a killed node trades: the soak's recorded minutes, with a decision every three seconds of ours."""

from typing import Any

from tests.soak.market import Plan
from tests.soak.market import settings as soak_settings

PLAN = Plan(past_days=3, epochs=1)
"""A short past, so that a start is quick."""


def settings(url: str) -> dict[str, Any]:
    """As a soak's, but of shorter bars; bets last half a minute of ours at most, and all pairs may be held at once."""
    return soak_settings(PLAN, url) | {
        "name": "killed",
        "data.timeframes.high": "1m",
        "data.timeframes.medium": "2m",
        "data.timeframes.low": "4m",
        "data.timeframes.decision": "1m",
        "plan.hold_mins": 12,
        "guardian.rules.max_correlation": 1.0,
        "node.flatten_on_stop": True,
    }
