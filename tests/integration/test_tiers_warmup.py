"""A run that is warmed up from history goes on as if it had always been running."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from helios_nautilus.actors.aether import Aether, AetherConfig
from helios_nautilus.actors.consult import OnTheSpot
from helios_nautilus.actors.llm_gate import LlmGate, LlmGateConfig
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.config import DataSection, HeliosConfig, ModelSection, TrainingSection, Window
from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.features.aggregate import aggregate
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.llm.off import OffProvider
from helios_nautilus.node.warmup import trailed_bars, warm_histories, warm_trackers
from tests.fakes import BTC, Kit, at, bars_of, engine_bars, random_walk

MINUTES, HALF = 3 * 1_440, 2 * 1_440
PRECISIONS, BASES = {BTC.value: 8}, {BTC.value: "BTC"}


@pytest.fixture(scope="module")
def bars() -> Bars:
    return bars_of(random_walk(MINUTES))


@pytest.fixture
def config() -> HeliosConfig:
    return HeliosConfig(
        name="warm",
        data=DataSection(catalog=Path("nowhere"), instruments=(BTC.value,)),
        backtest=Window(start="2026-01-07", end="2026-01-08"),
        training=TrainingSection(window=Window(start="2026-01-01", end="2026-01-07")),
        model=ModelSection(folder=Path("nowhere")),
    )


def history(bars: Bars, until: int) -> dict[str, MarketData]:
    return {BTC.value: MarketData(instrument_id=BTC.value, bars=bars.window(0, at(until)))}


def stream_rest(kit: Kit, actor: Aether | LlmGate, bars: Bars) -> None:
    """The 5-minute bars of the last day, as the engine hands them out."""
    rest = aggregate(bars.window(at(HALF), at(MINUTES)), NS_PER_MIN, 5 * NS_PER_MIN, 8)
    for each in engine_bars(build_instrument(BTC.value), rest, "5m"):
        kit.clock.set_time(each.ts_event)
        actor.handle_bar(each)


def test_volatility_goes_on_where_history_left_it(config: HeliosConfig, bars: Bars) -> None:
    whole = warm_trackers(config, history(bars, MINUTES), PRECISIONS, BASES)[BTC.value]
    warm = warm_trackers(config, history(bars, HALF), PRECISIONS, BASES)
    kit = Kit(BTC)

    aether = kit.start(Aether(AetherConfig(instrument_ids=(BTC,)), MemoryJournal(), trackers=warm))
    stream_rest(kit, aether, bars)

    assert whole.forecast is not None
    assert whole.forecast.source == "garch"
    assert warm[BTC.value].forecast == whole.forecast


def test_the_longer_past_goes_on_where_history_left_it(config: HeliosConfig, bars: Bars) -> None:
    whole = warm_histories(config, history(bars, MINUTES), PRECISIONS)[BTC.value]
    warm = warm_histories(config, history(bars, HALF), PRECISIONS)
    kit = Kit(BTC)

    gate = kit.start(LlmGate(LlmGateConfig(instrument_ids=(BTC,)), MemoryJournal(), OnTheSpot(OffProvider()), warm))
    stream_rest(kit, gate, bars)

    past = warm[BTC.value]
    assert past.price == whole.price
    assert past.volume_24h() == whole.volume_24h() == pytest.approx(100.0 * 1_440)
    assert past.change(NS_PER_DAY) == whole.change(NS_PER_DAY) != past.change(NS_PER_HOUR)
    assert past.daily_closes(at(MINUTES)).tolist() == whole.daily_closes(at(MINUTES)).tolist()
    assert len(past.daily_closes(at(MINUTES))) == 3


def test_a_trailing_stop_goes_on_from_the_decision_bars_of_history(config: HeliosConfig, bars: Bars) -> None:
    past = history(bars, HALF)
    trails = replace(config, plan=ExitPlan(trail_atr=2.0))

    (known,) = trailed_bars(trails, past, PRECISIONS).values()

    assert known.ts_ns[-1] == at(HALF)
    assert len(known) == HALF // 5
    assert known.high[-1] == bars.high[HALF - 5 : HALF].max()
    assert trailed_bars(config, past, PRECISIONS) == {}, "nobody asks for them"
