"""A12: whoever knows one adapter finds everything in ours: the engine's hooks stand in the order of all adapters."""

import inspect

import pytest
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.live.execution_client import LiveExecutionClient

from helios_nautilus.adapters.valr import ValrDataClient, ValrExecutionClient

DATA = (("_connect", "_disconnect"), ("_subscribe_",), ("_unsubscribe_",), ("_request_",))
EXECUTION = (
    ("_connect", "_disconnect"),
    ("_query_", "_submit_", "_modify_", "_cancel_", "_batch_"),
    ("generate_",),
)


@pytest.mark.parametrize(
    ("client", "base", "groups"),
    [(ValrDataClient, LiveMarketDataClient, DATA), (ValrExecutionClient, LiveExecutionClient, EXECUTION)],
)
def test_the_engines_hooks_stand_in_the_order_of_all_adapters(
    client: type, base: type, groups: tuple[tuple[str, ...], ...]
) -> None:
    hooks = [name for name, _ in vars(client).items() if inspect.isfunction(vars(client)[name]) and hasattr(base, name)]
    order = [number for name in hooks for number, group in enumerate(groups) if name.startswith(group)]
    assert len(set(order)) == len(groups)
    assert order == sorted(order)
