"""What is listed: pairs and currencies, from a table of the simulator's own."""

from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.errors import ConfigError
from helios_nautilus.simulator.exchange.decimals import text, times
from helios_nautilus.simulator.exchange.refusals import Code, Refusal

LISTING_FILE: Final = Path(__file__).with_name("listing.toml")

_SPOT_TYPES: Final = ("LIMIT_POST_ONLY", "LIMIT", "MARKET", "SIMPLE", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
_FUTURE_TYPES: Final = ("LIMIT_POST_ONLY", "LIMIT", "LIMIT_REDUCE_ONLY", "MARKET_REDUCE_ONLY", "MARKET")


class Currency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One currency; ``symbol`` is its display symbol where that is not its code (the rand's is "R")."""

    symbol: str = ""
    name: str
    decimals: int
    withdrawal_decimals: int
    weight: Decimal
    """Collateral weight; 0 is no collateral."""


class Pair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One tradable pair: base first; a symbol that ends in PERP is a perpetual settled in its quote."""

    symbol: str = ""
    base: str
    quote: str
    tick: Decimal
    places: int
    """Decimals of a quantity; what is sent beyond them is cut off."""
    base_range: tuple[Decimal, Decimal]
    quote_range: tuple[Decimal, Decimal]
    margins: tuple[Decimal, Decimal, Decimal] | None = None
    active: bool = True

    @cached_property
    def is_perpetual(self) -> bool:
        """A perpetual future rather than a spot pair."""
        return self.symbol.endswith("PERP")

    @property
    def allows_margin(self) -> bool:
        """Spot orders may borrow."""
        return not self.is_perpetual and self.margins is not None

    @property
    def order_types(self) -> tuple[str, ...]:
        """Order types on offer; none while inactive."""
        if not self.active:
            return ()
        return _FUTURE_TYPES if self.is_perpetual else _SPOT_TYPES

    def is_on_tick(self, price: Decimal) -> bool:
        """The price lies on the grid."""
        return price % self.tick == 0

    def check_size(self, quantity: Decimal, price: Decimal) -> None:
        """Refuse a size outside the pair's limits, with both minima in the words; price 0 is a market order's."""
        amount = times(quantity, price)
        if quantity < self.base_range[0] or (price and amount < self.quote_range[0]):
            raise self._too_small()
        if quantity > self.base_range[1] or amount > self.quote_range[1]:
            raise Refusal(Code.INVALID_REQUEST, "Maximum order size exceeded")

    def check_amount(self, amount: Decimal) -> None:
        """Refuse a quote amount outside the pair's limits."""
        if amount < self.quote_range[0]:
            raise self._too_small()
        if amount > self.quote_range[1]:
            raise Refusal(Code.INVALID_REQUEST, "Maximum order size exceeded")

    def _too_small(self) -> Refusal:
        return Refusal(
            Code.BELOW_MINIMUM,
            f"Minimum order size not met . Minimum amount: {text(self.base_range[0])} {self.base}, "
            f"minimum total: {text(self.quote_range[0])} {self.quote}",
        )


class Listing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All pairs and currencies by code."""

    currencies: dict[str, Currency]
    pairs: dict[str, Pair]

    def pair(self, symbol: object) -> Pair:
        """The pair, upper or lower case; an unknown one is refused."""
        found = self.pairs.get(symbol.upper()) if isinstance(symbol, str) else None
        if found is None:
            raise Refusal(Code.UNSUPPORTED_PAIR)
        return found

    def active_pair(self, symbol: object) -> Pair:
        """The pair if it is trading."""
        pair = self.pair(symbol)
        if not pair.active:
            raise Refusal(Code.PAIR_NOT_ACTIVE)
        return pair


def load_listing(path: Path = LISTING_FILE) -> Listing:
    """The checked-in listing, or another file of the same form; a wrong one raises `ConfigError`."""
    try:
        table = msgspec.toml.decode(path.read_bytes(), type=Listing)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    pairs = {symbol: msgspec.structs.replace(pair, symbol=symbol) for symbol, pair in table.pairs.items()}
    missing = {code for pair in pairs.values() for code in (pair.base, pair.quote)} - table.currencies.keys()
    if missing:
        raise ConfigError(f"{path}: pairs use undefined currencies {', '.join(sorted(missing))}")
    currencies = {
        code: msgspec.structs.replace(currency, symbol=currency.symbol or code)
        for code, currency in table.currencies.items()
    }
    return Listing(currencies=currencies, pairs=pairs)
