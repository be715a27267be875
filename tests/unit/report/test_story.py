"""Stories of a made-up run (`runs`), and of decisions put together by hand where the run has none of the kind."""

from decimal import Decimal
from io import StringIO
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console

from helios_nautilus.domain.decision.context import (
    GateContext,
    MarketConditions,
    OpenPosition,
    PastPrediction,
    PortfolioState,
)
from helios_nautilus.domain.decision.news import Headline, News
from helios_nautilus.domain.decision.policy import Terms
from helios_nautilus.domain.plan import Side
from helios_nautilus.journal.records import (
    ContextRecord,
    EventRecord,
    FillRecord,
    GateCallRecord,
    GateRecord,
    GuardianRecord,
    OrderRecord,
    OutcomeRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    SignalRecord,
    SizingRecord,
)
from helios_nautilus.report.numerals import SPACE
from helios_nautilus.report.story import Story, tell_story
from helios_nautilus.report.story_terminal import print_story
from tests.unit.report.runs import fake_run

RUN = fake_run(trades=60)


def records_of(decision_id: str) -> list[Record]:
    return [record for record in RUN.records if getattr(record, "decision_id", "") == decision_id]


def first(kind: type[Record], **fields: Any) -> list[Record]:
    """All records of the first decision that has one of a kind with these fields."""
    for record in RUN.records:
        if isinstance(record, kind) and all(getattr(record, name) == value for name, value in fields.items()):
            return records_of(record.decision_id)  # type: ignore[attr-defined]
    raise LookupError(f"the made-up run has no {kind.__name__} with {fields}")


TRADE = first(PositionRecord)
CLOSED = next(record for record in TRADE if isinstance(record, PositionRecord))
IDS: dict[str, Any] = {"decision_id": CLOSED.decision_id, "instrument_id": CLOSED.instrument_id}


def words_of(story: Story, title: str, label: str = "") -> str:
    """A chapter's summary, or one of its facts, with plain spaces."""
    chapter = next(chapter for chapter in story.chapters if chapter.title == title)
    found = chapter.summary if not label else next(fact.words for fact in chapter.facts if fact.label == label)
    return found.replace(SPACE, " ")


def printed(story: Story, width: int) -> list[str]:
    out = StringIO()
    print_story(story, Console(file=out, width=width))
    return out.getvalue().splitlines()


def test_a_trade_is_told_from_the_bar_to_the_position() -> None:
    story = tell_story(RUN.run, TRADE)
    assert [chapter.title for chapter in story.chapters] == [
        "Model",
        "Strategy",
        "Aether (risk)",
        "Gate",
        "Guardian",
        "Orders",
        "Fills",
        "Position",
    ]
    assert story.headline.startswith(f"Bought {CLOSED.quantity.normalize():f} {CLOSED.instrument_id} at ")
    assert f"a {'gain' if CLOSED.pnl > 0 else 'loss'} of R" in story.headline
    assert list(story.records) == TRADE


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_torn_from_its_unit(width: int) -> None:
    for records in (TRADE, first(GuardianRecord, passed=False), first(GateRecord, decision="MODIFY")):
        lines = printed(tell_story(RUN.run, records), width)
        assert max(map(len, lines)) <= width
        assert not [line for line in lines if line.strip().startswith("%")]


@pytest.mark.parametrize(
    ("kind", "fields", "who", "last"),
    [
        (SignalRecord, {"reason": "hold"}, "The strategy stopped it: the model preferred to wait", "Strategy"),
        (SizingRecord, {"approved": False, "reason": "no_edge"}, "Aether stopped it: no edge left", "Aether (risk)"),
        (GateRecord, {"decision": "REJECT"}, "The gate stopped it: thin liquidity", "Gate"),
        (GuardianRecord, {"passed": False}, "Guardian stopped it: ", "Guardian"),
        (OrderRecord, {"status": "EXPIRED"}, "The venue stopped it: the entry expired unfilled", "Orders"),
    ],
)
def test_a_decision_that_became_no_trade_says_who_stopped_it_and_why(
    kind: type[Record], fields: dict[str, Any], who: str, last: str
) -> None:
    story = tell_story(RUN.run, first(kind, **fields))
    assert story.headline.startswith(f"No trade. {who}")
    assert story.chapters[-1].title == last


def test_a_prediction_that_closed_a_position_says_so() -> None:
    records = [
        replace(each, action="exit", reason="sell") if isinstance(each, SignalRecord) else each
        for each in first(SignalRecord, reason="hold")
    ]
    story = tell_story(RUN.run, records)
    assert story.headline.startswith("No new trade: the prediction closed the open position")
    assert words_of(story, "Strategy") == "closed what was open"


def test_an_open_position_is_not_told_as_closed() -> None:
    story = tell_story(RUN.run, [each for each in TRADE if not isinstance(each, PositionRecord)])
    assert story.headline.endswith("the journal does not say that it was closed.")
    assert "Position" not in [chapter.title for chapter in story.chapters]


def test_the_model_tells_chances_timeframes_and_price() -> None:
    story = tell_story(
        replace(RUN.run, config_toml='[data.timeframes]\nhigh = "5m"\nmedium = "15m"\nlow = "1h"\n'), TRADE
    )
    assert "(BUY)" in words_of(story, "Model", "Chances")
    assert [part.split()[0] for part in words_of(story, "Model", "Looked at").split(", ")] == ["5m", "15m", "1h"]
    assert words_of(story, "Model", "Bar").startswith("the 5m bar that closed at 2026-01-")


def test_a_configuration_that_cannot_be_read_any_more_does_not_spoil_the_story() -> None:
    for text in ("=", "[data]\ntimeframes = 3", "data = 1"):
        assert tell_story(replace(RUN.run, config_toml=text), TRADE).headline


def test_a_veto_is_told() -> None:
    records = [replace(r, veto="out_of_distribution") if isinstance(r, PredictionRecord) else r for r in TRADE]
    story = tell_story(RUN.run, records)
    assert words_of(story, "Model").endswith("but vetoed")
    assert "nothing the model was trained on" in words_of(story, "Model", "Vetoed")


def test_aether_tells_every_step_from_kelly_to_the_size() -> None:
    steps = {"kelly_full": 0.58, "edge": 0.55, "kelly_scaled": 0.145, "kelly_after_vol": 0.058}
    sized = {**steps, "kelly_after_drawdown": 0.029, "cap": 0.02, "capped_by": "regime", "hold_ns": 4 * 3600 * 10**9}
    story = tell_story(RUN.run, [replace(r, **sized) if isinstance(r, SizingRecord) else r for r in TRADE])
    assert words_of(story, "Aether (risk)", "Kelly") == (
        "the full fraction is 58.00 % of equity, 55.00 % after costs; cut to 14.50 %, for volatility to 5.80 %, for "
        "drawdown to 2.90 %"
    )
    assert words_of(story, "Aether (risk)", "Cap") == "2.00 % of equity by the regime: the size was cut to it"
    assert words_of(story, "Aether (risk)", "Exits").endswith("held for 4 h 0 min at most")


def test_a_bet_without_an_edge_is_told_without_a_size() -> None:
    records = first(SizingRecord, approved=False, reason="no_edge")
    story = tell_story(RUN.run, [replace(r, edge=-0.02) if isinstance(r, SizingRecord) else r for r in records])
    labels = {fact.label for fact in story.chapters[-1].facts}
    assert not labels & {"Exits", "Cap", "Leverage"}
    assert words_of(story, "Aether (risk)", "Kelly").endswith("a bet to stay out of")


def test_what_the_gate_changed_and_what_it_was_refused_are_told_apart() -> None:
    story = tell_story(RUN.run, first(GateRecord, decision="MODIFY"))
    assert words_of(story, "Gate", "Changed") == "size R5 200.00 → R2 600.00"
    assert "asked for a wider stop" in words_of(story, "Gate", "Not given")


def test_the_gate_tells_what_it_was_told_who_was_asked_and_what_it_cost() -> None:
    asked: dict[str, Any] = {**IDS, "ts_ns": TRADE[0].ts_ns, "request_hash": "h", "request": "{}", "answer": ""}
    calls = [
        GateCallRecord(
            **asked,
            provider="anthropic",
            model="claude-x",
            source="failed",
            outcome="timeout",
            words="no answer in time",
        ),
        GateCallRecord(
            **asked,
            provider="openai",
            model="other-y",
            source="live",
            outcome="answered",
            latency_ms=1234.0,
            input_tokens=1200,
            output_tokens=80,
            cost_usd=0.0042,
        ),
    ]
    told = ContextRecord(**IDS, ts_ns=TRADE[0].ts_ns, context=context())
    answered = [replace(r, source="live", provider="openai") if isinstance(r, GateRecord) else r for r in TRADE]
    story = tell_story(RUN.run, [*answered[:3], told, *calls, *answered[3:]])
    asked_words = [fact.words for c in story.chapters if c.title == "Gate" for fact in c.facts if fact.label == "Asked"]
    assert [words.replace(SPACE, " ") for words in asked_words] == [
        "anthropic claude-x: no answer in time",
        "openai other-y: answered in 1.2 s, 1 200 tokens in, 80 out, $ 0.0042",
    ]
    assert "openai, asked over the network" in words_of(story, "Gate", "Answered by")
    assert "24 h +3.00 %, 7 d unknown" in words_of(story, "Gate", "Told: market")
    assert "holding long ETHZAR.VALR (5.00 % of equity)" in words_of(story, "Gate", "Told: account")
    assert words_of(story, "Gate", "Told: record").startswith(
        "of the last 2 predictions here 1 were right and 0 wrong; in 1 neither side paid"
    )
    assert "“VALR lists a pair” (file)" in words_of(story, "Gate", "Told: news")


def context() -> GateContext:
    return GateContext(
        ts_ns=0,
        decision_id="d",
        instrument_id="BTCZAR.VALR",
        side=Side.LONG,
        terms=Terms(confidence=0.7, notional=1.0, leverage=1.0, stop=0.02, target=0.04, costs=0.006),
        market=MarketConditions(price=1.0, change_24h=0.03),
        portfolio=PortfolioState(
            equity=1e5,
            drawdown=0.0,
            exposure=0.05,
            positions=(OpenPosition(instrument_id="ETHZAR.VALR", side=Side.LONG, weight=0.05),),
        ),
        recent=(
            PastPrediction(ts_ns=0, side=Side.LONG, confidence=0.6, is_hit=True, net_return=0.01),
            PastPrediction(ts_ns=0, side=Side.LONG, confidence=0.6),
        ),
        news=News(headlines=(Headline(title="VALR lists a pair", source="file", age_mins=5, sentiment=0.4),)),
    )


def test_a_gate_that_was_asked_and_never_answered_is_told() -> None:
    told = ContextRecord(**IDS, ts_ns=TRADE[0].ts_ns, context=context())
    story = tell_story(RUN.run, [*(r for r in TRADE[:3]), told])
    assert words_of(story, "Gate") == "no answer is recorded"
    assert story.headline == "No trade. The gate stopped it: no answer is recorded."


def test_guardian_tells_every_check_with_value_and_limit_and_the_failed_first() -> None:
    chapter = tell_story(RUN.run, first(GuardianRecord, passed=False)).chapters[-1]
    assert chapter.sheet is not None
    assert [row[0] for row in chapter.sheet.rows] == ["FAILED", *["ok"] * 10]
    assert chapter.summary == "stopped it, for 1 of 11 checks failed"
    assert ("ok", "drawdown from the peak of equity", f"4.50{SPACE}%", f"15.00{SPACE}%") in chapter.sheet.rows


def test_slippage_is_against_the_decision_and_worse_is_positive_on_either_side() -> None:
    price = next(r for r in TRADE if isinstance(r, PredictionRecord)).price
    entry = next(r for r in TRADE if isinstance(r, FillRecord))
    dearer = replace(entry, price=Decimal(str(price * 1.001)))
    assert "0.100 % worse" in words_of(tell_story(RUN.run, [*TRADE[:5], dearer]), "Fills", "Slippage")
    sold = replace(dearer, side="SELL")
    assert "0.100 % better" in words_of(tell_story(RUN.run, [*TRADE[:5], sold]), "Fills", "Slippage")


def test_an_entry_in_parts_is_summed_up() -> None:
    entry = next(r for r in TRADE if isinstance(r, FillRecord))
    halves = [replace(entry, quantity=entry.quantity / 2, price=Decimal(price)) for price in ("100", "102")]
    story = tell_story(RUN.run, [r for part in ([r] if r is not entry else halves for r in TRADE) for r in part])
    assert f"Bought {entry.quantity.normalize():f} {entry.instrument_id} at 101.000" in story.headline
    assert words_of(story, "Fills").startswith("3 fills")


def test_an_entry_filled_in_part_and_a_stop_that_moved_are_told_in_their_rows() -> None:
    entry = next(r for r in TRADE if isinstance(r, OrderRecord) and r.role == "ENTRY")
    fill = next(r for r in TRADE if isinstance(r, FillRecord))
    stops = [
        replace(entry, role="STOP", side="SELL", client_order_id="s", price=Decimal(price), status=status)
        for price, status in (("90", "SUBMITTED"), ("95", "UPDATED"))
    ]
    part, rest = replace(entry, status="SUBMITTED"), replace(entry, status="CANCELED")
    half = replace(fill, quantity=entry.quantity / 2)
    chapter = tell_story(RUN.run, [*TRADE[:5], part, half, *stops, rest]).chapters[5]
    assert chapter.sheet is not None
    first, second = chapter.sheet.rows
    assert first[-1] == "sent, filled in part, cancelled"
    assert second[1:] == ("stop", f"sell limit {entry.quantity.normalize():f} at 90.0000 → 95.0000", "sent, updated")


def test_hindsight_says_whether_the_prediction_was_right() -> None:
    outcome = OutcomeRecord(
        **IDS, ts_ns=CLOSED.ts_ns, predicted_ns=0, side="LONG", confidence=0.7, label="BUY", net_return=0.012
    )
    story = tell_story(RUN.run, [*TRADE, outcome])
    assert words_of(story, "In hindsight") == "right: BUY"
    assert "+1.20 % of the size" in words_of(story, "In hindsight", "Prediction")
    wrong = tell_story(RUN.run, [*TRADE, replace(outcome, label="SELL")])
    assert words_of(wrong, "In hindsight") == "wrong: it was a SELL"


def test_errors_on_the_way_are_told() -> None:
    event = EventRecord(**IDS, ts_ns=CLOSED.ts_ns, kind="pipeline_error", words="gate: ValueError: x")
    assert words_of(tell_story(RUN.run, [*TRADE, event]), "Events", "Pipeline error") == "gate: ValueError: x"


def test_words_from_outside_are_text_and_no_markup() -> None:
    records = [replace(r, reasoning="[bold]Buy[/bold] [/]") if isinstance(r, GateRecord) else r for r in TRADE]
    assert any("[bold]Buy[/bold] [/]" in line for line in printed(tell_story(RUN.run, records), 120))


def test_a_story_as_json_holds_every_record_whole() -> None:
    told = msgspec.json.decode(msgspec.json.encode(tell_story(RUN.run, TRADE, "kept.2", ["Also elsewhere."])))
    assert told["records"] == msgspec.json.decode(msgspec.json.encode(TRADE))
    assert told["run"]["run_id"] == "kept.2"
    assert told["also"] == ["Also elsewhere."]


@given(st.sets(st.integers(0, len(TRADE) - 1), min_size=1))
def test_a_story_can_be_told_of_any_part_of_the_records(places: set[int]) -> None:
    story = tell_story(RUN.run, [TRADE[place] for place in sorted(places)])
    assert story.headline
    assert printed(story, 80)
