"""The tiers and the strategy, built from one configuration and put into an engine."""

from collections.abc import Mapping, Sequence
from copy import deepcopy

from msgspec import Struct
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.actor import Actor
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.actors.aether import Aether, AetherConfig
from helios_nautilus.actors.consult import OnTheSpot
from helios_nautilus.actors.drift import DriftConfig, DriftMonitor
from helios_nautilus.actors.guardian import Guardian, GuardianConfig
from helios_nautilus.actors.llm_gate import LlmGate, LlmGateConfig
from helios_nautilus.actors.outcomes import OutcomeConfig, OutcomeMonitor
from helios_nautilus.actors.prediction import PredictionActor, PredictionConfig
from helios_nautilus.actors.replay import PredictionReplay, ReplayConfig
from helios_nautilus.actors.snapshots import SnapshotActor, SnapshotConfig
from helios_nautilus.actors.stand_ins import Bystander, FixedSizer
from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.bars import MarketData
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.drift import FeatureDrift
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.domain.features.table import FeatureTables
from helios_nautilus.domain.payoff import PayoffTable
from helios_nautilus.domain.risk.volatility import VolatilityTracker
from helios_nautilus.domain.timeframe import NS_PER_HOUR, parse_timeframe
from helios_nautilus.history.arrays import hash_data, unlabelled_arrays
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.llm.chain import build_provider
from helios_nautilus.llm.news_files import NewsArchive, load_stories
from helios_nautilus.llm.provider import GateProvider
from helios_nautilus.messages import Stage
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.succession import Succession, Term, model_at
from helios_nautilus.node.warmup import warm_histories, warm_trackers
from helios_nautilus.strategies.helios import HeliosStrategy, HeliosStrategyConfig


class Past(Struct, frozen=True, kw_only=True):
    """What is known before the first bar: definitions, history by instrument id, and the models."""

    instruments: dict[str, Instrument]
    history: dict[str, MarketData]
    """Up to the start of the run."""
    terms: tuple[Term, ...]
    """The models and their times in charge, oldest first; at least one."""

    @property
    def model(self) -> Model:
        """The first model in charge."""
        return self.terms[0].model

    def payoff_at(self, ts_ns: int) -> PayoffTable | None:
        """The payoff table on the card of the model in charge at a stamp."""
        model = model_at(self.terms, ts_ns)
        return None if model is None else model.card.payoff

    @property
    def precisions(self) -> dict[str, int]:
        """Decimals of each instrument's sizes."""
        return {name: instrument.size_precision for name, instrument in self.instruments.items()}


class Absence(Struct, frozen=True, kw_only=True):
    """A tier whose judgement is left out of a run, to see what it adds; `stand_ins` says what is there instead."""

    stage: Stage
    fraction: float = 0.0
    """Of equity that every proposal gets where Aether is left out."""


def add_tiers(
    engine: BacktestEngine,
    config: HeliosConfig,
    past: Past,
    journal: Journal,
    absence: Absence | None = None,
    provider: GateProvider | None = None,
) -> None:
    """Add the strategy and the actors of all tiers; ``provider`` answers at the gate in the place of the configured.

    Guardian comes first, so that it has a close's prices before anybody acts on them.
    """
    ids = tuple(map(InstrumentId.from_str, config.data.instruments))
    histories = warm_histories(config, past.history, past.precisions)
    guardian = (Bystander if absence is not None and absence.stage is Stage.GUARDIAN else Guardian)(
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
    gate = _gate(config, ids, journal, histories, provider or build_provider(config.gate, config.llm))
    bases = {name: instrument.base_currency.code for name, instrument in past.instruments.items()}
    trackers = warm_trackers(config, past.history, past.precisions, bases)
    aether = _aether(config, ids, past, journal, trackers, absence)
    outcomes = _outcomes(config, ids, journal, trackers)
    snapshots = _snapshots(config, ids, journal, guardian)
    for actor in (guardian, aether, gate, *_predictions(config, past, journal), outcomes, snapshots):
        engine.add_actor(actor)
    engine.add_strategy(_strategy(config, ids, journal))


def _gate(
    config: HeliosConfig,
    ids: tuple[InstrumentId, ...],
    journal: Journal,
    histories: Mapping[str, MarketHistory],
    provider: GateProvider,
) -> LlmGate:
    """The gate of a backtest: it answers on the spot, and has the news that files hold of each moment."""
    settings = LlmGateConfig(
        instrument_ids=ids,
        base=config.data.base,
        decision=config.data.timeframes.decision,
        rules=config.gate,
        book=config.data.book,
    )
    news = NewsArchive(load_stories(config.news.files), config.news) if config.news.files else None
    return LlmGate(settings, journal, OnTheSpot(provider), histories, news)


def _aether(
    config: HeliosConfig,
    ids: tuple[InstrumentId, ...],
    past: Past,
    journal: Journal,
    trackers: Mapping[str, VolatilityTracker],
    absence: Absence | None,
) -> Aether:
    settings = AetherConfig(
        instrument_ids=ids,
        base=config.data.base,
        volatility=config.aether.volatility,
        sizing=config.aether.sizing,
        plan=config.plan,
        allow_shorts=config.allow_shorts,
    )
    if absence is not None and absence.stage is Stage.AETHER:
        return FixedSizer(settings, journal, past.payoff_at, trackers, fraction=absence.fraction)
    return Aether(settings, journal, past.payoff_at, trackers)


def _predictions(config: HeliosConfig, past: Past, journal: Journal) -> tuple[Actor, Actor]:
    """Whoever makes the predictions, and who watches them; replayed, there are no features to watch."""
    if config.model.predictions == "catalogue":
        replay = ReplayConfig(model_ids=tuple(term.model.model_id for term in past.terms))
        return PredictionReplay(replay, journal), _monitor(config, journal)
    stream = FeatureStream(config.spec, past.precisions)
    predictor = Succession(past.terms, len(config.spec.universe), config.model.precision)
    tables = stream.catch_up(past.history)
    predictor.catch_up(unlabelled_arrays(tables, config.plan, config.training.label, hash_data(past.history)))
    monitor = _monitor(config, journal, _warm_features(config, past.model, tables))
    actor = PredictionActor(
        PredictionConfig(
            spec=config.spec,
            latency_ms=config.model.latency_ms,
            deadline_ms=config.model.deadline_ms,
        ),
        journal,
        stream,
        predictor,
        on_features=monitor.on_features,
    )
    return actor, monitor


def _monitor(config: HeliosConfig, journal: Journal, features: Sequence[FeatureDrift] = ()) -> DriftMonitor:
    return DriftMonitor(DriftConfig(timeframes=config.data.timeframes, rules=config.drift), journal, features)


def _outcomes(
    config: HeliosConfig, ids: tuple[InstrumentId, ...], journal: Journal, trackers: Mapping[str, VolatilityTracker]
) -> OutcomeMonitor:
    def volatility(name: str) -> float | None:
        forecast = trackers[name].forecast
        return None if forecast is None else forecast.vol_daily

    settings = OutcomeConfig(instrument_ids=ids, base=config.data.base, plan=config.plan, label=config.training.label)
    return OutcomeMonitor(settings, journal, volatility)


def _snapshots(
    config: HeliosConfig, ids: tuple[InstrumentId, ...], journal: Journal, guardian: Guardian
) -> SnapshotActor:
    settings = SnapshotConfig(
        instrument_ids=ids, venue=ids[0].venue, account_currency=config.account.currency, base=config.data.base
    )
    return SnapshotActor(settings, journal, guardian.mark)


def _warm_features(config: HeliosConfig, model: Model, tables: FeatureTables) -> list[FeatureDrift]:
    """The newest window of each timeframe's features, compared with the model's training span."""
    watched = []
    for table, deciles in zip(tables.tables, model.card.profile.deciles, strict=True):
        bars = config.drift.window_hours * NS_PER_HOUR // parse_timeframe(table.timeframe)
        watched.append(FeatureDrift(deciles, bars * len(config.spec.universe)))
        watched[-1].update(table.values[-bars:][table.ready[-bars:]])
    return watched


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
