"""Plain words for the codes in the journal. A code nobody has worded yet is shown as it is."""

from collections.abc import Iterable
from typing import Final

NO_ANSWER: Final = "no_answer"

_WORDS: Final = {
    "": "no reason is given",
    NO_ANSWER: "no answer is recorded",
    # the strategy, about a prediction
    "hold": "the model preferred to wait (HOLD)",
    "exit": "it closed an open position instead of opening one",
    "no_prediction": "there was no prediction of that bar to rest on",
    "rebalancing": "it stood below its target weight",
    "position_open": "a position was already open",
    "no_shorts": "it would have been a short, which this account may not enter",
    "pending": "an earlier decision was still under way",
    "entries_off": "new entries were switched off",
    "switched_off": "an operator had switched entries or a tier off",
    "out_of_distribution": "the market looked like nothing the model was trained on",
    # Aether
    "low_confidence": "confidence in the direction was too low",
    "no_edge": "no edge left after costs",
    "too_small": "the position would have been too small to trade",
    "no_volatility": "volatility was not known yet",
    "stop_too_wide": "the stop would have been too far away",
    "few_outcomes": "too few past bets of this confidence to judge by",
    "bad_input": "a figure it needs was missing or impossible",
    # the gate
    "reject": "rejected, with no flag given",
    "gate_failed": "the gate gave no answer in time",
    "gate_off": "the gate is switched off",
    "undecodable": "the answer could not be read",
    "refused": "the model declined to judge it",
    "suspicious_news": "a headline that tries to give orders",
    "extreme_volatility": "extreme volatility",
    "unknown_volatility": "volatility unknown",
    "thin_liquidity": "thin liquidity",
    "unknown_liquidity": "liquidity unknown",
    "crisis_correlation": "the market moves as one (crisis correlation)",
    "unknown_correlation": "correlation unknown",
    "against_trend": "against the trend",
    "unknown_trend": "trend unknown",
    "no_news": "no news available",
    "moderate_confidence": "moderate confidence",
    # Guardian's checks
    "unnamed_check": "a check was not passed, but none is named",
    "kill_switch": "the kill switch",
    "drawdown": "drawdown from the peak of equity",
    "daily_loss": "loss since midnight UTC",
    "position": "size of the single position",
    "sector": "exposure to one sector",
    "correlation": "correlation with an open position",
    "leverage": "leverage of the portfolio",
    "open_positions": "number of open positions",
    "price": "distance of the order price from the market",
    "duplicates": "repeat of the same side and instrument",
    "rate": "entries within a minute",
    # the venue, about an entry order
    "expired": "the entry expired unfilled",
    "canceled": "the entry was cancelled unfilled",
    "rejected": "the venue rejected the entry",
    "denied": "the engine denied the entry before it was sent",
    "initialized": "the entry was prepared but not sent",
    "submitted": "the entry was sent but not yet answered at the end",
    "accepted": "the entry was still working at the end",
    "updated": "the entry was still working at the end",
    "filled": "reported as filled, but no fill is recorded",
    # why a position ended
    "stop_loss": "stop",
    "take_profit": "target",
    "signal": "opposite signal",
    "kill": "kill switch",
    "manual": "by hand",
    "rebalance": "rebalancing",
}

_TIERS: Final = {"aether": "Aether", "gate": "the gate", "guardian": "Guardian"}
_CLOSE_WORDS: Final = {"timeout": "time-out"}


def tier_name(stage: str) -> str:
    """A tier's name inside a sentence."""
    return _TIERS.get(stage, stage)


def phrase(code: str) -> str:
    """Words for one code; the code itself where none are known."""
    return _WORDS.get(code.strip().lower(), code)


def phrases(codes: Iterable[str]) -> str:
    """Words for several codes that hold together."""
    return "; ".join(map(phrase, codes))


def close_words(reason: str) -> str:
    """Words for the reason that a position ended; a time-out there is not a deadline that was missed."""
    return _CLOSE_WORDS.get(reason.lower()) or phrase(reason)
