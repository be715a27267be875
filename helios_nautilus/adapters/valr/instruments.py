"""Instrument definitions from a TOML table: VALR's own, checked in, or a user's file for any venue."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct
from nautilus_trader.model.identifiers import InstrumentId, Symbol
from nautilus_trader.model.instruments import CryptoPerpetual, CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity

from helios_nautilus.adapters.valr.constants import VALR_CURRENCIES
from helios_nautilus.adapters.valr.money import currency_of
from helios_nautilus.errors import ConfigError, UnknownInstrumentError

PAIRS_FILE: Final = Path(__file__).with_name("pairs.toml")

for _currency in VALR_CURRENCIES:
    Currency.register(_currency)


class Pair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[[instrument]]`` of the table; amounts are decimal texts, fees and margins fractions of value."""

    symbol: str
    venue: str
    kind: Literal["spot", "perpetual"] = "spot"
    base: str
    quote: str
    price_increment: Decimal
    size_increment: Decimal
    size_increment_assumed: bool = False
    """The venue does not publish the step: this one is ours."""
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    margin_init: Decimal = Decimal(0)
    margin_maint: Decimal = Decimal(0)
    maker_fee: Decimal
    taker_fee: Decimal

    def __post_init__(self) -> None:
        if self.price_increment <= 0 or self.size_increment <= 0:
            raise ValueError(f"{self.instrument_id}: price_increment and size_increment must be above 0")
        if not (self.base.isalnum() and self.quote.isalnum()):
            raise ValueError(f"{self.instrument_id}: base and quote must be codes of currencies, like BTC and ZAR")
        if self.kind == "spot" and (self.margin_init or self.margin_maint):
            raise ValueError(f"{self.instrument_id}: margins are for kind = 'perpetual'")

    @property
    def instrument_id(self) -> str:
        """Symbol and venue as the engine writes them, e.g. ``BTCZAR.VALR``."""
        return f"{self.symbol}.{self.venue}"


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    instrument: list[Pair]


def load_pairs(path: Path = PAIRS_FILE) -> dict[str, Pair]:
    """The instruments of a TOML table by id; VALR's without a path. A wrong file raises `ConfigError`."""
    try:
        pairs = msgspec.toml.decode(path.read_bytes(), type=_Table).instrument
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such instruments file") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    table = {pair.instrument_id: pair for pair in pairs}
    if len(table) < len(pairs):
        raise ConfigError(f"{path}: an instrument is defined twice")
    return table


def build_instrument(instrument_id: str, pairs: Mapping[str, Pair] | None = None) -> CurrencyPair | CryptoPerpetual:
    """The engine's instrument for an id out of ``pairs`` (VALR's by default); else `UnknownInstrumentError`."""
    pairs = load_pairs() if pairs is None else pairs
    pair = pairs.get(instrument_id)
    if pair is None:
        raise UnknownInstrumentError(
            f"{instrument_id} is not a known instrument; known are {', '.join(sorted(pairs))}; "
            "define others in a TOML file like configs/instruments/binance_usdm.toml and give it with --instruments"
        )
    return _build_spot(pair) if pair.kind == "spot" else _build_perpetual(pair)


def _build_spot(pair: Pair) -> CurrencyPair:
    return CurrencyPair(base_currency=currency_of(pair.base), **_common_fields(pair))


def _build_perpetual(pair: Pair) -> CryptoPerpetual:
    """A linear contract of one unit of base, settled in quote."""
    return CryptoPerpetual(
        base_currency=currency_of(pair.base),
        settlement_currency=currency_of(pair.quote),
        is_inverse=False,
        margin_init=pair.margin_init,
        margin_maint=pair.margin_maint,
        **_common_fields(pair),
    )


def _common_fields(pair: Pair) -> dict[str, object]:
    quote = currency_of(pair.quote)
    price_increment = Price.from_str(f"{pair.price_increment:f}")
    size_increment = Quantity.from_str(f"{pair.size_increment:f}")
    return {
        "instrument_id": InstrumentId.from_str(pair.instrument_id),
        "raw_symbol": Symbol(pair.symbol),
        "quote_currency": quote,
        "price_precision": price_increment.precision,
        "size_precision": size_increment.precision,
        "price_increment": price_increment,
        "size_increment": size_increment,
        "min_quantity": _quantity(pair.min_quantity, size_increment.precision),
        "max_quantity": _quantity(pair.max_quantity, size_increment.precision),
        "min_notional": _money(pair.min_notional, quote),
        "max_notional": _money(pair.max_notional, quote),
        "maker_fee": pair.maker_fee,
        "taker_fee": pair.taker_fee,
        "ts_event": 0,
        "ts_init": 0,
    }


def _quantity(value: Decimal | None, precision: int) -> Quantity | None:
    return None if value is None else Quantity(value, precision)


def _money(value: Decimal | None, currency: Currency) -> Money | None:
    return None if value is None else Money(value, currency)
