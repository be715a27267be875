"""A paper or live node, wired: configuration in, Nautilus's `TradingNode` with every tier in place, a journal out.

    configuration ─► history, model ─► journal ─► connections, account, reconciliation ─► readiness ─► entries

Entries fail closed until readiness, and whenever some of it is lost; exits never depend on it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from nautilus_trader.live.node import TradingNode

from helios_nautilus.actors.readiness import BAR_GRACE_SECS, Item, Probe, Readiness, ReadinessConfig
from helios_nautilus.adapters.valr import VALR
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.config import HeliosConfig, LoadedConfig
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import ConfigError, HeliosError
from helios_nautilus.journal.bet_file import BetFile
from helios_nautilus.journal.connect import home_folder, open_writer
from helios_nautilus.journal.records import AS_ASKED, AccountRecord, EventRecord, Mode, Record, RunRecord
from helios_nautilus.journal.writer import LiveJournal
from helios_nautilus.models.threads import one_thread
from helios_nautilus.node.clients import build_trading_node
from helios_nautilus.node.command_post import command_post
from helios_nautilus.node.completing import complete_later
from helios_nautilus.node.logs import log_files
from helios_nautilus.node.loop_clock import on_loop
from helios_nautilus.node.means import bet_file, equity_file, live_means
from helios_nautilus.node.observers import observed
from helios_nautilus.node.pace import Pace, find_pace, in_venue_time
from helios_nautilus.node.paper_account import describe_account, equity_of, find_account
from helios_nautilus.node.probes import entry_probes
from helios_nautilus.node.records import model_record, package_versions
from helios_nautilus.node.shutdown import Shutdown
from helios_nautilus.node.startup import BASE, Prepared, Tell, check_live, name_account, prepare, sole_node
from helios_nautilus.node.tiers import add_tiers, instrument_ids
from helios_nautilus.node.unhandled import tell_unhandled
from helios_nautilus.node.watching import Watched, add_book_keeper, add_status, watchdog_beside, watchdog_probes
from helios_nautilus.watch.log_lines import LogLines
from helios_nautilus.watch.observers import ObservedJournal

type Confirm = Callable[[str], str]
"""Asked with the name of an account whether its money may be traded."""

CONFIRMATION: Final = "I_CONFIRM_LIVE_TRADING"
_LOOK_SECS: Final = 0.05
_OPEN_ENDED: Final = "The run was open-ended: its last row says when it stopped, its first equity mark how it began."


def run_paper(loaded: LoadedConfig, tell: Tell, *, fresh: bool = False) -> None:
    """Trade live data of VALR on an exchange of this process, until a signal.

    The account is what the last such run left, or with ``fresh`` a new one. Raises what `sole_node`, `prepare` and
    `find_account` raise, and `HeliosError` if the engine stopped by itself.
    """
    check_live(loaded.config)
    with sole_node(_folder("run") / "paper.lock"):
        _run(loaded, "paper", tell, fresh=fresh)


def run_live(loaded: LoadedConfig, tell: Tell, confirm: Confirm) -> None:
    """Trade an account at VALR until a signal. Raises what `run_paper` raises.

    ``confirm`` is told the account's name and gives back what was typed. `ConfigError` without keys, or if that is not
    `CONFIRMATION`; nothing has happened then.
    """
    check_live(loaded.config)
    account = name_account(loaded.config, Credentials.from_env(sub_account_id=loaded.config.venue.sub_account))
    if confirm(account) != CONFIRMATION:
        raise ConfigError(f"not confirmed: nothing is traded at {account} before somebody types {CONFIRMATION}")
    tell("account", account)
    with sole_node(_folder("run") / "live.lock"):
        _run(loaded, "live", tell)


def _run(loaded: LoadedConfig, mode: Mode, tell: Tell, *, fresh: bool = False) -> None:
    config = replace(loaded.config, gate=replace(loaded.config.gate, latency_ms=0))
    pace = find_pace(config.venue)
    began_ns = pace.now_ns()
    run_id = f"{config.name}-{mode}-{datetime.fromtimestamp(began_ns // NS_PER_SEC, UTC):%Y%m%dT%H%M%S}"
    if isinstance(tell, LogLines):
        tell.run_id = run_id
    tell("config", f"{config.name} ({loaded.hash}), mode {mode}")
    bets = bet_file(config, mode, run_id, tell)
    prepared = prepare(config, tell, has_open_bets=bets.may_be_open())
    writer = open_writer(run_id, mode, partial(tell, "journal"))
    try:
        tell("journal", run_id)
        writer.start()  # first: what earlier nodes left in the spool belongs to the account
        with observed(writer, config, mode, run_id, tell) as journal:
            account = None
            if mode == "paper":
                account = find_account(config, prepared.past, writer, bets.left(), began_ns, fresh=fresh)
            for record in _first_records(loaded, mode, run_id, began_ns, prepared, account):
                journal.append(record)
            if account is not None:
                tell("account", describe_account(account))
                if not account.continues:
                    equity_file(config, mode).forget()
            plan = _Plan(config=config, mode=mode, run_id=run_id, pace=pace, account=account, bets=bets)
            ended = _trade_to_end(plan, prepared, journal, tell)
    finally:
        is_kept = writer.close(config.node.stop_secs)
        tell("journal", f"{writer.committed:,} rows are kept" if is_kept else "not all rows could be kept")
    if ended:
        raise HeliosError(ended)


def _first_records(
    loaded: LoadedConfig, mode: Mode, run_id: str, now_ns: int, prepared: Prepared, account: AccountRecord | None
) -> Iterator[Record]:
    """What a run's journal begins with: all that it is made of."""
    yield _run_record(loaded, mode, run_id, now_ns, prepared, account)
    for term in prepared.past.terms:
        yield model_record(term, prepared.since_ns)
    if account is not None:
        yield account
        yield EventRecord(ts_ns=now_ns, kind="account", words=describe_account(account))


class _Plan(Struct, frozen=True, kw_only=True):
    """What is to be run."""

    config: HeliosConfig
    mode: Mode
    run_id: str
    pace: Pace
    account: AccountRecord | None
    """What a paper run begins with."""
    bets: BetFile


def _trade_to_end(plan: _Plan, prepared: Prepared, journal: ObservedJournal, tell: Tell) -> str:
    """`_trade`, and however it ends, the journal says how."""
    ended = "it broke"
    try:
        ended = _trade(plan, prepared, journal, tell)
    except Exception as error:
        ended = f"{type(error).__name__}: {error}"
        raise
    finally:
        journal.append(EventRecord(ts_ns=plan.pace.now_ns(), kind="stopped", words=ended or AS_ASKED))
    return ended


def _trade(plan: _Plan, prepared: Prepared, journal: ObservedJournal, tell: Tell) -> str:
    """Run a node until it is stopped; why it stopped by itself, or nothing."""
    config = plan.config
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    tell_unhandled(loop, journal, plan.pace.now_ns)
    logs = _folder("logs")
    with on_loop(loop, plan.pace):
        node = build_trading_node(config, plan.account, prepared.past, prepared.since_ns, plan.run_id, logs)
    with ExitStack() as cleanup:
        cleanup.callback(node.dispose)
        live = cleanup.enter_context(live_means(config, plan.mode, plan.bets, loop, tell))
        strategy = add_tiers(node, in_venue_time(config), prepared.past, journal, live=live)
        watchdog = cleanup.enter_context(watchdog_beside(node, in_venue_time(config), loop, journal))
        post = cleanup.enter_context(command_post(node, plan.mode, plan.run_id, journal, loop, tell))
        needs = entry_probes(node, prepared.past, strategy, journal)
        probes = {**needs, **watchdog_probes(watchdog), "commands": post.missing}
        readiness = _readiness(plan, journal, probes, tell)
        node.trader.add_actor(readiness)
        run = Watched(config=config, mode=plan.mode, run_id=plan.run_id, model_id=prepared.past.model_id)
        add_status(node, run, journal, readiness, strategy, listeners=(journal.on_status, post.show))
        if plan.mode == "live":
            add_book_keeper(node, config)
        shutdown = Shutdown(node, readiness, strategy, config.node, tell)
        shutdown.listen(loop)
        start = loop.create_task(_watch_start(node, shutdown, config.node.ready_secs, tell))
        completing = loop.create_task(complete_later(plan.bets, journal, plan.pace.now_ns, tell))
        with one_thread():
            node.run()
        failure = start.result() if start.done() and not start.cancelled() else ""
        start.cancel()
        completing.cancel()
    if failure or shutdown.was_asked:
        return failure
    return f"the engine stopped by itself: see {log_files(plan.run_id, logs)}"


async def _watch_start(node: TradingNode, shutdown: Shutdown, ready_secs: float, tell: Tell) -> str:
    """Wait until the engine trades; if it does not come to that, end it and say so."""
    tell("node", "connecting")
    try:
        async with asyncio.timeout(ready_secs):
            while not node.trader.is_running:
                await asyncio.sleep(_LOOK_SECS)
    except TimeoutError:
        shutdown.request()
        return f"VALR was not connected and reconciled within {ready_secs:g} s: see the log, or raise node.ready_secs"
    tell("node", "connected and reconciled")
    return ""


def _readiness(plan: _Plan, journal: LiveJournal, probes: Mapping[str, Probe], tell: Tell) -> Readiness:
    settings = ReadinessConfig(
        instrument_ids=instrument_ids(plan.config),
        base=BASE,
        books=plan.mode == "paper",
        bar_grace_secs=BAR_GRACE_SECS * plan.config.venue.speed,
    )
    return Readiness(settings, journal, probes, partial(_show, tell))


def _show(tell: Tell, items: tuple[Item, ...]) -> None:
    for item in items:
        tell("  " + item.name, item.missing or "ok")
    is_ready = all(item.is_there for item in items)
    tell("ready" if is_ready else "not ready", f"entries are {'open' if is_ready else 'closed'}")


def _folder(name: str) -> Path:
    folder = home_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run_record(
    loaded: LoadedConfig, mode: Mode, run_id: str, now_ns: int, prepared: Prepared, account: AccountRecord | None
) -> RunRecord:
    config = loaded.config
    return RunRecord(
        ts_ns=now_ns,
        run_id=run_id,
        mode=mode,
        strategy="HeliosStrategy",
        data_label=f"live {VALR} ({config.venue.http_url})",
        is_synthetic=False,
        account_currency=config.account.currency,
        starting_balance=0.0 if account is None else equity_of(account, config.account.currency, prepared.past),
        instrument_ids=config.data.instruments,
        start_ns=now_ns,
        end_ns=now_ns,
        seed=config.training.optimiser.seed,
        config_hash=loaded.hash,
        config_toml=loaded.text,
        model_id=prepared.past.model_id,
        versions=package_versions(),
        notes=(_OPEN_ENDED,),
    )
