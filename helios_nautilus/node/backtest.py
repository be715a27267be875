"""A backtest, wired: configuration in, Nautilus's `BacktestNode` with every tier in place, records out."""

from collections.abc import Mapping
from functools import partial

from msgspec import Struct
from nautilus_trader.backtest.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
    ImportableLatencyModelConfig,
)
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.common.config import LoggingConfig
from nautilus_trader.core.datetime import unix_nanos_to_iso8601
from nautilus_trader.data.config import DataEngineConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.instruments import CryptoPerpetual, Instrument

from helios_nautilus.actors.progress import Progress, ProgressActor, ProgressConfig
from helios_nautilus.bar_types import bar_type
from helios_nautilus.config import HeliosConfig, LoadedConfig
from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MS
from helios_nautilus.errors import ConfigError, HeliosError, NotEnoughHistoryError
from helios_nautilus.history.arrays import hash_data
from helios_nautilus.history.catalogue import find_series, load_instruments, load_market_data
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EquityRecord, RunRecord
from helios_nautilus.llm.hindsight import hindsight_notes
from helios_nautilus.llm.provider import GateProvider
from helios_nautilus.messages import HELIOS_CLIENT
from helios_nautilus.models.succession import Term, name_terms
from helios_nautilus.models.threads import one_thread
from helios_nautilus.node.balances import starting_balances
from helios_nautilus.node.model import load_terms
from helios_nautilus.node.opening import opening_quotes, tape_quotes
from helios_nautilus.node.predictions import check_predictions
from helios_nautilus.node.records import model_record, package_versions
from helios_nautilus.node.tiers import Past, add_tiers
from helios_nautilus.node.warmup import bars_of


class BacktestResult(Struct, frozen=True, kw_only=True):
    """What a backtest leaves: its records, the bars to draw, and the identity of the run."""

    run: RunRecord
    journal: MemoryJournal
    prices: dict[str, Bars]


class Market(Past, frozen=True, kw_only=True):
    """What a run reads before it starts: the past, and everything recorded from its start to its end."""

    window: dict[str, MarketData]


def run_backtest(
    loaded: LoadedConfig,
    progress: Progress | None = None,
    journal: MemoryJournal | None = None,
    provider: GateProvider | None = None,
) -> BacktestResult:
    """Run a backtest from its catalogue. Deterministic: equal inputs give equal records.

    They come into ``journal``, an empty one, which has them up to there if the run fails. ``provider`` answers at the
    gate in the place of the configured one.
    Raises `ConfigError`, `DataError` or `ModelError` before anything runs, and `HeliosError` if the engine stopped
    before the end of the data.
    """
    config = loaded.config
    market = load_market(config)
    journal = MemoryJournal() if journal is None else journal
    run = _run_record(loaded, market)
    journal.append(run)
    for term in market.terms:
        journal.append(model_record(term, config.backtest.start_ns))
    node, engine = build_engine(config, market)
    add_tiers(engine, config, market, journal, provider=provider)
    if progress is not None:
        engine.add_actor(ProgressActor(ProgressConfig(end_ns=config.backtest.end_ns), progress))
    run_engine(node, journal, market)
    return BacktestResult(run=run, journal=journal, prices=_prices(config, market))


def run_engine(node: BacktestNode, journal: MemoryJournal, market: Market) -> None:
    """Run a node with everything in it, and dispose of it; `HeliosError` if it stopped before the end of the data."""
    try:
        with one_thread():
            node.run()
    finally:
        node.dispose()
    _check_finished(journal, market)


def load_market(config: HeliosConfig) -> Market:
    """Read and check everything a run needs."""
    ids = config.data.instruments
    instruments = {each.id.value: each for each in load_instruments(config.data.catalog, ids)}
    check_instruments(config, instruments)
    terms = load_terms(config)
    if config.model.predictions == "catalogue":
        check_predictions(config, terms)
    start_ns, end_ns = config.backtest.start_ns, config.backtest.end_ns
    read = partial(load_market_data, config.data.catalog, ids, bar=config.data.base, trades=config.data.trades)
    history, window = read(None, start_ns), read(start_ns, end_ns)
    for name in ids:
        if not len(window[name].bars):
            raise NotEnoughHistoryError(
                f"{config.data.catalog} has no bars of {name} between {config.backtest.start} and {config.backtest.end}"
            )
        if config.data.trades:
            check_tape(config, name, window[name])
    return Market(instruments=instruments, history=history, window=window, terms=terms)


def check_tape(config: HeliosConfig, name: str, data: MarketData) -> None:
    """Where trades are used they are the market: `NotEnoughHistoryError` unless they last as long as the bars."""
    first_ns, last_ns = int(data.bars.ts_ns[0]), int(data.bars.ts_ns[-1])
    trades = data.trades
    if trades is None or trades.ts_ns[0] > first_ns + NS_PER_HOUR or trades.ts_ns[-1] < last_ns - NS_PER_HOUR:
        raise NotEnoughHistoryError(
            f"data.trades is true, but {config.data.catalog} does not have the trades of {name} from "
            f"{unix_nanos_to_iso8601(first_ns)} to {unix_nanos_to_iso8601(last_ns)}"
        )


def check_instruments(config: HeliosConfig, instruments: Mapping[str, Instrument]) -> None:
    """`ConfigError` unless they are of one venue, quoted in the account's currency, and cost what the plan says."""
    venues = {instrument.id.venue for instrument in instruments.values()}
    if len(venues) != 1:
        raise ConfigError(f"data.instruments are of several venues ({', '.join(sorted(map(str, venues)))}); name one's")
    for name, instrument in instruments.items():
        if instrument.quote_currency.code != config.account.currency:
            raise ConfigError(
                f"{name} is quoted in {instrument.quote_currency.code}, but the account is in {config.account.currency}"
            )
        costs = config.plan.costs
        if float(instrument.taker_fee) > costs.taker_fee or float(instrument.maker_fee) > costs.maker_fee:
            raise ConfigError(
                f"plan.costs are below the fees of {name} (maker {instrument.maker_fee}, taker {instrument.taker_fee})"
            )


def build_engine(config: HeliosConfig, market: Market) -> tuple[BacktestNode, BacktestEngine]:
    """A node and its engine with venue, instruments and data, the modelled quotes among them; no actors yet."""
    venue = next(iter(market.instruments.values())).id.venue
    run = BacktestRunConfig(
        engine=BacktestEngineConfig(
            trader_id="HELIOS-001",
            logging=LoggingConfig(bypass_logging=True),
            data_engine=DataEngineConfig(time_bars_build_with_no_updates=False, external_clients=[HELIOS_CLIENT]),
            run_analysis=False,
        ),
        venues=[_venue(config, venue, market.instruments)],
        data=_data(config),
        start=config.backtest.start_ns + 1,
        end=config.backtest.end_ns,
        raise_exception=True,
        dispose_on_completion=False,
    )
    node = BacktestNode([run])
    node.build()
    engine: BacktestEngine = node.get_engine(run.id)
    for name, instrument in market.instruments.items():
        quotes = _modelled_quotes(config, instrument, market.window[name])
        if quotes:
            engine.add_data(quotes, sort=False)
    return node, engine


def _modelled_quotes(config: HeliosConfig, instrument: Instrument, data: MarketData) -> list[QuoteTick]:
    """The book that is not recorded. Added before the node reads the catalogue, so that it precedes equal stamps."""
    half_spread = config.plan.costs.half_spread
    if data.trades is not None:
        return tape_quotes(instrument, data.trades, data.bars, half_spread)
    return opening_quotes(instrument, data.bars, config.spec.base_ns, half_spread)


def _venue(config: HeliosConfig, venue: Venue, instruments: Mapping[str, Instrument]) -> BacktestVenueConfig:
    is_cash = config.account.kind == "cash"
    return BacktestVenueConfig(
        name=venue.value,
        oms_type="NETTING",
        account_type="CASH" if is_cash else "MARGIN",
        starting_balances=starting_balances(config.account, instruments.values()),
        default_leverage=1.0 if is_cash else config.aether.sizing.max_leverage,
        # A bar would trade its whole minute once more, right after its own trades.
        bar_execution=not config.data.trades,
        latency_model=ImportableLatencyModelConfig(
            latency_model_path="nautilus_trader.backtest.models:LatencyModel",
            config_path="nautilus_trader.backtest.config:LatencyModelConfig",
            config={"base_latency_nanos": int(config.execution.latency_ms * NS_PER_MS)},
        ),
    )


def _data(config: HeliosConfig) -> list[BacktestDataConfig]:
    data = config.data
    # Absolute, because the file system layer underneath remembers an earlier working directory.
    catalog = str(data.catalog.absolute())
    by_id = partial(BacktestDataConfig, catalog, instrument_ids=list(data.instruments))
    base = [str(bar_type(name, data.base, data.base)) for name in data.instruments]
    kinds = [BacktestDataConfig(catalog, data_cls="nautilus_trader.model.data:Bar", bar_types=base)]
    if data.trades:
        kinds.append(by_id(data_cls="nautilus_trader.model.data:TradeTick"))
    if data.book:
        kinds.append(by_id(data_cls="nautilus_trader.model.data:OrderBookDepth10"))
    if config.model.predictions == "catalogue":
        kinds.append(by_id(data_cls="helios_nautilus.messages:Prediction", client_id=HELIOS_CLIENT.value))
    return kinds


def _run_record(loaded: LoadedConfig, market: Market) -> RunRecord:
    config = loaded.config
    series = find_series(config.data.catalog, config.data.instruments[0], config.spec.base_ns)
    assert series is not None, "the market was read from it"
    model_id = name_terms(market.terms)
    return RunRecord(
        ts_ns=config.backtest.start_ns,
        run_id=f"{config.name}-{loaded.hash[:8]}-{model_id[:8]}",
        mode="backtest",
        strategy="HeliosStrategy",
        data_label=series.label,
        is_synthetic=series.provenance.is_synthetic,
        account_currency=config.account.currency,
        starting_balance=config.account.balance,
        instrument_ids=config.data.instruments,
        start_ns=config.backtest.start_ns,
        end_ns=config.backtest.end_ns,
        seed=config.training.optimiser.seed,
        config_hash=loaded.hash,
        config_toml=loaded.text,
        model_id=model_id,
        versions=package_versions(),
        notes=_notes(config, market, is_synthetic=series.provenance.is_synthetic),
        data_hash=hash_data(market.history) + hash_data(market.window),
    )


def _notes(config: HeliosConfig, market: Market, *, is_synthetic: bool) -> tuple[str, ...]:
    """What a reader must know to judge the result."""
    costs, sizing = config.plan.costs, config.aether.sizing
    where = "around the last trade" if config.data.trades else "at the open of the bar after it"
    notes = [
        f"An order trades {where}, half a spread ({costs.half_spread:.3%}) worse, "
        f"{config.execution.latency_ms:g} ms after it was sent; fees {costs.maker_fee:.2%} as maker and "
        f"{costs.taker_fee:.2%} as taker."
    ]
    if sizing.min_edge < 0:
        notes.append(
            f"min_edge is lowered to {sizing.min_edge:g}: bets without an edge are let through on purpose, to exercise "
            "the way to a fill. The result says nothing about what Helios would earn."
        )
    if any(isinstance(instrument, CryptoPerpetual) for instrument in market.instruments.values()):
        notes.append("Funding of the perpetuals is not in the data and not charged.")
    if config.gate.provider == "off":
        notes.append("The gate is off.")
    if not is_synthetic:  # of a market that never was no model can know how it went on
        notes += hindsight_notes(config.gate, config.llm, config.backtest.start_ns)
    notes += map(_term_note, market.terms)
    return tuple(notes)


def _term_note(term: Term) -> str:
    """How a model did on its own test span, and since when it was in charge if that was not always so."""
    skill = term.model.card.test_metrics.skill
    since = f", in charge from {unix_nanos_to_iso8601(term.start_ns)[:16]} on" if term.start_ns else ""
    told = "is unknown" if skill is None else f"was {skill:+.4f}"
    return f"Model {term.model.model_id}{since}: its log-loss skill over the prior {told} on its own test span."


def _check_finished(journal: MemoryJournal, market: Market) -> None:
    """The engine ends a run early with a log line alone when an account breaks: make that an error."""
    newest_ns = max(int(data.bars.ts_ns[-1]) for data in market.window.values())
    marks = journal.of(EquityRecord)
    reached_ns = marks[-1].ts_ns if marks else 0
    if newest_ns - reached_ns > NS_PER_HOUR:
        raise HeliosError(
            f"the engine stopped at {unix_nanos_to_iso8601(reached_ns)}, before the end of the data: "
            "the account was overdrawn or sold more than it held"
        )


def _prices(config: HeliosConfig, market: Market) -> dict[str, Bars]:
    decision = config.data.timeframes.decision
    return {
        name: bars_of(data, config.data.base, decision, market.precisions[name]) for name, data in market.window.items()
    }
