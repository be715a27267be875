"""Who may trade: the primary account, its sub-accounts and their API keys."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from helios_nautilus.simulator.exchange.fees import Rates, rates_of
from helios_nautilus.simulator.exchange.leverage import DEFAULT_LEVERAGE, Fractions, fractions_of
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.refusals import Code, Refusal

PRIMARY: Final = "0"
FIRST_SUB_ACCOUNT: Final = 1_402_613_105_484_087_296
TRADE: Final = "Trade"
VIEW: Final = "View access"
INTERNAL_TRANSFER: Final = "Internal Transfer"


class Account(Struct, kw_only=True):
    """One account; only sub-accounts borrow or hold perpetual positions."""

    account_id: str
    label: str
    margin_enabled: bool = False
    futures_enabled: bool = False
    in_liquidation: bool = False
    tier: int = 0
    own_rates: dict[str, Rates] = {}
    """Rates by symbol that replace the tier's."""
    leverage: dict[str, int] = {}
    """Chosen leverage by symbol."""

    @property
    def is_primary(self) -> bool:
        """The account that owns the others."""
        return self.account_id == PRIMARY

    def rates(self, pair: Pair) -> Rates:
        """Fee rates in percent."""
        return self.own_rates.get(pair.symbol) or rates_of(pair, self.tier)

    def leverage_of(self, symbol: str) -> int:
        """Leverage in force."""
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    def fractions_of(self, symbol: str) -> Fractions:
        """Margin fractions of a perpetual at its leverage."""
        return fractions_of(self.leverage_of(symbol))


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key pair; its text never shows the secret."""

    key: str
    secret: str
    account_id: str
    permissions: tuple[str, ...] = (VIEW, TRADE)
    label: str = "simulator"
    added_ns: int = 0

    def require(self, permission: str) -> None:
        """Refuse what the key was not given; VALR documents the status, and a code for transfers only."""
        if permission not in self.permissions:
            if permission == INTERNAL_TRANSFER:
                raise Refusal(Code.TRANSFER_NOT_PERMITTED)
            raise Refusal(Code.INVALID_REQUEST, f"API key lacks the permission {permission}", status=401)

    def __repr__(self) -> str:
        return f"ApiKey(key={self.key[:6]!r}..., account_id={self.account_id!r})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        """Pretty tracebacks ask here."""
        return [("key", f"{self.key[:6]}..."), ("account_id", self.account_id)]


class Accounts:
    """All accounts and keys."""

    def __init__(self) -> None:
        self._accounts = {PRIMARY: Account(account_id=PRIMARY, label="Primary")}
        self._keys: dict[str, ApiKey] = {}
        self._opened = 0

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def __getitem__(self, account_id: str) -> Account:
        return self._accounts[account_id]

    def get(self, account_id: str) -> Account | None:
        """The account, if there is one."""
        return self._accounts.get(account_id)

    def open_sub_account(self, label: str, *, is_enabled: bool = True) -> Account:
        """A new sub-account; ``is_enabled`` lets it borrow and trade perpetuals."""
        account_id = str(FIRST_SUB_ACCOUNT + self._opened)
        self._opened += 1
        account = Account(account_id=account_id, label=label, margin_enabled=is_enabled, futures_enabled=is_enabled)
        self._accounts[account_id] = account
        return account

    def close(self, account: Account) -> None:
        """Remove a sub-account and its keys."""
        del self._accounts[account.account_id]
        self._keys = {name: key for name, key in self._keys.items() if key.account_id != account.account_id}

    def add_key(self, key: ApiKey) -> None:
        """Let a key act for its account."""
        self._keys[key.key] = key

    def key(self, key: str) -> ApiKey | None:
        """The key pair, if it is known."""
        return self._keys.get(key)

    def acting_as(self, key: ApiKey, sub_account_id: str) -> Account:
        """The account a key acts for: its own, or a sub-account a primary key names."""
        if not sub_account_id:
            return self._accounts[key.account_id]
        account = self._accounts.get(sub_account_id)
        if account is None or key.account_id != PRIMARY or account.is_primary:
            raise Refusal(Code.INVALID_REQUEST, "API key cannot act as this sub-account", status=401)
        return account
