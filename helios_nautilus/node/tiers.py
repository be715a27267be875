"""The tiers and the strategy, built from one configuration and put into a backtest's engine or a live node."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy

from msgspec import Struct
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.actor import Actor
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import TriggerType
from nautilus_trader.model.identifiers import ClientId, InstrumentId
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.actors.aether import Aether, AetherConfig
from helios_nautilus.actors.bar_maker import BarMaker, BarMakerConfig
from helios_nautilus.actors.consult import Consult, OnTheSpot
from helios_nautilus.actors.drift import DriftConfig, DriftMonitor
from helios_nautilus.actors.guardian import Guardian, GuardianConfig
from helios_nautilus.actors.llm_gate import LlmGate, LlmGateConfig
from helios_nautilus.actors.offload import Offload, run_inline
from helios_nautilus.actors.outcomes import OutcomeConfig, OutcomeMonitor
from helios_nautilus.actors.prediction import GRACE_MS, PredictionActor, PredictionConfig
from helios_nautilus.actors.predictor import NoModel, StatefulPredictor
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
from helios_nautilus.domain.portfolio.kill_switch import KillStore
from helios_nautilus.domain.portfolio.valuation import EquityStore
from helios_nautilus.domain.risk.volatility import VolatilityTracker
from helios_nautilus.domain.timeframe import NS_PER_HOUR, parse_timeframe
from helios_nautilus.errors import ModelError
from helios_nautilus.history.arrays import hash_data, unlabelled_arrays
from helios_nautilus.journal.bet_store import BetStore
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.llm.chain import build_provider
from helios_nautilus.llm.news import NewsDesk
from helios_nautilus.llm.news_files import NewsArchive, load_stories
from helios_nautilus.llm.provider import GateProvider
from helios_nautilus.messages import HELIOS_CLIENT, Stage
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.succession import Succession, Term, model_at
from helios_nautilus.node.rebalancing import build_rebalancers
from helios_nautilus.node.warmup import trailed_bars, warm_histories, warm_trackers
from helios_nautilus.strategies.helios import HeliosStrategy, HeliosStrategyConfig
from helios_nautilus.strategies.tiered import ORDER_CHECK_SECS


class Past(Struct, frozen=True, kw_only=True):
    """What is known before the first bar: definitions, history by instrument id, and the models."""

    instruments: dict[str, Instrument]
    history: dict[str, MarketData]
    """Up to the start of the run."""
    terms: tuple[Term, ...]
    """The models and their times in charge, oldest first; at least one, but for the case below."""
    no_model: ModelError | None = None
    """Why there is no model: a node then enters nothing, and manages what is open."""

    @property
    def model(self) -> Model:
        """The first model in charge; there must be one."""
        return self.terms[0].model

    @property
    def model_id(self) -> str:
        """Of the first model in charge; empty if there is none."""
        return self.terms[0].model.model_id if self.terms else ""

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


class Live(Struct, frozen=True, kw_only=True):
    """How the tiers of a node that trades in real time get their work done; a backtest's do it on the spot."""

    consult: Consult
    """Asks the gate's provider."""
    predict: Offload
    """Where the network takes its steps."""
    fit: Offload
    """Where volatility is fitted."""
    kill_store: KillStore
    equity_store: EquityStore
    bet_store: BetStore
    is_spot_in_balances: bool
    """A purchase of spot moves the balances of a margin account too: at VALR it does, on paper it does not."""
    news: NewsDesk | None = None


def instrument_ids(config: HeliosConfig) -> tuple[InstrumentId, ...]:
    """What is traded."""
    return tuple(map(InstrumentId.from_str, config.data.instruments))


def add_tiers(
    host: BacktestEngine | TradingNode,
    config: HeliosConfig,
    past: Past,
    journal: Journal,
    absence: Absence | None = None,
    provider: GateProvider | None = None,
    live: Live | None = None,
    *,
    awaits_readiness: bool = False,
) -> HeliosStrategy:
    """Add the actors of all tiers and the strategy, and return it.

    ``provider`` answers at a backtest's gate in the place of the configured one. With ``awaits_readiness`` nothing is
    entered before somebody says that all is there, as in a live node. Guardian comes first, so that it has a close's
    prices before anybody acts on them.
    """
    ids = instrument_ids(config)
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
            is_live=live is not None,
            is_spot_in_balances=live is not None and live.is_spot_in_balances,
        ),
        journal,
        store=None if live is None else live.kill_store,
        equity_store=None if live is None else live.equity_store,
        histories=deepcopy(histories),
        risk_switch=host.kernel.risk_engine,
    )
    gate = _gate(config, ids, journal, histories, provider, live)
    bases = {name: instrument.base_currency.code for name, instrument in past.instruments.items()}
    trackers = warm_trackers(config, past.history, past.precisions, bases)
    aether = _aether(config, ids, past, journal, trackers, absence, live)
    outcomes = _outcomes(config, ids, journal, trackers)
    snapshots = _snapshots(config, ids, journal, guardian)
    strategy = _strategy(config, ids, past, journal, trackers, live, awaits_readiness=awaits_readiness)
    trader = host.kernel.trader
    rebalancers = build_rebalancers(config, ids, journal, histories, past.payoff_at, trackers)
    predictions = _predictions(config, past, journal, live)
    trader.add_actors([guardian, aether, gate, *predictions, outcomes, snapshots, *rebalancers])
    if live is not None:
        trader.add_actor(_bar_maker(config, ids))
    trader.add_strategy(strategy)
    return strategy


def _gate(
    config: HeliosConfig,
    ids: tuple[InstrumentId, ...],
    journal: Journal,
    histories: Mapping[str, MarketHistory],
    provider: GateProvider | None,
    live: Live | None,
) -> LlmGate:
    """A backtest's answers on the spot, and has the news that files hold of each moment."""
    settings = LlmGateConfig(
        instrument_ids=ids,
        base=config.data.base,
        decision=config.data.timeframes.decision,
        rules=config.gate,
        book=config.data.book,
        bar_maker=_maker(live),
    )
    if live is not None:
        return LlmGate(settings, journal, live.consult, histories, live.news)
    provider = provider or build_provider(config.gate, config.llm)
    news = NewsArchive(load_stories(config.news.files), config.news) if config.news.files else None
    return LlmGate(settings, journal, OnTheSpot(provider), histories, news)


def _aether(
    config: HeliosConfig,
    ids: tuple[InstrumentId, ...],
    past: Past,
    journal: Journal,
    trackers: Mapping[str, VolatilityTracker],
    absence: Absence | None,
    live: Live | None,
) -> Aether:
    settings = AetherConfig(
        instrument_ids=ids,
        base=config.data.base,
        volatility=config.aether.volatility,
        sizing=config.aether.sizing,
        plan=config.plan,
        allow_shorts=config.allow_shorts,
        bar_maker=_maker(live),
    )
    if absence is not None and absence.stage is Stage.AETHER:
        return FixedSizer(settings, journal, past.payoff_at, trackers, fraction=absence.fraction)
    return Aether(settings, journal, past.payoff_at, trackers, run_inline if live is None else live.fit)


def _predictions(config: HeliosConfig, past: Past, journal: Journal, live: Live | None) -> tuple[Actor, Actor]:
    """Whoever makes the predictions, and who watches them; replayed, there are no features to watch."""
    if config.model.predictions == "catalogue":
        replay = ReplayConfig(model_ids=tuple(term.model.model_id for term in past.terms))
        return PredictionReplay(replay, journal), _monitor(config, journal)
    stream = FeatureStream(config.spec, past.precisions)
    tables = stream.catch_up(past.history)
    if past.no_model is None:
        predictor = _warm_predictor(config, past, tables)
        monitor = _monitor(config, journal, _warm_features(config, past.model, tables))
    else:
        predictor, monitor = NoModel(past.no_model), _monitor(config, journal)
    actor = PredictionActor(
        PredictionConfig(
            spec=config.spec,
            latency_ms=config.model.latency_ms if live is None else 0.0,
            grace_ms=GRACE_MS * _speed(config, live),
            deadline_ms=config.model.deadline_ms,
            bar_maker=_maker(live),
        ),
        journal,
        stream,
        predictor,
        offload=run_inline if live is None else live.predict,
        on_features=monitor.on_features,
    )
    return actor, monitor


def _warm_predictor(config: HeliosConfig, past: Past, tables: FeatureTables) -> StatefulPredictor:
    predictor = Succession(past.terms, len(config.spec.universe), config.model.precision)
    predictor.catch_up(unlabelled_arrays(tables, config.plan, config.training.label, hash_data(past.history)))
    return predictor


def _monitor(config: HeliosConfig, journal: Journal, features: Sequence[FeatureDrift] = ()) -> DriftMonitor:
    return DriftMonitor(DriftConfig(timeframes=config.data.timeframes, rules=config.drift), journal, features)


def _outcomes(
    config: HeliosConfig, ids: tuple[InstrumentId, ...], journal: Journal, trackers: Mapping[str, VolatilityTracker]
) -> OutcomeMonitor:
    settings = OutcomeConfig(instrument_ids=ids, base=config.data.base, plan=config.plan, label=config.training.label)
    return OutcomeMonitor(settings, journal, _volatility(trackers))


def _volatility(trackers: Mapping[str, VolatilityTracker]) -> Callable[[str], float | None]:
    """Asks for the daily volatility that an instrument's tracker forecasts."""

    def volatility(name: str) -> float | None:
        forecast = trackers[name].forecast
        return None if forecast is None else forecast.vol_daily

    return volatility


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


def _maker(live: Live | None) -> ClientId | None:
    return None if live is None else HELIOS_CLIENT


def _speed(config: HeliosConfig, live: Live | None) -> float:
    """How much longer in venue time, which alerts go by, is what this machine and the network may take."""
    return 1.0 if live is None else config.venue.speed


def _bar_maker(config: HeliosConfig, ids: tuple[InstrumentId, ...]) -> BarMaker:
    timeframes = (*config.data.timeframes.names, config.aether.volatility.bar)
    return BarMaker(BarMakerConfig(instrument_ids=ids, base=config.data.base, timeframes=timeframes))


def _strategy(
    config: HeliosConfig,
    ids: tuple[InstrumentId, ...],
    past: Past,
    journal: Journal,
    trackers: Mapping[str, VolatilityTracker],
    live: Live | None,
    *,
    awaits_readiness: bool,
) -> HeliosStrategy:
    """VALR has no brackets, and Nautilus's sandbox none that work: live, the engine watches over stop and target."""
    is_live = live is not None
    return HeliosStrategy(
        HeliosStrategyConfig(
            instrument_ids=ids,
            account_currency=config.account.currency,
            plan=config.plan,
            base=config.data.base,
            decision=config.data.timeframes.decision,
            slippage_bound=config.execution.slippage_bound,
            proposal_ttl_secs=config.execution.proposal_ttl_secs,
            order_check_secs=ORDER_CHECK_SECS * _speed(config, live),
            allow_shorts=config.allow_shorts,
            order_id_tag="001",
            emulation=TriggerType.BID_ASK if is_live else TriggerType.NO_TRIGGER,
            manage_contingent_orders=is_live,
            flatten=config.guardian.flatten if is_live else None,
            awaits_readiness=is_live or awaits_readiness,
            bar_maker=_maker(live),
            external_order_claims=list(ids) if is_live else None,
        ),
        journal,
        store=None if live is None else live.bet_store,
        volatility=_volatility(trackers),
        past=trailed_bars(config, past.history, past.precisions),
    )
