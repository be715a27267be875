"""The run in a sentence or two, before any table: what it made, or why it did nothing."""

from typing import Final

from helios_nautilus.domain.performance import Performance
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.report import numerals
from helios_nautilus.report.funnel import Funnel
from helios_nautilus.report.summary import Summary

ROUGH_BELOW_DAYS: Final = 90
"""Ratios of a shorter run are called rough."""
_LARGEST_DROPS: Final = 3


def verdict(summary: Summary) -> str:
    """What the run made, over which time, and what buying and holding would have made."""
    words = _outcome(summary)
    if summary.buy_and_hold is not None:
        hold = numerals.percent(summary.buy_and_hold.performance.total_return, signed=True)
        words += f" Buying and holding came to {hold}."
    return words


def why_no_trades(funnel: Funnel) -> str:
    """Why no position was opened: the largest drops, in plain words."""
    if not funnel.predictions:
        return "The model made no prediction, so nothing could be decided. The events below may say why."
    drops = sorted(
        ((reason.count, step.tier, reason.words) for step in funnel.steps for reason in step.reasons), reverse=True
    )
    largest = "; ".join(f"{numerals.whole(n)} at {tier}: {words}" for n, tier, words in drops[:_LARGEST_DROPS])
    return f"None of {numerals.whole(funnel.predictions)} predictions became a trade. Largest drops: {largest}."


def is_rough(summary: Summary) -> bool:
    """Whether the run is too short for its ratios to mean much."""
    return summary.run.end_ns - summary.run.start_ns < ROUGH_BELOW_DAYS * NS_PER_DAY


def deepest_fall(performance: Performance) -> float | None:
    """Depth of the deepest drawdown; 0 where equity never fell, unknown where it was never marked."""
    if performance.max_drawdown is not None:
        return performance.max_drawdown.depth
    return None if performance.total_return is None else 0.0


def _outcome(summary: Summary) -> str:
    run, total = summary.run, summary.total
    span = _plural(round((run.end_ns - run.start_ns) / NS_PER_DAY, 1), "day")
    trades = _plural(total.performance.trades.count, "closed trade")
    if total.pnl is None:
        return f"Equity was never marked in {span} with {trades}, so the return is unknown."
    share = numerals.percent(total.performance.total_return, signed=True)
    if not numerals.tone(total.pnl):
        return f"Neither gained nor lost over {span} with {trades}."
    done = "Gained" if total.pnl > 0 else "Lost"
    return f"{done} {numerals.money(abs(total.pnl), run.account_currency)} ({share}) over {span} with {trades}."


def _plural(count: float, noun: str) -> str:
    return f"{count:g} {noun}" if count == 1 else f"{f'{count:g}' if count else 'no'} {noun}s"
