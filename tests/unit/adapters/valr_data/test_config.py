"""Configurations: secrets stay secret, mistakes are told early."""

import pytest
from nautilus_trader.model.enums import AccountType

from helios_nautilus.adapters.valr.config import ValrDataClientConfig, ValrExecClientConfig
from helios_nautilus.adapters.valr.factories import resolve_credentials
from helios_nautilus.errors import ConfigError


@pytest.mark.parametrize("config_type", [ValrDataClientConfig, ValrExecClientConfig])
def test_no_secret_is_shown(config_type: type) -> None:
    config = config_type(api_key="a" * 64, api_secret="b" * 64)
    assert "aaa" not in repr(config)
    assert "bbb" not in f"{config} {config!r} {[config]}"


@pytest.mark.parametrize(
    "fields",
    [{"api_key": "a"}, {"api_secret": "b"}, {"base_url_http": "https://host/"}, {"base_url_ws": "http://host"}],
)
def test_half_a_key_and_a_url_that_is_none_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        ValrDataClientConfig(**fields)


def test_the_account_type_follows_margin() -> None:
    assert ValrExecClientConfig().effective_account_type == AccountType.CASH
    assert ValrExecClientConfig(margin=True).effective_account_type == AccountType.MARGIN
    with pytest.raises(ConfigError):
        ValrExecClientConfig(account_type=AccountType.MARGIN)


def test_keys_come_from_the_environment_and_are_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VALR_API_KEY", raising=False)
    monkeypatch.delenv("VALR_API_SECRET", raising=False)
    assert resolve_credentials(ValrDataClientConfig()) is None
    monkeypatch.setenv("VALR_API_KEY", "a" * 64)
    with pytest.raises(ConfigError, match="VALR_API_SECRET"):
        resolve_credentials(ValrDataClientConfig())
    monkeypatch.setenv("VALR_API_SECRET", "b" * 64)
    assert resolve_credentials(ValrDataClientConfig()) is not None
