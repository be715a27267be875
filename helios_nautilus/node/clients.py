"""How Nautilus's `TradingNode` is set up for paper and live: the clients, and engine settings that are safe."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from nautilus_trader.common import Environment
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveDataEngineConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.factories import LiveExecClientFactory
from nautilus_trader.live.node import TradingNode

from helios_nautilus.adapters.valr import (
    VALR,
    ValrDataClientConfig,
    ValrExecClientConfig,
    ValrLiveDataClientFactory,
    ValrLiveExecClientFactory,
)
from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.journal.records import AccountRecord
from helios_nautilus.messages import HELIOS_CLIENT
from helios_nautilus.node.balances import write_balances
from helios_nautilus.node.logs import engine_log
from helios_nautilus.node.paper_exchange import PaperExchangeConfig, paper_exchange_factory
from helios_nautilus.node.paper_reports import balances_before
from helios_nautilus.node.tiers import Past, instrument_ids

_PURGE_EVERY_MINS: Final = 15
_PURGE_AFTER_MINS: Final = NS_PER_DAY // NS_PER_MIN + 60
"""A bet looks at all its orders for as long as it lives, which is a day at most."""
_ACCOUNT_EVERY_MINS: Final = 5
_ACCOUNT_AFTER_MINS: Final = 15
"""Nobody looks at past states of an account, and VALR may tell several a minute, of all its currencies."""
_ENDLESS: Final = 1_000_000
_SETTLED_MS: Final = 5_000
"""An order younger than this is on its way: the engine's checks leave it alone."""
_POST_STOP_SECS: Final = 1.0
_DISCONNECTION_SECS: Final = 5.0


def build_trading_node(
    config: HeliosConfig, account: AccountRecord | None, past: Past, since_ns: int, run_id: str, logs: Path
) -> TradingNode:
    """A node with its clients built, on the current event loop; no actors yet. Bars begin after ``since_ns``.

    It is a paper node if there is an ``account`` to simulate. Else it is live, and the keys come from the environment.
    """
    node = TradingNode(_node_config(config, account, past, since_ns, run_id, logs))
    node.add_data_client_factory(VALR, ValrLiveDataClientFactory)
    execution: type[LiveExecClientFactory] = ValrLiveExecClientFactory
    if account is not None:
        execution = paper_exchange_factory(node.portfolio)
        for instrument in past.instruments.values():
            node.kernel.cache.add_instrument(instrument)  # the exchange looks there before VALR has told any
    node.add_exec_client_factory(VALR, execution)
    node.build()
    return node


def _node_config(
    config: HeliosConfig, account: AccountRecord | None, past: Past, since_ns: int, run_id: str, logs: Path
) -> TradingNodeConfig:
    speed = config.venue.speed
    ready_secs = config.node.ready_secs * speed  # the engine waits by its own clock
    common: dict[str, Any] = {
        "instrument_provider": InstrumentProviderConfig(load_ids=frozenset(instrument_ids(config))),
        "base_url_http": config.venue.http_url,
        "base_url_ws": config.venue.ws_url,
        "sub_account_id": config.venue.sub_account,
    }
    is_live = account is None
    execution = (
        ValrExecClientConfig(
            margin=config.account.kind == "margin", cancel_on_disconnect=config.venue.cancel_on_disconnect, **common
        )
        if account is None
        else _paper_exchange(config, account, past)
    )
    return TradingNodeConfig(
        environment=Environment.LIVE if is_live else Environment.SANDBOX,
        trader_id=run_id,  # it stands in every line of the log, and its stamp in the name of every order
        logging=engine_log(config.logs, run_id, logs),
        data_engine=LiveDataEngineConfig(external_clients=[HELIOS_CLIENT], graceful_shutdown_on_exception=True),
        risk_engine=LiveRiskEngineConfig(graceful_shutdown_on_exception=True),
        exec_engine=_exec_engine(speed, is_live=is_live),
        data_clients={VALR: ValrDataClientConfig(bars_since_ns=since_ns, speed=speed, **common)},
        exec_clients={VALR: execution},
        timeout_connection=ready_secs,
        timeout_reconciliation=ready_secs,
        timeout_portfolio=ready_secs,
        timeout_disconnection=_DISCONNECTION_SECS * speed,
        timeout_post_stop=_POST_STOP_SECS,
    )


def _exec_engine(speed: float, *, is_live: bool) -> LiveExecEngineConfig:
    """The paper exchange lives in this process: after what an earlier run left there is nothing to reconcile."""
    settled_ms = round(_SETTLED_MS * speed)
    return LiveExecEngineConfig(
        reconciliation=True,
        reconciliation_startup_delay_secs=1.0,
        # Beyond its retries the engine would guess; the adapter settles every doubt itself.
        inflight_check_retries=_ENDLESS,
        inflight_check_interval_ms=2_000 if is_live else 0,
        inflight_check_threshold_ms=settled_ms,
        open_check_interval_secs=10.0 if is_live else None,
        open_check_threshold_ms=settled_ms,
        position_check_interval_secs=60.0 if is_live else None,
        position_check_threshold_ms=settled_ms,
        purge_closed_orders_interval_mins=_PURGE_EVERY_MINS,
        purge_closed_orders_buffer_mins=_PURGE_AFTER_MINS,
        purge_closed_positions_interval_mins=_PURGE_EVERY_MINS,
        purge_closed_positions_buffer_mins=_PURGE_AFTER_MINS,
        purge_account_events_interval_mins=_ACCOUNT_EVERY_MINS,
        purge_account_events_lookback_mins=_ACCOUNT_AFTER_MINS,
        graceful_shutdown_on_exception=True,
    )


def _paper_exchange(config: HeliosConfig, account: AccountRecord, past: Past) -> PaperExchangeConfig:
    is_cash = account.kind == "cash"
    return PaperExchangeConfig(
        venue=VALR,
        starting_balances=write_balances(balances_before(account, past.instruments)),
        holdings=account.holdings,
        account_type="CASH" if is_cash else "MARGIN",
        default_leverage=Decimal(1 if is_cash else str(config.aether.sizing.max_leverage)),
        book_type="L2_MBP",
        bar_execution=False,
        trade_execution=False,
        latency_ms=config.execution.latency_ms / config.venue.speed,  # it is waited for on this machine's clock
    )
