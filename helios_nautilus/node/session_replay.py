"""A paper or live run once more, as a backtest of the same minutes: its configuration, its model, VALR's candles.

The catalogue is brought up to the end of the run first. History before it is what the node had at its start; entries
are open when they were open then; the account begins with what it was worth.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from helios_nautilus.actors.replayed_readiness import ReplayedReadiness, ReplayedReadinessConfig
from helios_nautilus.config import HeliosConfig, LoadedConfig, Window
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import DataError, HeliosError, NotEnoughHistoryError
from helios_nautilus.history.arrays import hash_data
from helios_nautilus.history.catalogue import load_instruments, load_market_data
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EquityRecord, EventRecord, ModelRecord, Record, RunRecord
from helios_nautilus.llm.provider import GateProvider
from helios_nautilus.messages import ReadinessChanged
from helios_nautilus.models.succession import Term
from helios_nautilus.node.backtest import Market, build_engine, check_instruments, run_engine
from helios_nautilus.node.model import load_run_model
from helios_nautilus.node.records import package_versions
from helios_nautilus.node.startup import BASE, fetch_history, load_history
from helios_nautilus.node.tiers import add_tiers

_READINESS: Final = ("ready", "not_ready")
_GRACE_NS: Final = 2 * NS_PER_MIN
"""The last minutes of a pair may have had no trade."""


class SessionReplay(Struct, frozen=True, kw_only=True):
    """What a replayed session leaves."""

    records: list[Record]
    until_ns: int
    """The session's end, or the last candle of the venue where it had gone on since."""


def replay_session(
    records: Sequence[Record], run: RunRecord, loaded: LoadedConfig, provider: GateProvider | None
) -> SessionReplay:
    """Run a session as a backtest of its own minutes.

    ``provider`` answers at the gate in the place of the configured one. `HeliosError` says what is missing: the run's
    own beginning, its minutes, its model.
    """
    since_ns, ended_ns = _span(records, run)
    # To the close of the minute in which it ended: a bar's last decision trades in the next one.
    wanted_ns = -(-ended_ns // NS_PER_MIN) * NS_PER_MIN
    until_ns = min(_bring_up(loaded.config, since_ns, wanted_ns), wanted_ns)
    config = _as_backtest(loaded.config, since_ns, until_ns, _opening_equity(records, run))
    market = _load_market(config, since_ns, until_ns)
    journal = MemoryJournal()
    journal.append(_run_record(run, loaded, config, market))
    node, engine = build_engine(config, market)
    engine.add_actor(ReplayedReadiness(ReplayedReadinessConfig(until_ns=until_ns), _readiness(records)))
    add_tiers(engine, config, market, journal, provider=provider, awaits_readiness=True)
    run_engine(node, journal, market)
    return SessionReplay(records=list(journal), until_ns=min(until_ns, ended_ns))


def _span(records: Iterable[Record], run: RunRecord) -> tuple[int, int]:
    """From where the node went on from its history to its last row."""
    models = [record for record in records if isinstance(record, ModelRecord)]
    if not models:
        raise HeliosError(f"run {run.run_id} ended before it had a model: there is nothing to replay")
    return models[0].ts_ns, max(record.ts_ns for record in records)


def _bring_up(config: HeliosConfig, since_ns: int, until_ns: int) -> int:
    """Fetch what the catalogue lacks of the session, as a start does; the close of the last minute that it has then.

    A catalogue that knows its last minute has been brought up before. Without the venue what is there must do:
    `DataError` if that ends before the session does.
    """
    known_ns = _last_bar(config, since_ns)
    if known_ns >= until_ns:
        return known_ns
    try:
        return min(report.last_ns for report in fetch_history(config, since_ns))
    except DataError as error:
        if known_ns < until_ns - _GRACE_NS:
            raise DataError(f"{config.data.catalog} lacks minutes of the run, and {error}") from error
        return known_ns


def _last_bar(config: HeliosConfig, since_ns: int) -> int:
    """Of the pair whose bars end first."""
    data = load_market_data(config.data.catalog, config.data.instruments, since_ns, bar=BASE)
    return min(int(each.bars.ts_ns[-1]) if len(each.bars) else since_ns for each in data.values())


def _opening_equity(records: Iterable[Record], run: RunRecord) -> float:
    """What the account was worth: said at the start of a paper run, and by a live one's first mark."""
    marks = (record.equity for record in records if isinstance(record, EquityRecord))
    equity = run.starting_balance or next(marks, 0.0)
    if not equity:
        raise HeliosError(f"run {run.run_id} ended before its account was known: there is nothing to replay")
    return equity


def _as_backtest(config: HeliosConfig, since_ns: int, until_ns: int, equity: float) -> HeliosConfig:
    window = Window(start=_iso(since_ns), end=_iso(until_ns))
    return replace(config, backtest=window, account=replace(config.account, balance=round(equity, 2)))


def _iso(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns // NS_PER_SEC, UTC).replace(tzinfo=None).isoformat()


def _load_market(config: HeliosConfig, since_ns: int, until_ns: int) -> Market:
    """The history a node had, no more of it: a model that carries state and ranks that look back depend on it."""
    names = config.data.instruments
    instruments = {each.id.value: each for each in load_instruments(config.data.catalog, names)}
    check_instruments(config, instruments)
    window = load_market_data(config.data.catalog, names, since_ns, until_ns, bar=BASE)
    if not all(len(data.bars) for data in window.values()):
        raise NotEnoughHistoryError(f"{config.data.catalog} has no bars of the run: it was too short")
    return Market(
        instruments=instruments,
        history=load_history(config, since_ns),
        window=window,
        terms=(Term(model=load_run_model(config, since_ns)),),
    )


def _readiness(records: Iterable[Record]) -> list[ReadinessChanged]:
    """When entries were open; a run that never said so was never ready."""
    events = [record for record in records if isinstance(record, EventRecord) and record.kind in _READINESS]
    return [ReadinessChanged(ts_ns=each.ts_ns, is_ready=each.kind == "ready", words=each.words) for each in events]


def _run_record(run: RunRecord, loaded: LoadedConfig, config: HeliosConfig, market: Market) -> RunRecord:
    return replace(
        run,
        mode="backtest",
        start_ns=config.backtest.start_ns,
        end_ns=config.backtest.end_ns,
        config_hash=loaded.hash,
        config_toml=loaded.text,
        model_id=market.model.model_id,
        versions=package_versions(),
        data_hash=hash_data(market.history) + hash_data(market.window),
    )
