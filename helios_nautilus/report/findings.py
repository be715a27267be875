"""An evaluation in a few sentences, before any table: which model is better than what, and whether it earns its costs.

The words follow from the intervals alone; a model that is not better is called just that.
"""

from collections.abc import Iterator
from typing import Final

from helios_nautilus.models.bootstrap import MIN_TEST_DAYS, Interval
from helios_nautilus.models.judgement import Comparison, Judgement, Verdict
from helios_nautilus.models.money import Takings
from helios_nautilus.report import numerals

NAMES: Final = {
    "prior": "the prior",
    "logistic": "the logistic regression",
    "boosting": "boosted trees",
    "network": "the network",
    "ensemble": "the ensemble of network and trees",
}
"""How the models are called in a sentence."""
_SAID: Final[dict[Verdict, str]] = {
    "better": "is better than",
    "not better": "is not better than",
    "unclear": "may or may not be better than",
}
SURE: Final = 0.95
"""Deflated Sharpe ratio from which gains are not put down to luck."""


def overall(judgement: Judgement, model: str) -> Verdict:
    """``better`` only if a model is better than every baseline; ``not better`` if it is surely not better than one."""
    verdicts = {each.verdict for each in judgement.against(model)}
    if verdicts == {"better"}:
        return "better"
    return "not better" if "not better" in verdicts else "unclear"


def headline(judgement: Judgement) -> str:
    """The verdict in one line."""
    models = list(dict.fromkeys(each.model for each in judgement.comparisons))
    better = [NAMES[model] for model in models if overall(judgement, model) == "better"]
    if better:
        return _sentence(f"{' and '.join(better)} {'are' if len(better) > 1 else 'is'} better than every baseline.")
    if all(overall(judgement, model) == "not better" for model in models):
        return "Not better than the baselines."
    return "Unclear: no model is surely better than every baseline."


def sentences(judgement: Judgement) -> Iterator[str]:
    """How each judged model fares against each baseline, then what it would have earned."""
    if judgement.days < MIN_TEST_DAYS:
        yield f"{judgement.days} test days are too few for a verdict; it takes {MIN_TEST_DAYS}."
    for model in dict.fromkeys(each.model for each in judgement.comparisons):
        yield _against(judgement.against(model), NAMES[model])
    yield _earnings(judgement)


def difference_words(difference: Interval | None) -> str:
    """An interval of log-loss differences, such as ``0.0012 (−0.0001 to 0.0025)``."""
    if difference is None:
        return numerals.UNKNOWN
    estimate, low, high = (_loss(value) for value in (difference.estimate, difference.low, difference.high))
    return f"{estimate} ({low} to {high})"


def _against(comparisons: tuple[Comparison, ...], name: str) -> str:
    parts = []
    for verdict, words in _SAID.items():
        found = [NAMES[each.baseline] for each in comparisons if each.verdict == verdict]
        if found:
            parts.append(f"{words} {_list(found)}")
    return _sentence(f"{name} {'; it '.join(parts)}.")


def _earnings(judgement: Judgement) -> str:
    models = dict.fromkeys(each.model for each in judgement.comparisons)
    gains = [(model, each) for model in models for each in judgement.showing(model).takings if each.total_net > 0]
    if not gains:
        return "Net of fees and spread, no threshold made money, neither as taker nor as maker."
    sure = [(model, each) for model, each in gains if (each.deflated_sharpe or 0.0) >= SURE]
    model, best = max(sure or gains, key=lambda each: each[1].deflated_sharpe or 0.0)
    words = f"Net of fees and spread, {NAMES[model]} made {_taking_words(best)}"
    if sure:
        return words + f"; luck among {judgement.trials} variants is an unlikely reason."
    return words + f", but luck among {judgement.trials} variants may be all there is to it."


def _taking_words(takings: Takings) -> str:
    mean = numerals.percent(takings.mean_net, places=3, signed=True)
    trades = "1 trade" if takings.trades == 1 else f"{numerals.whole(takings.trades)} trades"
    return f"{mean} a trade on {trades} as {takings.entry} at a confidence of {takings.threshold:.2f}"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _loss(value: float) -> str:
    return f"{value:.4f}".replace("-", "\u2212")
