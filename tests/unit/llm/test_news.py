from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.decision.news import MAX_TITLE_CHARS, News
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import ConfigError, DataError
from helios_nautilus.llm.news import NewsSettings, Story, mentions, select_news
from helios_nautilus.llm.news_files import NewsArchive, load_stories

NOW = 1_769_860_800 * NS_PER_SEC  # 2026-01-31T12:00Z
SETTINGS = NewsSettings()


def story(title: str = "Bitcoin rises", *, mins_ago: float = 30, source: str = "wire") -> Story:
    return Story(ts_ns=NOW - round(mins_ago * NS_PER_MIN), title=title, source=source)


def titles(news: News | None) -> list[str]:
    assert news is not None
    return [headline.title for headline in news.headlines]


# Which stories are told


def test_the_newest_headlines_about_the_currency_are_told_with_age_and_sentiment() -> None:
    stories = [
        story("Bitcoin crashes after exchange is hacked", mins_ago=90),
        story("BTC gains, great optimism", mins_ago=5.5, source="feed"),
        story("Ethereum rises", mins_ago=1),
    ]
    news = select_news(stories, "BTC", NOW, SETTINGS)
    assert titles(news) == ["BTC gains, great optimism", "Bitcoin crashes after exchange is hacked"]
    assert news is not None
    good, bad = news.headlines
    assert (good.age_mins, good.source, bad.age_mins) == (5, "feed", 90)
    assert bad.sentiment < 0.0 < good.sentiment


def test_a_story_counts_from_the_moment_it_is_out_and_not_before() -> None:
    stories = [story("Bitcoin falls", mins_ago=60), Story(ts_ns=NOW, title="Bitcoin rises", source="wire")]
    assert titles(select_news(stories, "BTC", NOW - 1, SETTINGS)) == ["Bitcoin falls"]
    assert titles(select_news(stories, "BTC", NOW, SETTINGS)) == ["Bitcoin rises", "Bitcoin falls"]


def test_sources_that_have_been_silent_for_long_are_unavailable() -> None:
    stories = [story("Bitcoin rises", mins_ago=25 * 60)]
    assert select_news(stories, "BTC", NOW, SETTINGS) is None
    assert select_news([], "BTC", NOW, SETTINGS) is None


def test_news_about_others_only_are_no_headlines_but_an_answer() -> None:
    assert select_news([story("Ethereum rises")], "BTC", NOW, SETTINGS) == News()


def test_at_most_so_many_are_told_and_none_twice() -> None:
    stories = [story(f"Bitcoin story {number}", mins_ago=number + 1) for number in range(9)]
    stories += [story("bitcoin  STORY 0", mins_ago=20)]
    told = titles(select_news(stories, "BTC", NOW, NewsSettings(max_headlines=3)))
    assert told == ["Bitcoin story 0", "Bitcoin story 1", "Bitcoin story 2"]


def test_the_order_in_which_sources_answer_changes_nothing() -> None:
    stories = [story(f"Bitcoin {word}", mins_ago=10) for word in ("up", "down", "sideways")]
    assert select_news(stories, "BTC", NOW, SETTINGS) == select_news(stories[::-1], "BTC", NOW, SETTINGS)


@pytest.mark.parametrize(
    ("title", "is_about"),
    [
        ("BTC slips", True),
        ("bitcoin's long way", True),
        ("(BTC)", True),
        ("BTCUSD", False),
        ("btc slips", False),
        ("Bitcoiners meet", False),
        ("Nothing", False),
    ],
)
def test_a_title_is_about_a_currency_if_it_has_its_code_in_capitals_or_its_name(title: str, is_about: bool) -> None:
    assert mentions(title, "BTC", ("bitcoin",)) is is_about


def test_names_of_one_s_own_are_looked_for_as_well() -> None:
    settings = NewsSettings(names={"BTC": ("digital gold",)})
    assert titles(select_news([story("Digital Gold shines")], "BTC", NOW, settings)) == ["Digital Gold shines"]


@given(
    st.lists(st.integers(-3 * 24 * 60, 60), max_size=30),
    st.integers(-60, 60),
)
def test_nothing_published_later_changes_what_is_told(minutes: list[int], now_min: int) -> None:
    now_ns = NOW + now_min * NS_PER_MIN
    stories = [Story(ts_ns=NOW + minute * NS_PER_MIN, title=f"Bitcoin {minute}", source="s") for minute in minutes]
    known = [each for each in stories if each.ts_ns <= now_ns]
    archive = NewsArchive(stories, SETTINGS)
    assert archive.news("BTC", now_ns) == select_news(stories, "BTC", now_ns, SETTINGS)
    assert archive.news("BTC", now_ns) == NewsArchive(known, SETTINGS).news("BTC", now_ns)


def test_a_story_is_plain_and_short_wherever_it_comes_from() -> None:
    long = story("Bitcoin\x00 </headlines> " + "x" * 1_000_000, source="<wire>")
    assert len(long.title) <= MAX_TITLE_CHARS
    assert (long.title.split()[:2], long.source) == (["Bitcoin", "(/headlines)"], "(wire)")


def test_what_is_not_told_of_a_long_title_is_not_looked_at_either() -> None:
    assert select_news([story("word " * 50 + "Bitcoin")], "BTC", NOW, SETTINGS) == News()


# Files


def test_headlines_come_from_the_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"time": "2026-01-31T11:00:00Z", "title": "Bitcoin rises", "source": "wire", "more": 1}\n\n'
        '{"time": "2026-01-31T13:30:00.25+02:00", "title": "ETH falls"}\n'
    )
    (tmp_path / "b.txt").write_text("# a remark\n2026-01-31T10:00  SOL  waits\n")
    (tmp_path / "notes.md").write_text("no headlines")

    assert load_stories([tmp_path]) == [
        Story(ts_ns=NOW - NS_PER_HOUR, title="Bitcoin rises", source="wire"),
        Story(ts_ns=NOW - 30 * NS_PER_MIN + NS_PER_SEC // 4, title="ETH falls", source="a"),
        Story(ts_ns=NOW - 2 * NS_PER_HOUR, title="SOL  waits", source="b"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"time": "2026-01-31T11:00", "title": "x"}\n{"title": "no time"}\n'),
        ("a.jsonl", '{"time": "2026-01-31T11:00", "title": "x"}\n{"time": "soon", "title": "x"}\n'),
        ("a.jsonl", '{"time": "2026-01-31T11:00", "title": "x"}\n{"time": "2026-01-31", "title": "a day"}\n'),
        ("a.txt", "2026-01-31T11:00 x\n2026-01-31T11:00\n"),
        ("a.txt", "2026-01-31T11:00 x\nyesterday x\n"),
        ("a.txt", "2026-01-31T11:00 x\n2026-01-31 12:00 x\n"),
    ],
)
def test_a_line_that_is_no_headline_is_named(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=rf"{name}: line 2 is no headline"):
        load_stories([tmp_path / name])


def test_a_title_may_hold_a_rare_line_break(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"time": "2026-01-31T11:00", "title": "Bitcoin\u2028rises"}\r\n', encoding="utf-8"
    )
    (story,) = load_stories([tmp_path])
    assert titles(select_news([story], "BTC", NOW, SETTINGS)) == ["Bitcoin rises"]


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none.txt", tmp_path / "a.txt"):
        with pytest.raises(DataError, match="headlines cannot be read"):
            load_stories([path])
    with pytest.raises(DataError, match="are read from"):
        load_stories([tmp_path / "a.csv"])


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_headlines": 0},
        {"max_headlines": 21},
        {"max_age_hours": 0},
        {"stale_mins": 5.0},
        {"rss": ("example.com/feed",)},
        {"reddit": ("https://www.reddit.com/r/x",)},
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="news: "):
        NewsSettings(**wrong)  # type: ignore[arg-type]
