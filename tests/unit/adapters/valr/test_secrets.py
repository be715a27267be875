"""No way of showing an object shows its key or secret: text, pretty printers, and errors on the way to one."""

import pprint
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from nautilus_trader.config import TradingNodeConfig

from helios_nautilus.adapters.valr import VALR, ValrDataClientConfig, ValrExecClientConfig
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.transport import Request
from helios_nautilus.adapters.valr.factories import resolve_credentials
from helios_nautilus.errors import ConfigError
from helios_nautilus.simulator.exchange.accounts import ApiKey
from helios_nautilus.simulator.exchange.opening import Credentials as Demo

KEY, SECRET = "ab" * 32, "4961b74efac86b25cce8fbe4c9811c4c7a787b7a5996660afcc2e287ad864363"
PAIR: dict[str, Any] = {"api_key": KEY, "api_secret": SECRET}


def rich(thing: Any) -> str:
    """As the library of that name asks an object, which it does without being asked to, in tracebacks with locals."""
    fields: list[Any] = getattr(thing, "__rich_repr__", list)()
    return repr(list(fields))


HOLDERS = {
    "data config": ValrDataClientConfig(**PAIR),
    "execution config": ValrExecClientConfig(**PAIR),
    "node config": TradingNodeConfig(
        data_clients={VALR: ValrDataClientConfig(**PAIR)}, exec_clients={VALR: ValrExecClientConfig(**PAIR)}
    ),
    "credentials": Credentials(KEY, SECRET, "77"),
    "signed request": Request(
        method="POST",
        base_url="https://venue.test",
        target="/v2/orders/limit",
        headers=Credentials(KEY, SECRET).headers(1558014486185, "POST", "/v2/orders/limit"),
        timeout_secs=1.0,
    ),
}


@pytest.mark.parametrize("show", [repr, str, "{}".format, pprint.pformat, rich, lambda thing: repr({"a": [thing]})])
@pytest.mark.parametrize("name", HOLDERS)
def test_holder_of_a_secret_does_not_show_it(name: str, show: Callable[[Any], str]) -> None:
    text = show(HOLDERS[name])
    assert KEY not in text
    assert SECRET not in text
    assert "SIGNATURE" not in text.upper()


@pytest.mark.parametrize("show", [repr, pprint.pformat, rich])
@pytest.mark.parametrize(
    "holder",
    [ApiKey(key=KEY, secret=SECRET, account_id="1"), Demo(key=KEY, secret=SECRET, account_id="1")],
    ids=["the venue's", "the client's"],
)
def test_simulators_own_keys_are_not_shown_either(holder: Any, show: Callable[[Any], str]) -> None:
    assert SECRET not in show(holder)


@pytest.mark.parametrize("odd", [f"{SECRET}\u00df", f"{SECRET} {SECRET}", f"'{SECRET}'", f"{SECRET}\x00"])
@pytest.mark.parametrize("config_type", [ValrDataClientConfig, ValrExecClientConfig])
def test_secret_that_cannot_be_one_is_refused_without_being_shown(config_type: type, odd: str) -> None:
    for pair in ({"api_key": KEY, "api_secret": odd}, {"api_key": odd, "api_secret": SECRET}):
        with pytest.raises(ConfigError) as caught:
            resolve_credentials(config_type(**pair))
        printed = "".join(traceback.format_exception(caught.value))
        assert SECRET not in printed
        assert KEY not in printed


@pytest.mark.parametrize("lacking", ["api_key", "api_secret"])
@pytest.mark.parametrize("config_type", [ValrDataClientConfig, ValrExecClientConfig])
def test_half_a_pair_is_refused_without_being_shown(config_type: type, lacking: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_type(**(PAIR | {lacking: None}))
    assert KEY not in str(caught.value)
    assert SECRET not in str(caught.value)
