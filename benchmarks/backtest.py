"""The whole backtest against the same bars and quotes through a strategy that does nothing, in one process.

Runs alternate, and a ratio is taken of neighbours, so that a machine that changes its pace tells on both. Two spans
are compared: the engine alone, from the start of its first actor to the stop of its last; and the whole run, where the
tiers are charged for reading, the model and the warm-up, the empty strategy only for building and running its engine.
"""

from collections.abc import Iterator
from time import perf_counter
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import Bar
from nautilus_trader.trading.strategy import Strategy

from benchmarks.row import Row, timing
from benchmarks.world import World
from helios_nautilus.bar_types import bar_type
from helios_nautilus.config import HeliosConfig
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.models.threads import one_thread
from helios_nautilus.node.backtest import build_engine, load_market
from helios_nautilus.node.tiers import add_tiers


class Spans(NamedTuple):
    """Seconds of one run."""

    engine: float
    whole: float


def backtest_rows(world: World) -> Iterator[Row]:
    """The seconds of all three ways, and how many times as long the tiers take."""
    model = world.config.model
    inline = replace(world.config, model=replace(model, predictions="model"))
    replayed = replace(world.config, model=replace(model, predictions="catalogue"))
    if not world.quick:  # compiles what is not compiled yet
        _run_tiers(inline), _run_tiers(replayed)
    turns = [(_run_empty(inline), _run_tiers(replayed), _run_tiers(inline)) for _ in range(world.count(5))]
    empty, with_replay, with_model = (list(runs) for runs in zip(*turns, strict=True))
    yield timing("backtest: empty strategy", [run.whole for run in empty])
    yield timing("backtest: five tiers, replayed predictions", [run.whole for run in with_replay])
    yield timing("backtest: five tiers, in-line predictions", [run.whole for run in with_model])
    for span in Spans._fields:
        yield _ratio(f"backtest: replayed / empty, {span}", with_replay, empty, span, target=3.0)
        yield _ratio(f"backtest: in-line / empty, {span}", with_model, empty, span)


def _ratio(what: str, runs: list[Spans], empty: list[Spans], span: str, target: float | None = None) -> Row:
    ratios = [getattr(run, span) / getattr(other, span) for run, other in zip(runs, empty, strict=True)]
    return Row(what=what, unit="x", p50=float(np.median(ratios)), target=target)


def _run_tiers(config: HeliosConfig) -> Spans:
    """What `run_backtest` does, with a stopwatch inside."""
    started = perf_counter()
    market = load_market(config)
    node, engine = build_engine(config, market)
    add_tiers(engine, config, market, MemoryJournal())
    return _run(node, engine, started)


def _run_empty(config: HeliosConfig) -> Spans:
    market = load_market(config)
    started = perf_counter()
    node, engine = build_engine(config, market)
    engine.add_strategy(_EmptyStrategy(config))
    return _run(node, engine, started)


def _run(node: BacktestNode, engine: BacktestEngine, started: float) -> Spans:
    stopwatch = _Stopwatch()
    engine.add_actor(stopwatch)
    with one_thread():
        node.run()
    node.dispose()
    return Spans(engine=stopwatch.stopped - stopwatch.started, whole=perf_counter() - started)


class _EmptyStrategy(Strategy):
    """Hears the recorded bars and the decision bars, as the tiers do, and does nothing."""

    def __init__(self, config: HeliosConfig) -> None:
        super().__init__(StrategyConfig(order_id_tag="001"))
        data = config.data
        self._kinds = [
            bar_type(name, length, data.base)
            for name in data.instruments
            for length in (data.base, data.timeframes.decision)
        ]

    def on_start(self) -> None:
        """Subscribe."""
        for kind in self._kinds:
            self.subscribe_bars(kind)

    def on_bar(self, bar: Bar) -> None:
        """Do nothing."""


class _Stopwatch(Actor):
    """Times the engine between its start and its stop."""

    def __init__(self) -> None:
        super().__init__()
        self.started = self.stopped = 0.0

    def on_start(self) -> None:
        """Start."""
        self.started = perf_counter()

    def on_stop(self) -> None:
        """Stop."""
        self.stopped = perf_counter()
