import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from plotly.offline import get_plotlyjs

from helios_nautilus.errors import DataError
from helios_nautilus.journal.records import (
    EventRecord,
    FillRecord,
    GateRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    RunRecord,
    SizingRecord,
    VolatilityRecord,
)
from helios_nautilus.report.page import regime_shares, render_page, write_report
from helios_nautilus.report.summary import Summary, summarise
from tests.unit.report.runs import FakeRun, fake_run, run_record

HOSTILE = "</script><script>alert('ö €')</script> {{ 7 * 7 }} \u2028 \x00 \"quoted\" & <b>bold</b>"
TEMPLATES = Path(__file__).parents[3] / "helios_nautilus" / "report" / "templates"


def page_of(run: FakeRun) -> str:
    return render_page(run.records, run.prices, summarise(run.records, run.prices))


@cache
def usual_page() -> str:
    return page_of(fake_run())


def without_plotly(page: str) -> str:
    return page.replace(get_plotlyjs(), "")


class Text(HTMLParser):
    """What a reader sees, and whether elements close in order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.scripts = 0
        self.feed(without_plotly(page))
        self.close()
        self.text = " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


def test_the_page_is_well_formed_and_every_link_has_its_target() -> None:
    page = Text(usual_page())
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


def test_the_page_asks_nothing_of_the_network() -> None:
    page = without_plotly(usual_page())
    assert "http" not in page.replace("http-equiv", "")
    assert not re.search(r"\bsrc=|<link|@import|url\(", page)
    assert "default-src 'none'" in page


def test_the_page_says_what_was_run_and_on_which_data() -> None:
    text = Text(usual_page()).text
    for words in ("Helios five tiers", "BACKTEST", "SYNTHETIC DATA", "2026-01-01 00:00 to 2026-01-16 00:00 UTC"):
        assert words in text
    for note in run_record().notes:
        assert note in text
    assert "Not financial advice" in text
    assert "not affiliated with Nautech Systems" in text
    assert "hold_mins = 240" in text


def test_real_data_carry_no_synthetic_badge() -> None:
    run = fake_run(days=2)
    real = [replace(r, is_synthetic=False) if isinstance(r, RunRecord) else r for r in run.records]
    assert "SYNTHETIC DATA" not in page_of(FakeRun(records=real, prices=run.prices))


def test_every_drop_reason_is_in_plain_words_with_its_count() -> None:
    run = fake_run()
    text = Text(usual_page()).text
    for step in summarise(run.records, run.prices).funnel.steps:
        for reason in step.reasons:
            assert f"{reason.count:,}".replace(",", " ") + " " + reason.words in text


def test_the_story_of_a_trade_has_every_tiers_words() -> None:
    run = fake_run()
    text = Text(usual_page()).text
    key = next(r.decision_id for r in run.records if isinstance(r, FillRecord))
    for record in run.records:
        if getattr(record, "decision_id", "") != key:
            continue
        if isinstance(record, SizingRecord):
            assert record.words in text
        if isinstance(record, GateRecord):
            assert record.reasoning in text


def test_a_run_without_trades_says_why() -> None:
    run = fake_run(trades=0)
    text = Text(page_of(run)).text
    assert "None of 2 112 predictions became a trade. Largest drops:" in text
    assert "at Aether: no edge left after costs" in text
    assert "No trade was made." in text


def test_a_run_without_a_single_prediction_says_so() -> None:
    text = Text(page_of(FakeRun(records=[run_record()], prices={}))).text
    assert "The model made no prediction" in text
    assert "Equity was never marked" in text


def test_a_single_trade_makes_a_whole_page() -> None:
    run = fake_run(seed=11, trades=1)
    assert sum(isinstance(record, PositionRecord) for record in run.records) == 1
    assert "with 1 closed trade." in Text(page_of(run)).text


def test_a_losing_run_is_called_one() -> None:
    assert "Lost R" in Text(page_of(fake_run(seed=3, drift=-0.0003, trades=60))).text


def test_a_huge_run_stays_readable_and_says_what_it_leaves_out() -> None:
    run = fake_run(days=24, every_bars=1, trades=4_000)
    assert sum(isinstance(record, PredictionRecord) for record in run.records) > 20_000
    page = page_of(run)
    assert len(page.encode()) < 8_000_000
    assert "are left out" in Text(page).text


def test_strange_text_stays_text() -> None:
    run = fake_run(days=3, note=HOSTILE)
    event = EventRecord(ts_ns=run.run.end_ns, kind=HOSTILE, words=HOSTILE, instrument_id=HOSTILE)
    records: list[Record] = [event]
    for record in run.records:
        if isinstance(record, SizingRecord):
            record = replace(record, words=HOSTILE, reason=HOSTILE, regime=HOSTILE)
        if isinstance(record, PositionRecord):
            record = replace(record, close_reason=HOSTILE)
        if isinstance(record, VolatilityRecord):
            record = replace(record, instrument_id=HOSTILE, source=HOSTILE)
        if isinstance(record, RunRecord):
            record = replace(record, strategy=HOSTILE, data_label=HOSTILE, config_toml=HOSTILE)
        records.append(record)
    page = page_of(FakeRun(records=records, prices=run.prices))
    assert Text(page).scripts == 3
    assert "{{ 7 * 7 }}" in page
    assert "<b>bold</b>" not in page


def test_only_the_latest_trades_are_listed_and_the_others_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helios_nautilus.report.page.TRADES_SHOWN", 10)
    text = Text(page_of(fake_run())).text
    assert "The latest 10 are listed here and marked in the charts; 3 earlier ones are only in the figures." in text


def test_prices_may_be_missing() -> None:
    run = fake_run(days=2)
    text = Text(page_of(FakeRun(records=run.records, prices={}))).text
    assert "No prices of this instrument in the window." in text
    assert "Buying and holding is unknown" in text


def test_entries_without_consent_raise_an_alarm() -> None:
    run = fake_run(days=4)
    records = [record for record in run.records if not isinstance(record, GateRecord)]
    assert (
        "Entries without the consent of every tier:" in Text(page_of(FakeRun(records=records, prices=run.prices))).text
    )


def test_write_report_leaves_two_whole_files_and_nothing_else(tmp_path: Path) -> None:
    run = fake_run(days=2)
    folder = tmp_path / "reports" / run.run.run_id
    summary = write_report(iter(run.records), run.prices, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "summary.json"]
    assert msgspec.json.decode((folder / "summary.json").read_bytes(), type=Summary) == summary


def test_the_same_run_gives_the_same_files(tmp_path: Path) -> None:
    run = fake_run(days=2)
    for name in ("first", "second"):
        write_report(run.records, run.prices, tmp_path / name)
    for name in ("index.html", "summary.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_nothing_is_written_for_a_journal_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        write_report([], {}, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_regime_shares_are_by_time_not_by_refits() -> None:
    refit = next(record for record in fake_run(days=2).records if isinstance(record, VolatilityRecord))
    refits = [replace(refit, ts_ns=ts, regime=regime) for ts, regime in ((0, "LOW"), (30, "HIGH"), (40, "LOW"))]
    assert regime_shares(refits, 100) == {refit.instrument_id: {"LOW": 0.9, "HIGH": 0.1}}


def luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(theme: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", (TEMPLATES / "page.css").read_text(), re.DOTALL)
    colors = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[theme]))
    for name in ("ink", "muted", "accent", "gain", "loss"):
        assert contrast(colors[name], colors["paper"]) >= 4.5
        assert contrast(colors[name], colors["surface"]) >= 4.5
    assert contrast(colors["notice-ink"], colors["notice"]) >= 4.5
