from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.offload import Offload, run_inline
from helios_nautilus.actors.prediction import PredictionActor, PredictionConfig
from helios_nautilus.actors.predictor import NoModel, StatefulPredictor
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.amounts import exact
from helios_nautilus.domain.bars import Floats, MarketData
from helios_nautilus.domain.features.aggregate import aggregate
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.domain.features.table import build_tables
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_MS, NS_PER_SEC, Timeframes, parse_timeframe
from helios_nautilus.errors import ModelError
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord, PredictionRecord
from helios_nautilus.messages import TOPIC_PREDICTIONS, Prediction
from helios_nautilus.models.service import PredictionValues
from tests.fakes import BTC, ETH, MODEL_ID, Kit, at, bars_of, engine_bars, random_walk

PAST = 2_040
"""Minutes of history: at least 102 bars of every timeframe, more than any feature asks for."""
LATENCY_NS = NS_PER_MS // 5
SAID = PredictionValues(p_buy=0.5, p_sell=0.2, p_hold=0.3, model_id=MODEL_ID, attention=(0.5, 0.3, 0.2))
SPEC = FeatureSpec(reference=BTC.value, universe=(BTC.value, ETH.value))


class Recorder:
    """A model that remembers what it observed, and decides whenever its past is whole and it has seen the close."""

    def __init__(self) -> None:
        self.seen: dict[tuple[int, int], list[tuple[int, bytes]]] = defaultdict(list)
        self.forgotten: list[int] = []

    def observe(self, timeframe: int, instrument: int, features: Floats, ts_ns: int) -> None:
        self.seen[timeframe, instrument].append((ts_ns, features.tobytes()))

    def decide(self, ts_ns: int) -> list[PredictionValues | None]:
        return [SAID if self.is_whole(instrument, ts_ns) else None for instrument in range(2)]

    def is_whole(self, instrument: int, ts_ns: int) -> bool:
        newest = max((seen[-1][0] for (_, i), seen in self.seen.items() if i == instrument), default=0)
        return instrument not in self.forgotten and newest == ts_ns

    def reset(self, instrument: int) -> None:
        self.forgotten.append(instrument)


class Close(Struct):
    """The bars of one minute, by instrument: the base bar first and then the longer ones, as the engine makes them."""

    minute: int
    bars: dict[InstrumentId, list[Bar]]


class World:
    """The actor with its real features, warmed up by a day of history, and the minutes that follow it."""

    def __init__(
        self,
        spec: FeatureSpec = SPEC,
        minutes: int = 30,
        *,
        model: StatefulPredictor | None = None,
        offload: Offload = run_inline,
    ) -> None:
        self.kit, self.journal, self.model = Kit(BTC, ETH), MemoryJournal(), model or Recorder()
        stream = FeatureStream(spec, dict.fromkeys(spec.universe, 8))
        self.market, history = {}, {}
        for seed, name in enumerate(spec.universe):
            bars = bars_of(random_walk(PAST + minutes, seed=seed))
            self.market[name] = MarketData(instrument_id=name, bars=bars)
            history[name] = MarketData(instrument_id=name, bars=bars.window(0, at(PAST)))
        stream.catch_up(history)
        self._timeframes = dict.fromkeys((spec.base, *spec.timeframes.names))
        self.published = self.kit.listen(TOPIC_PREDICTIONS)
        self.kit.clock.set_time(at(PAST))
        self.actor = self.kit.start(
            PredictionActor(PredictionConfig(spec=spec), self.journal, stream, self.model, offload=offload)
        )

    def closes(self, minutes: Iterable[int]) -> Iterator[Close]:
        """What the engine would hand out at the end of each of these minutes, counted from the history's end."""
        by_stamp: dict[int, dict[InstrumentId, list[Bar]]] = defaultdict(lambda: defaultdict(list))
        for name, data in self.market.items():
            future, instrument = data.bars.window(at(PAST), at(PAST + 60)), build_instrument(name)
            for timeframe in self._timeframes:
                longer = aggregate(future, NS_PER_MIN, parse_timeframe(timeframe), 8)
                for each in engine_bars(instrument, longer, timeframe):
                    by_stamp[each.ts_event][instrument.id].append(each)
        for minute in minutes:
            yield Close(minute, by_stamp[at(PAST + minute)])

    def hand_out(self, close: Close, *instrument_ids: InstrumentId) -> None:
        """The bars of these instruments, or of all, come in at their close."""
        self.kit.advance_to(max(at(PAST + close.minute), self.kit.clock.timestamp_ns()))
        for instrument_id in instrument_ids or (BTC, ETH):
            for each in close.bars[instrument_id]:
                self.actor.handle_bar(each)

    def live(self, *minutes: int) -> None:
        """Let whole minutes go by."""
        for close in self.closes(minutes):
            self.hand_out(close)
            self.pass_by(LATENCY_NS)

    def pass_by(self, length_ns: int) -> None:
        self.kit.advance_to(self.kit.clock.timestamp_ns() + length_ns)


def named(predictions: Iterable[Prediction]) -> list[tuple[str, int]]:
    """Instrument and minute of each."""
    return [(each.instrument_id.symbol.value, (each.ts_event - at(PAST)) // NS_PER_MIN) for each in predictions]


def assert_observed_as_a_batch_would(world: World, until: int, *instruments: int) -> None:
    """Every bar since the history's end once, in order, with a batch's features; of these instruments, or of all."""
    tables = build_tables(SPEC, world.market, dict.fromkeys(SPEC.universe, 8))
    for timeframe, table in enumerate(tables.tables):
        for instrument in instruments or range(len(SPEC.universe)):
            assert world.model.seen[timeframe, instrument] == [
                (int(ts_ns), row.tobytes())
                for ts_ns, row in zip(table.ts_ns, table.values[:, instrument], strict=True)
                if at(PAST) < ts_ns <= at(PAST + until)
            ]


@pytest.fixture
def world() -> World:
    return World()


def test_every_decision_bar_ends_with_a_prediction_for_every_instrument(world: World) -> None:
    world.live(*range(1, 11))

    assert named(world.published) == [("BTCZAR", 5), ("ETHZAR", 5), ("BTCZAR", 10), ("ETHZAR", 10)]


def test_a_prediction_says_what_was_known_when_and_is_journalled_before_it_is_told(world: World) -> None:
    in_journal_when_told: list[int] = []
    world.kit.msgbus.subscribe(
        TOPIC_PREDICTIONS, lambda _each: in_journal_when_told.append(len(world.journal.of(PredictionRecord)))
    )

    world.live(*range(1, 6))

    first = world.published[0]
    (close,) = world.closes([5])
    assert (first.ts_event, first.ts_init) == (at(PAST + 5), at(PAST + 5) + LATENCY_NS)
    assert (first.model_id, first.decision_id) == (MODEL_ID, "BTCZAR.VALR-20260106T1005")
    assert (first.p_buy, first.p_sell, first.p_hold, first.attention) == (0.5, 0.2, 0.3, (0.5, 0.3, 0.2))
    assert first.price == exact(close.bars[BTC][0].close)
    assert in_journal_when_told == [1, 2]


def test_an_input_unlike_the_training_span_is_told_with_a_veto() -> None:
    class Astonished(Recorder):
        def decide(self, ts_ns: int) -> list[PredictionValues | None]:
            return [replace(SAID, novelty=1.01), replace(SAID, novelty=0.99)]

    world = World(model=Astonished())

    world.live(*range(1, 6))

    assert [each.veto for each in world.published] == ["out_of_distribution", ""]
    assert [each.veto for each in world.journal.of(PredictionRecord)] == ["out_of_distribution", ""]


def test_an_error_of_the_model_ends_a_backtest() -> None:
    world = World(model=NoModel(ModelError("there is no model at catalog/models/demo")))
    with pytest.raises(ModelError, match="there is no model"):
        world.live(*range(1, 6))


def test_no_decision_is_made_before_the_whole_universe_is_in(world: World) -> None:
    world.live(1, 2, 3, 4)
    (close,) = world.closes([5])

    world.hand_out(close, BTC)
    world.pass_by(NS_PER_SEC)
    assert world.published == []

    for each in close.bars[ETH]:
        world.actor.handle_bar(each)
    world.pass_by(LATENCY_NS)
    assert named(world.published) == [("BTCZAR", 5), ("ETHZAR", 5)]
    assert world.journal.of(EventRecord) == []


def test_whoever_is_missing_after_the_grace_is_left_out_and_the_others_are_decided(world: World) -> None:
    world.live(1, 2, 3, 4)
    (close,) = world.closes([5])

    world.hand_out(close, BTC)
    world.pass_by(2 * NS_PER_SEC - 1)
    assert world.published == []
    world.pass_by(1)

    assert named(world.published) == [("BTCZAR", 5)]
    (event,) = world.journal.of(EventRecord)
    assert event.kind == "bars_missing"
    assert "1m, 5m" in event.words


def test_whoever_goes_on_without_the_bar_that_was_missing_has_a_hole(world: World) -> None:
    world.live(1, 2, 3, 4)
    (close,) = world.closes([5])
    world.hand_out(close, BTC)

    world.live(6, 7, 8, 9, 10)

    assert named(world.published) == [("BTCZAR", 5), ("BTCZAR", 10)]
    assert set(world.model.forgotten) == {1}


def test_a_bar_that_comes_after_the_grace_leads_to_no_second_decision_and_the_next_one_has_no_hole(
    world: World,
) -> None:
    world.live(1, 2, 3, 4)
    (close,) = world.closes([5])
    world.hand_out(close, BTC)
    world.pass_by(3 * NS_PER_SEC)

    for each in close.bars[ETH]:
        world.actor.handle_bar(each)
    world.pass_by(5 * NS_PER_SEC)
    world.live(6, 7, 8, 9, 10)

    assert named(world.published) == [("BTCZAR", 5), ("BTCZAR", 10), ("ETHZAR", 10)]
    assert world.model.forgotten == []
    assert_observed_as_a_batch_would(world, 10, 1)


@pytest.mark.parametrize("silent_mins", [4, 5, 17, 34])
def test_a_pair_whose_past_is_answered_long_after_the_others_has_no_hole(silent_mins: int) -> None:
    """As after a start or a lost line: one after the other, each with all of its bars in one burst."""
    world = World(minutes=60)
    closes = list(world.closes(range(1, silent_mins + 1)))
    world.kit.advance_to(at(PAST + silent_mins) + NS_PER_SEC)
    for name in (BTC, ETH):
        for close in closes:
            for each in close.bars[name]:
                world.actor.handle_bar(each)
        world.pass_by(20 * NS_PER_SEC)
    assert {each.instrument_id for each in world.published} <= {BTC}

    world.live(*range(silent_mins + 1, 46))

    assert named(world.published)[-4:] == [(name, minute) for minute in (40, 45) for name in ("BTCZAR", "ETHZAR")]
    assert_observed_as_a_batch_would(world, 45, 1)
    assert world.model.forgotten == []


def test_a_burst_that_is_too_old_for_a_decision_is_not_closed_before_everybody_is_in(world: World) -> None:
    closes = list(world.closes(range(1, 15)))
    world.kit.advance_to(at(PAST + 14))
    for name in (BTC, ETH):
        for close in closes:
            for each in close.bars[name]:
                world.actor.handle_bar(each)
        world.pass_by(20 * NS_PER_SEC)

    world.live(15)

    assert named(world.published) == [("BTCZAR", 15), ("ETHZAR", 15)]
    assert_observed_as_a_batch_would(world, 15)


def test_a_line_that_is_silent_over_several_decisions_leaves_no_hole_in_what_comes_after(world: World) -> None:
    world.live(*range(1, 8))
    silent = list(world.closes(range(8, 14)))
    world.kit.advance_to(at(PAST + 14))

    for close in silent:
        for each in close.bars[BTC] + close.bars[ETH]:
            world.actor.handle_bar(each)
    world.live(14, 15)

    assert named(world.published) == [(name, minute) for minute in (5, 15) for name in ("BTCZAR", "ETHZAR")]
    assert_observed_as_a_batch_would(world, 15)


def test_no_window_is_whole_behind_a_hole_of_all_pairs_and_it_is_said_for_how_long(world: World) -> None:
    world.live(1, 2)
    assert world.actor.missing() == ""

    world.live(4, 5)

    assert "no window is whole for 1.6 h" in world.actor.missing()


def test_bars_that_come_twice_lead_to_no_second_decision(world: World) -> None:
    world.live(1, 2, 3, 4, 5)
    (close,) = world.closes([5])

    world.hand_out(close)
    world.pass_by(5 * NS_PER_SEC)

    assert named(world.published) == [("BTCZAR", 5), ("ETHZAR", 5)]


def test_a_longer_bar_of_which_a_part_is_missing_is_not_used(world: World) -> None:
    world.live(1, 2)
    (close,) = world.closes([3])
    world.hand_out(close, BTC)

    world.live(4)
    (close,) = world.closes([5])
    world.hand_out(close)
    world.pass_by(2 * NS_PER_SEC)

    assert [ts_ns for ts_ns, _ in world.model.seen[1, 0]] == [at(PAST + 5)], "BTC's 5m bar is whole"
    assert world.model.seen[1, 1] == [], "the engine made one of ETH, too, of the four minutes it had"
    assert named(world.published) == [("BTCZAR", 5)]


def test_the_base_bars_may_be_shorter_than_any_timeframe() -> None:
    spec = FeatureSpec(
        timeframes=Timeframes(high="5m", medium="10m", low="20m", decision="5m"), universe=(BTC.value, ETH.value)
    )
    world = World(spec)

    world.live(*range(1, 11))

    assert named(world.published) == [("BTCZAR", 5), ("ETHZAR", 5), ("BTCZAR", 10), ("ETHZAR", 10)]
    assert [ts_ns for ts_ns, _ in world.model.seen[1, 0]] == [at(PAST + 10)]


@st.composite
def interleavings(draw: st.DrawFn) -> list[list[InstrumentId]]:
    """For each of 15 minutes, whose bar comes next: every instrument's own bars keep their order."""
    order = []
    for minute in range(1, 16):
        bars = 1 + (minute % 5 == 0) + (minute % 15 == 0)
        order.append(draw(st.permutations([BTC] * bars + [ETH] * bars)))
    return order


@settings(max_examples=15)
@given(interleavings())
def test_the_order_in_which_bars_come_changes_nothing(order: list[list[InstrumentId]]) -> None:
    usual, shuffled = World(), World()
    usual.live(*range(1, 16))

    for close, turns in zip(shuffled.closes(range(1, 16)), order, strict=True):
        shuffled.kit.advance_to(at(PAST + close.minute))
        waiting = {instrument_id: iter(bars) for instrument_id, bars in close.bars.items()}
        for instrument_id in turns:
            shuffled.actor.handle_bar(next(waiting[instrument_id]))
        shuffled.pass_by(LATENCY_NS)

    assert shuffled.model.seen == usual.model.seen
    assert list(shuffled.journal) == list(usual.journal)


def test_every_bar_is_observed_once_with_the_features_a_batch_would_give_it(world: World) -> None:
    world.live(*range(1, 16))

    assert_observed_as_a_batch_would(world, 15)
    assert len(world.model.seen) == 6


def test_bars_that_come_too_late_are_shown_to_the_model_and_lead_to_no_decision() -> None:
    world = World()
    world.pass_by(7 * NS_PER_MIN)

    world.live(*range(1, 6))
    assert world.published == []
    assert [event.kind for event in world.journal.of(EventRecord)] == ["input_stale"]
    world.live(*range(6, 11))

    assert named(world.published) == [("BTCZAR", 10), ("ETHZAR", 10)]
    assert [ts_ns for ts_ns, _ in world.model.seen[1, 0]] == [at(PAST + 5), at(PAST + 10)]
