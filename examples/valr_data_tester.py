"""Runs NautilusTrader's own `DataTester` against VALR, or against `helios sim`, and stops by itself.

    python examples/valr_data_tester.py                                  # VALR, public data, no key needed
    VALR_URL=http://127.0.0.1:8770 python examples/valr_data_tester.py   # the simulator

Other variables: VALR_SYMBOLS (BTCZAR,BTCUSDTPERP), VALR_SECONDS (90), and VALR_API_KEY with VALR_API_SECRET.
"""

import asyncio
import os

from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveDataEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import ClientId, InstrumentId
from nautilus_trader.test_kit.strategies.tester_data import DataTester, DataTesterConfig

from helios_nautilus.adapters.valr import VALR, ValrDataClientConfig, ValrLiveDataClientFactory
from helios_nautilus.adapters.valr.config import HTTP_URL


def build_node(url: str) -> TradingNode:
    """A node with data and nothing else."""
    node = TradingNode(
        config=TradingNodeConfig(
            trader_id="TESTER-001",
            logging=LoggingConfig(log_level="INFO"),
            data_engine=LiveDataEngineConfig(
                graceful_shutdown_on_exception=True,
                # A minute without a trade has no bar.
                time_bars_build_with_no_updates=False,
            ),
            data_clients={
                VALR: ValrDataClientConfig(
                    base_url_http=url,
                    base_url_ws=url.replace("http", "ws", 1),
                    instrument_provider=InstrumentProviderConfig(load_all=True),
                )
            },
        )
    )
    node.add_data_client_factory(VALR, ValrLiveDataClientFactory)
    node.build()
    return node


def build_tester(symbols: list[str]) -> DataTester:
    """Subscribes to and asks for all that VALR offers; spot pairs say in the log that they have no mark price."""
    instrument_ids = [InstrumentId.from_str(f"{symbol}.{VALR}") for symbol in symbols]
    return DataTester(
        DataTesterConfig(
            instrument_ids=instrument_ids,
            client_id=ClientId(VALR),
            bar_types=[BarType.from_str(f"{instrument_id}-1-MINUTE-LAST-EXTERNAL") for instrument_id in instrument_ids],
            subscribe_instrument=True,
            subscribe_instrument_status=True,
            subscribe_book_deltas=True,
            manage_book=True,
            subscribe_quotes=True,
            subscribe_trades=True,
            subscribe_bars=True,
            subscribe_mark_prices=True,
            subscribe_funding_rates=True,
            request_instruments=True,
            request_trades=True,
            request_bars=True,
            request_funding_rates=True,
        )
    )


async def run(node: TradingNode, seconds: float) -> None:
    """Run a node for a while and stop it in order."""
    running = asyncio.create_task(node.run_async())
    await asyncio.wait({running}, timeout=seconds)
    await node.stop_async()
    await running


def main() -> None:
    """Read the environment, build, run."""
    node = build_node(os.environ.get("VALR_URL", HTTP_URL))
    node.trader.add_actor(build_tester(os.environ.get("VALR_SYMBOLS", "BTCZAR,BTCUSDTPERP").split(",")))
    try:
        node.get_event_loop().run_until_complete(run(node, float(os.environ.get("VALR_SECONDS", "90"))))
    finally:
        node.dispose()


if __name__ == "__main__":
    main()
