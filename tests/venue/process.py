"""A `TradingNode` in a process of its own, with a strategy that does what it is told and tells everything it sees.

Standard input brings a `Setup`, then `Command` lines; its end stops the node, so that no node outlives its test. What
the strategy sees goes, a JSON object a line, to the file descriptor that VALR_EVENTS_FD names; the log to standard
output.
"""

import logging
import os
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any

import msgspec
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveDataEngineConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.data.messages import DataResponse
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import InstrumentId, TraderId

from helios_nautilus.adapters.valr import (
    VALR,
    ValrDataClient,
    ValrDataClientConfig,
    ValrExecClientConfig,
    ValrExecutionClient,
    ValrLiveDataClientFactory,
    ValrLiveExecClientFactory,
)
from helios_nautilus.adapters.valr.api.signing import KEY_VARIABLE, SECRET_VARIABLE
from helios_nautilus.adapters.valr.settlement import Patience
from tests.venue.puppet import Puppet, Tell
from tests.venue.told import EVENTS_FD, Command, Setup

HASTY = Patience(first_secs=0.05, most_secs=0.2, unknown_secs=1.5, unchanged_secs=0.5)
"""With an HTTP time-out of one second an order that is unknown for longer never arrived."""
HTTP_TIMEOUT_SECS = 1.0
HASTY_SOCKET = {"retry_first_secs": 0.1, "retry_secs": 0.3, "retry_max_secs": 1.0}


class HastyExecFactory(ValrLiveExecClientFactory):
    """The adapter's own clients with `HASTY` patience: the defaults are longer than a test should wait."""

    @staticmethod
    def create(*args: Any, **options: Any) -> ValrExecutionClient:
        """As the node calls it."""
        client = ValrLiveExecClientFactory.create(*args, **options)
        client._settlement._patience = HASTY
        client._socket._config = msgspec.structs.replace(client._socket._config, **HASTY_SOCKET)
        return client


def _data_factory(setup: Setup, tell: Tell) -> type[ValrLiveDataClientFactory]:
    """The adapter's own clients; they tell the subscriptions that reach them, and renew as ``setup`` has it."""

    class TellingDataFactory(ValrLiveDataClientFactory):
        @staticmethod
        def create(*args: Any, **options: Any) -> ValrDataClient:
            client = ValrLiveDataClientFactory.create(*args, **options)
            for name in dir(client):
                if name.startswith("_subscribe_"):
                    setattr(client, name, _telling(getattr(client, name), tell))
            socket = client._stream._socket
            if setup.renew_secs is not None:
                socket._config = msgspec.structs.replace(socket._config, renew_secs=setup.renew_secs)
            return client

    return TellingDataFactory


def _telling(
    subscribe: Callable[[Any], Coroutine[Any, Any, None]], tell: Tell
) -> Callable[[Any], Coroutine[Any, Any, None]]:
    async def tell_first(command: Any) -> None:
        tell({"kind": "Reached", "what": subscribe.__name__.removeprefix("_subscribe_"), "params": command.params})
        await subscribe(command)

    return tell_first


def _tell_responses(node: TradingNode, tell: Tell) -> None:
    """Tell every answer to a request, with its parameters, before the engine takes it apart."""
    endpoint, receive = "DataEngine.response", node.kernel.data_engine.response
    bus = node.kernel.msgbus

    def tell_first(response: DataResponse) -> None:
        tell({"kind": "Response", "of": str(response.data_type), "params": dict(response.params or {})})
        receive(response)

    bus.deregister(endpoint, receive)
    bus.register(endpoint, tell_first)


def main() -> None:
    """Run until told to stop, or until standard input ends."""
    setup = msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup)
    # The engine's log is its own: this is what aiohttp, asyncio and the client's engine-free part say.
    logging.basicConfig(level=setup.log_level)
    node = TradingNode(_node_config(setup))
    tell = _teller()
    claims = [InstrumentId.from_str(name) for name in setup.instruments]
    puppet = Puppet(tell, claims if setup.trader is None else [], at_start=setup.at_start, at_stop=setup.at_stop)
    node.trader.add_strategy(puppet)
    if setup.trader is not None:
        module, _, name = setup.trader.partition(":")
        node.trader.add_strategy(getattr(import_module(module), name)(tell, **setup.params))
    node.add_data_client_factory(VALR, _data_factory(setup, tell))
    if setup.has_execution:
        node.add_exec_client_factory(VALR, HastyExecFactory if setup.is_hasty else ValrLiveExecClientFactory)
    node.build()
    _tell_responses(node, tell)
    loop = node.get_event_loop()
    assert loop is not None

    def stop() -> None:
        # A stream that has ended stays readable.
        loop.remove_reader(sys.stdin.fileno())
        node.stop()

    loop.add_reader(sys.stdin.fileno(), Listener(puppet, stop).read)
    try:
        node.run()
    finally:
        loop.remove_reader(sys.stdin.fileno())
        node.dispose()


class Listener:
    """Has the puppet do what standard input says."""

    def __init__(self, puppet: Puppet, stop: Callable[[], None]) -> None:
        self._puppet = puppet
        self._stop = stop
        self._rest = b""

    def read(self) -> None:
        """Carry out the lines that have come."""
        chunk = os.read(sys.stdin.fileno(), 1 << 16)
        if not chunk:
            self._stop()
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._puppet.obey(msgspec.json.decode(line, type=Command))


def _teller() -> Tell:
    descriptor = int(os.environ[EVENTS_FD])

    def tell(what: dict[str, Any]) -> None:
        line = msgspec.json.encode(what, enc_hook=str) + b"\n"
        while line:
            line = line[os.write(descriptor, line) :]

    return tell


def _node_config(setup: Setup) -> TradingNodeConfig:
    names = frozenset(map(InstrumentId.from_str, setup.instruments))
    common: dict[str, Any] = {
        "instrument_provider": InstrumentProviderConfig(load_all=not names, load_ids=names or None),
        "base_url_http": setup.url,
        "base_url_ws": setup.url.replace("http", "ws", 1),
        "http_timeout_secs": HTTP_TIMEOUT_SECS if setup.is_hasty else 10.0,
    }
    if setup.is_key_configured:
        common |= {"api_key": os.environ.get(KEY_VARIABLE), "api_secret": os.environ.get(SECRET_VARIABLE)}
    execution = (
        {VALR: ValrExecClientConfig(margin=setup.margin, **common, **setup.execution)} if setup.has_execution else {}
    )
    return TradingNodeConfig(
        trader_id=TraderId("TESTER-001"),
        logging=LoggingConfig(log_level=setup.log_level, log_colors=False),
        data_engine=LiveDataEngineConfig(graceful_shutdown_on_exception=True),
        risk_engine=LiveRiskEngineConfig(graceful_shutdown_on_exception=True),
        exec_engine=LiveExecEngineConfig(
            reconciliation_lookback_mins=1440,
            reconciliation_startup_delay_secs=0,
            open_check_interval_secs=setup.open_check_secs,
            position_check_interval_secs=setup.position_check_secs,
            inflight_check_retries=1_000_000,
            graceful_shutdown_on_exception=True,
        ),
        data_clients={VALR: ValrDataClientConfig(**common, **setup.data)},
        exec_clients=execution,
        timeout_connection=30.0,
        timeout_reconciliation=30.0,
        timeout_disconnection=5.0,
        timeout_post_stop=0.5,
    )


if __name__ == "__main__":
    main()
