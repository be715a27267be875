"""The tiers and the strategy, built from one configuration and put into an engine."""

from copy import deepcopy

from msgspec import Struct
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.actor import Actor
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.actors.aether import Aether, AetherConfig
from helios_nautilus.actors.guardian import Guardian, GuardianConfig
from helios_nautilus.actors.llm_gate import LlmGate, LlmGateConfig
from helios_nautilus.actors.prediction import PredictionActor, PredictionConfig
from helios_nautilus.actors.replay import PredictionReplay, ReplayConfig
from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.bars import MarketData
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.history.arrays import hash_data, unlabelled_arrays
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.llm.chain import build_provider
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.predict import Predictor
from helios_nautilus.node.warmup import warm_histories, warm_trackers
from helios_nautilus.strategies.helios import HeliosStrategy, HeliosStrategyConfig


class Past(Struct, frozen=True, kw_only=True):
    """What is known before the first bar: definitions, history by instrument id, and the model."""

    instruments: dict[str, Instrument]
    history: dict[str, MarketData]
    """Up to the start of the run."""
    model: Model

    @property
    def precisions(self) -> dict[str, int]:
        """Decimals of each instrument's sizes."""
        return {name: instrument.size_precision for name, instrument in self.instruments.items()}


def add_tiers(engine: BacktestEngine, config: HeliosConfig, past: Past, journal: Journal) -> None:
    """Add the strategy and the actors of all tiers.

    Guardian comes first, so that it has a close's prices before anybody acts on them.
    """
    ids = tuple(map(InstrumentId.from_str, config.data.instruments))
    histories = warm_histories(config, past.history, past.precisions)
    guardian = Guardian(
        GuardianConfig(
            instrument_ids=ids,
            venue=ids[0].venue,
            account_currency=config.account.currency,
            base=config.data.base,
            decision=config.data.timeframes.decision,
            rules=config.guardian.rules,
            kill_switch=config.guardian.kill_switch,
        ),
        journal,
        histories=deepcopy(histories),
        risk_switch=engine.kernel.risk_engine,
    )
    gate = LlmGate(
        LlmGateConfig(
            instrument_ids=ids,
            base=config.data.base,
            decision=config.data.timeframes.decision,
            rules=config.gate,
        ),
        journal,
        build_provider(config.gate),
        histories,
    )
    for actor in (guardian, _aether(config, ids, past, journal), gate, _predictions(config, past, journal)):
        engine.add_actor(actor)
    engine.add_strategy(_strategy(config, ids, journal))


def _aether(config: HeliosConfig, ids: tuple[InstrumentId, ...], past: Past, journal: Journal) -> Aether:
    bases = {name: instrument.base_currency.code for name, instrument in past.instruments.items()}
    return Aether(
        AetherConfig(
            instrument_ids=ids,
            base=config.data.base,
            volatility=config.aether.volatility,
            sizing=config.aether.sizing,
            plan=config.plan,
            allow_shorts=config.allow_shorts,
        ),
        journal,
        past.model.card.payoff,
        warm_trackers(config, past.history, past.precisions, bases),
    )


def _predictions(config: HeliosConfig, past: Past, journal: Journal) -> Actor:
    if config.model.predictions == "catalogue":
        return PredictionReplay(ReplayConfig(model_id=past.model.model_id), journal)
    stream = FeatureStream(config.spec, past.precisions)
    predictor = Predictor(past.model, len(config.spec.universe))
    tables = stream.catch_up(past.history)
    predictor.catch_up(unlabelled_arrays(tables, config.plan, config.training.label, hash_data(past.history)))
    return PredictionActor(
        PredictionConfig(spec=config.spec, model_id=past.model.model_id, latency_ms=config.model.latency_ms),
        journal,
        stream,
        predictor,
    )


def _strategy(config: HeliosConfig, ids: tuple[InstrumentId, ...], journal: Journal) -> HeliosStrategy:
    return HeliosStrategy(
        HeliosStrategyConfig(
            instrument_ids=ids,
            account_currency=config.account.currency,
            plan=config.plan,
            base=config.data.base,
            decision=config.data.timeframes.decision,
            slippage_bound=config.execution.slippage_bound,
            proposal_ttl_secs=config.execution.proposal_ttl_secs,
            allow_shorts=config.allow_shorts,
            order_id_tag="001",
        ),
        journal,
    )
