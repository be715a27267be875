"""What a `TradingNode` builds the VALR clients with, and what they share: requests, their budget, instruments."""

import asyncio
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.clock import SystemClock
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.limits import RateLimiter
from helios_nautilus.adapters.valr.api.signing import KEY_VARIABLE, SECRET_VARIABLE, Credentials
from helios_nautilus.adapters.valr.config import ValrDataClientConfig, ValrExecClientConfig
from helios_nautilus.adapters.valr.data import ValrDataClient
from helios_nautilus.adapters.valr.providers import ValrInstrumentProvider
from helios_nautilus.errors import ConfigError

if TYPE_CHECKING:
    from helios_nautilus.adapters.valr.execution import ValrExecutionClient


class SharedHttp(ValrHttp):
    """Requests for several clients: the connections are let go when the last of them closes."""

    _holders = 0

    def hold(self) -> Self:
        """For one more client, which owes a `close`."""
        self._holders += 1
        return self

    async def close(self) -> None:
        """Give back what `hold` gave."""
        self._holders = max(self._holders - 1, 0)
        if self._holders == 0:
            await super().close()


def resolve_credentials(config: ValrDataClientConfig | ValrExecClientConfig) -> Credentials | None:
    """The key of a configuration or of the environment; None if both have none. Half a pair is a `ConfigError`."""
    pair = _key_pair(config)
    return None if pair is None else Credentials(*pair, config.sub_account_id)


@lru_cache(maxsize=4)
def get_valr_limiter(loop: asyncio.AbstractEventLoop) -> RateLimiter:
    """The one budget of all clients on a loop: the venue counts them together."""
    return RateLimiter(SystemClock())


def get_valr_http(loop: asyncio.AbstractEventLoop, config: ValrDataClientConfig | ValrExecClientConfig) -> SharedHttp:
    """Requests as ``config`` says, shared by all clients on the loop that say the same; closed by each of them."""
    http = HttpConfig(
        base_url=config.base_url_http,
        timeout_secs=config.http_timeout_secs,
        deadline_secs=config.http_deadline_secs,
    )
    return _build_http(loop, http, _key_pair(config), config.sub_account_id).hold()


@lru_cache(maxsize=8)
def get_valr_provider(
    http: SharedHttp,
    config: InstrumentProviderConfig,
    clock: LiveClock,
    *,
    has_key: bool = False,
    include_inactive: bool = False,
) -> ValrInstrumentProvider:
    """The instruments, loaded once for all clients that ask in the same way."""
    return ValrInstrumentProvider(
        http, config, now_ns=clock.timestamp_ns, has_key=has_key, include_inactive=include_inactive
    )


@lru_cache(maxsize=8)
def _build_http(
    loop: asyncio.AbstractEventLoop, config: HttpConfig, pair: tuple[str, str] | None, sub_account_id: str | None
) -> SharedHttp:
    credentials = None if pair is None else Credentials(*pair, sub_account_id)
    return SharedHttp(config, credentials, limiter=get_valr_limiter(loop))


def _key_pair(config: ValrDataClientConfig | ValrExecClientConfig) -> tuple[str, str] | None:
    if config.api_key is not None and config.api_secret is not None:
        return config.api_key, config.api_secret
    key, secret = (os.environ.get(name, "").strip() for name in (KEY_VARIABLE, SECRET_VARIABLE))
    if bool(key) != bool(secret):
        raise ConfigError(f"{KEY_VARIABLE} and {SECRET_VARIABLE} go together, and one of them is not set")
    return (key, secret) if key else None


class ValrLiveDataClientFactory(LiveDataClientFactory):
    """Builds the data client of a node."""

    @staticmethod
    def create(  # type: ignore[override]
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: ValrDataClientConfig,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> ValrDataClient:
        """As the node calls it."""
        credentials = resolve_credentials(config)
        http = get_valr_http(loop, config)
        provider = get_valr_provider(
            http,
            config.instrument_provider,
            clock,
            has_key=credentials is not None,
            include_inactive=config.include_inactive,
        )
        return ValrDataClient(
            loop,
            http,
            msgbus,
            cache,
            clock,
            provider,
            config,
            name,
            credentials=credentials,
            limiter=get_valr_limiter(loop),
        )


class ValrLiveExecClientFactory(LiveExecClientFactory):
    """Builds the execution client of a node."""

    @staticmethod
    def create(  # type: ignore[override]
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: ValrExecClientConfig,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> "ValrExecutionClient":
        """As the node calls it; `ConfigError` without a key."""
        from helios_nautilus.adapters.valr.execution import ValrExecutionClient

        # Without a key this names the variable that is missing.
        credentials = resolve_credentials(config) or Credentials.from_env()
        http = get_valr_http(loop, config)
        provider = get_valr_provider(
            http, config.instrument_provider, clock, has_key=True, include_inactive=config.include_inactive
        )
        return ValrExecutionClient(
            loop, http, credentials, msgbus, cache, clock, provider, config, name, limiter=get_valr_limiter(loop)
        )
