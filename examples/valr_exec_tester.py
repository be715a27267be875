"""Run NautilusTrader's own `ExecTester` through the VALR adapter, against the simulator.

    helios sim --json                      # prints the URL and a demo key
    export VALR_URL=http://127.0.0.1:8770  VALR_API_KEY=...  VALR_API_SECRET=...
    python examples/valr_exec_tester.py

It opens a small position, rests a buy and a sell order far from the market, and on Ctrl-C (or after VALR_SECONDS)
cancels the orders and closes the position. VALR_SYMBOL takes another pair. VALR_URL has no default on purpose: this
sends orders, and must be pointed somewhere.
"""

import os
from decimal import Decimal

from nautilus_trader.config import InstrumentProviderConfig, LiveExecEngineConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.test_kit.strategies.tester_exec import ExecTester, ExecTesterConfig

from helios_nautilus.adapters.valr.config import ValrDataClientConfig, ValrExecClientConfig
from helios_nautilus.adapters.valr.constants import VALR
from helios_nautilus.adapters.valr.factories import ValrLiveDataClientFactory, ValrLiveExecClientFactory


def main() -> None:
    """Trade until interrupted."""
    url = os.environ["VALR_URL"].rstrip("/")
    instrument_id = InstrumentId.from_str(f"{os.environ.get('VALR_SYMBOL', 'BTCZAR')}.{VALR}")
    node = TradingNode(_node_config(url, instrument_id))
    node.trader.add_strategy(ExecTester(_tester_config(instrument_id)))
    node.add_data_client_factory(VALR, ValrLiveDataClientFactory)
    node.add_exec_client_factory(VALR, ValrLiveExecClientFactory)
    node.build()
    secs = float(os.environ.get("VALR_SECONDS", "0"))
    if secs:
        node.get_event_loop().call_later(secs, node.stop)
    try:
        node.run()
    finally:
        node.dispose()


def _node_config(url: str, instrument_id: InstrumentId) -> TradingNodeConfig:
    instruments = InstrumentProviderConfig(load_ids=frozenset({instrument_id}))
    urls = {"base_url_http": url, "base_url_ws": url.replace("http", "ws", 1)}
    return TradingNodeConfig(
        trader_id=TraderId("TESTER-001"),
        logging=LoggingConfig(log_level="INFO"),
        exec_engine=LiveExecEngineConfig(
            reconciliation_lookback_mins=1440,
            open_check_interval_secs=10.0,
            open_check_open_only=True,
            # The adapter settles orders in flight by asking the venue; at the engine's own limit it would guess.
            inflight_check_retries=1_000_000,
            graceful_shutdown_on_exception=True,
        ),
        data_clients={VALR: ValrDataClientConfig(instrument_provider=instruments, **urls)},
        exec_clients={VALR: ValrExecClientConfig(instrument_provider=instruments, **urls)},
        timeout_connection=30.0,
        timeout_disconnection=10.0,
        timeout_post_stop=2.0,
    )


def _tester_config(instrument_id: InstrumentId) -> ExecTesterConfig:
    """Spot: no reduce-only, and market orders are immediate or cancelled."""
    return ExecTesterConfig(
        instrument_id=instrument_id,
        external_order_claims=[instrument_id],
        order_qty=Decimal("0.001"),
        open_position_on_start_qty=Decimal("0.001"),
        open_position_time_in_force=TimeInForce.IOC,
        close_positions_time_in_force=TimeInForce.IOC,
        tob_offset_ticks=50_000,
        use_post_only=True,
        reduce_only_on_stop=False,
        log_data=False,
    )


if __name__ == "__main__":
    main()
