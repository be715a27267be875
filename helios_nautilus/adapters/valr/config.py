"""Configurations of the two VALR clients; both travel inside a ``TradingNodeConfig``."""

from typing import Any, Final

import msgspec
from nautilus_trader.config import (
    LiveDataClientConfig,
    LiveExecClientConfig,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
)
from nautilus_trader.model.enums import AccountType

from helios_nautilus.errors import ConfigError

HTTP_URL: Final = "https://api.valr.com"
WS_URL: Final = "wss://api.valr.com"

_SECRET_FIELDS: Final = frozenset({"api_key", "api_secret"})


class ValrDataClientConfig(LiveDataClientConfig, frozen=True, kw_only=True):
    """Of a `ValrDataClient`, which needs no key: with one, market data over REST is fresher and its budget larger."""

    api_key: str | None = None
    """None takes VALR_API_KEY if both variables are set, else none."""
    api_secret: str | None = None
    """None takes VALR_API_SECRET."""
    sub_account_id: str | None = None
    """The account whose fees are shown; digits, None for the key's own."""
    base_url_http: str = HTTP_URL
    base_url_ws: str = WS_URL
    """Of the simulator: the HTTP URL with ``ws`` for ``http``."""
    http_timeout_secs: PositiveFloat = 10.0
    """Of one attempt."""
    http_deadline_secs: PositiveFloat = 30.0
    """Of a read, and of the socket's first connection, with all its attempts."""
    include_inactive: bool = False
    """Load the pairs that do not trade too."""
    update_instruments_interval_mins: PositiveInt | None = 60
    """None never loads again. What changed is published, and the status of a pair that no longer trades."""
    funding_interval_secs: PositiveFloat = 60.0
    """Between two questions for the estimated funding rate; the venue answers out of a cache of 60 s."""
    status_interval_secs: PositiveFloat = 30.0
    """Between two questions whether the venue takes orders, while anyone wants an instrument's status."""
    bar_grace_secs: NonNegativeFloat = 5.0
    """After a reconnect the bars of the gap are asked for over REST this long after their close."""
    bars_since_ns: int | None = None
    """Bars begin with the minute that this time lies in, asked for over REST as after a reconnect; None begins with
    the minute of the subscription."""
    speed: PositiveFloat = 1.0
    """Venue seconds per second, other than 1 for a simulator only; the clock that the client is given shows venue time
    then. What is waited for by the venue's clock, the close of a bar, is waited for so much shorter."""

    def __post_init__(self) -> None:
        _check(self)

    def __repr__(self) -> str:
        return _describe(self)

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return _shown(self)


class ValrExecClientConfig(LiveExecClientConfig, frozen=True, kw_only=True):
    """Of a `ValrExecutionClient`, for one account."""

    api_key: str | None = None
    """None takes VALR_API_KEY; without one there is no execution client."""
    api_secret: str | None = None
    """None takes VALR_API_SECRET."""
    sub_account_id: str | None = None
    """The account that a primary key acts as; digits, None for the key's own. Perpetuals need a sub-account."""
    base_url_http: str = HTTP_URL
    base_url_ws: str = WS_URL
    """Of the simulator: the HTTP URL with ``ws`` for ``http``."""
    account_type: AccountType | None = None
    """None is CASH, or MARGIN with ``margin``."""
    margin: bool = False
    """Trade perpetuals and spot on margin: balances then back positions."""
    http_timeout_secs: PositiveFloat = 10.0
    """Of one attempt."""
    http_deadline_secs: PositiveFloat = 30.0
    """Of a read, and of the socket's first connection, with all its attempts; a write has one attempt."""
    command_timeout_secs: PositiveFloat = 5.0
    """How long a command may wait until it can go: for us to be in step with the venue, for a connection to it.
    Then an order that opens is denied, one that only closes is sent all the same."""
    cancel_on_disconnect: bool = False
    """Have VALR cancel all open orders of the account when the account socket is lost."""
    check_interval_secs: PositiveFloat | None = 30.0
    """Between two questions for balances, fills and open orders: the frames of the account socket carry no count, and
    a lost one shows only so. None asks after reconnects alone."""
    include_inactive: bool = False
    """Load the pairs that do not trade too."""

    def __post_init__(self) -> None:
        _check(self)
        if self.account_type is AccountType.MARGIN and not self.margin:
            raise ConfigError("VALR execution: account_type MARGIN needs margin = true")

    def __repr__(self) -> str:
        return _describe(self)

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return _shown(self)

    @property
    def effective_account_type(self) -> AccountType:
        """The account type with its default filled in."""
        if self.account_type is not None:
            return self.account_type
        return AccountType.MARGIN if self.margin else AccountType.CASH


def _check(config: ValrDataClientConfig | ValrExecClientConfig) -> None:
    if (config.api_key is None) != (config.api_secret is None):
        raise ConfigError("VALR: api_key and api_secret go together")
    for url, schemes in ((config.base_url_http, ("https://", "http://")), (config.base_url_ws, ("wss://", "ws://"))):
        if not url.startswith(schemes) or url.endswith("/"):
            raise ConfigError(f"VALR: {url!r} is not like {schemes[0]}host[:port]")


def _describe(config: ValrDataClientConfig | ValrExecClientConfig) -> str:
    """As msgspec writes a struct, but secrets: a node's configuration is printed and logged."""
    fields = ", ".join(f"{name}={value!r}" for name, value in _shown(config))
    return f"{type(config).__name__}({fields})"


def _shown(config: ValrDataClientConfig | ValrExecClientConfig) -> list[tuple[str, Any]]:
    """The fields, for pretty printers too, which would else ask msgspec."""
    fields = msgspec.structs.asdict(config).items()
    return [(name, "***" if name in _SECRET_FIELDS and value is not None else value) for name, value in fields]
