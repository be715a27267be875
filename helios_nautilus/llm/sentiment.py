"""The sentiment of a headline by VADER, a lexicon of words with their valence; no network, no training.

C.J. Hutto and E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", 2014.
"""

from functools import cache
from typing import Any

from helios_nautilus.errors import ConfigError


def sentiment_of(text: str) -> float:
    """VADER's compound score of a text, from -1 to 1. `ConfigError` if the package is not installed."""
    return float(_analyser().polarity_scores(text)["compound"])


def require_sentiment() -> None:
    """`ConfigError` now if sentiment cannot be told, rather than at a run's first headline."""
    _analyser()


@cache
def _analyser() -> Any:
    """Made once: it reads a dictionary of some thousand words."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError as error:
        raise ConfigError("news need a package that is not installed: pip install 'helios-nautilus[llm]'") from error
    return SentimentIntensityAnalyzer()
