import sys

import pytest

from helios_nautilus.errors import ConfigError
from helios_nautilus.llm import sentiment
from helios_nautilus.llm.news import NewsSettings
from helios_nautilus.llm.news_files import NewsArchive
from helios_nautilus.llm.news_room import NewsRoom
from helios_nautilus.llm.sentiment import sentiment_of


def test_good_words_are_above_zero_bad_ones_below_and_all_within_one() -> None:
    good, plain, bad = map(sentiment_of, ("great gains, optimism", "Bitcoin at noon", "hacked, huge losses, fear"))
    assert -1.0 <= bad < plain == 0.0 < good <= 1.0


def test_without_the_package_a_desk_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    sentiment._analyser.cache_clear()
    for open_desk in (lambda: NewsArchive([], NewsSettings()), lambda: NewsRoom([], NewsSettings())):
        with pytest.raises(ConfigError, match=r"pip install 'helios-nautilus\[llm\]'"):
            open_desk()
