import numpy as np
from nautilus_trader.model.data import Bar

from helios_nautilus.actors.bar_maker import BarMaker, BarMakerConfig
from helios_nautilus.amounts import exact
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.features.aggregate import aggregate
from helios_nautilus.domain.timeframe import NS_PER_MIN, parse_timeframe
from tests.fakes import BTC, ETH, Kit, at, bars_of, engine_bars, random_walk


def made(kit: Kit, timeframe: str) -> list[Bar]:
    """What is published of BTC's bars of a length, from now on."""
    heard: list[Bar] = []
    kit.msgbus.subscribe(f"data.bars.{bar_type(BTC, timeframe, '1m').standard()}", heard.append)
    return heard


def start(kit: Kit, *timeframes: str) -> BarMaker:
    return kit.start(BarMaker(BarMakerConfig(instrument_ids=(BTC, ETH), timeframes=timeframes)))


def test_made_bars_are_those_that_training_makes_and_a_bar_with_a_hole_is_none(kit: Kit) -> None:
    maker = start(kit, "5m", "15m")
    bars = bars_of(random_walk(120), missing=(33, 60, 61))
    heard = {name: made(kit, name) for name in ("5m", "15m")}

    for bar in engine_bars(kit.cache.instrument(BTC), bars):
        maker.on_bar(bar)

    for name, found in heard.items():
        wanted = aggregate(bars, NS_PER_MIN, parse_timeframe(name), kit.cache.instrument(BTC).size_precision)
        assert [bar.ts_event for bar in found] == wanted.ts_ns.tolist()
        for field in ("open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal([exact(getattr(bar, field)) for bar in found], getattr(wanted, field))
    assert len(heard["5m"]) == 24 - 3


def test_a_bar_is_made_at_the_moment_of_its_last_part(kit: Kit) -> None:
    maker = start(kit, "5m")
    heard = made(kit, "5m")
    bars = engine_bars(kit.cache.instrument(BTC), bars_of(random_walk(5)))

    for bar in bars[:-1]:
        maker.on_bar(bar)
    assert heard == []
    maker.on_bar(bars[-1])

    assert [bar.ts_event for bar in heard] == [at(5)]


def test_a_part_that_comes_twice_does_not_make_up_for_another(kit: Kit) -> None:
    maker = start(kit, "5m")
    heard = made(kit, "5m")
    bars = engine_bars(kit.cache.instrument(BTC), bars_of(random_walk(5)))

    for bar in (*bars[:3], bars[2], bars[4]):
        maker.on_bar(bar)

    assert heard == []


def test_the_recorded_length_itself_is_not_made_again(kit: Kit) -> None:
    maker = start(kit, "1m", "5m")
    heard = made(kit, "1m")

    for bar in engine_bars(kit.cache.instrument(BTC), bars_of(random_walk(5))):
        maker.on_bar(bar)

    assert heard == []
