"""One decision through all tiers inside the engine: from the prediction as published to the entry as submitted.

What is measured is wall time between two messages on the bus. The simulated latency of the gate is set to 0, so that
all stages answer within the call that publishes the prediction; what a gate's own time adds, it adds on top. The
features and the network's step come before and have rows of their own. Every prediction is a sure BUY and some limits
are lowered, so that many go all the way.
"""

from collections.abc import Iterator
from time import perf_counter

from msgspec.structs import replace
from nautilus_trader.common.actor import Actor
from nautilus_trader.model.data import CustomData, DataType
from nautilus_trader.model.events import OrderEvent, OrderSubmitted

from benchmarks.row import Row, timing
from benchmarks.world import World
from helios_nautilus.config import HeliosConfig
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.messages import HELIOS_CLIENT, TOPIC_PREDICTIONS, Prediction
from helios_nautilus.models.succession import Term
from helios_nautilus.node.backtest import build_engine, load_market
from helios_nautilus.node.predictions import predict_window
from helios_nautilus.node.tiers import add_tiers
from helios_nautilus.strategies.audit import origin_of


def decision_rows(world: World) -> Iterator[Row]:
    """Decisions that end in an entry: those that pass every tier."""
    config = _eager(world.config)
    market = load_market(config)
    node, engine = build_engine(replace(config, model=replace(config.model, predictions="model")), market)
    engine.add_data(_sure(config, world), client_id=HELIOS_CLIENT)
    add_tiers(engine, config, market, MemoryJournal())
    watch = _Watch()
    engine.add_actor(watch)
    node.run()
    node.dispose()
    yield timing("decision: all tiers, rules gate", watch.seconds, target=50e-3, judged="p95")


def _eager(config: HeliosConfig) -> HeliosConfig:
    """A configuration that declines little."""
    sizing = replace(config.aether.sizing, min_edge=-1.0, min_outcomes=0)
    limits = replace(config.guardian.rules, max_correlation=1.0, correlation_days=7)
    return replace(
        config,
        model=replace(config.model, predictions="catalogue"),
        aether=replace(config.aether, sizing=sizing),
        gate=replace(config.gate, provider="rules", latency_ms=0),
        guardian=replace(config.guardian, rules=limits),
    )


def _sure(config: HeliosConfig, world: World) -> list[CustomData]:
    """The window's predictions, each made a BUY."""
    found = [each for per_pair in predict_window(config, [Term(model=world.model)]).values() for each in per_pair]
    for prediction in found:
        prediction.p_buy, prediction.p_sell, prediction.p_hold = 0.7, 0.1, 0.2
    found.sort(key=lambda prediction: prediction.ts_init)
    return [CustomData(DataType(Prediction), prediction) for prediction in found]


class _Watch(Actor):
    """Hears a prediction before the strategy does, and the order that comes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._published: dict[str, float] = {}

    def on_start(self) -> None:
        """Listen first."""
        self.msgbus.subscribe(TOPIC_PREDICTIONS, self._on_prediction, priority=10)
        self.msgbus.subscribe("events.order.*", self._on_order_event, priority=10)

    def _on_prediction(self, prediction: Prediction) -> None:
        self._published[prediction.decision_id] = perf_counter()

    def _on_order_event(self, event: OrderEvent) -> None:
        now = perf_counter()
        if isinstance(event, OrderSubmitted):
            published = self._published.pop(origin_of(self.cache.order(event.client_order_id)).decision_id, None)
            if published is not None:  # the entry; stop and target follow it
                self.seconds.append(now - published)
