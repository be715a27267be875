"""VALR's amounts, which carry up to 12 decimals, as the engine's money: rounded here, once and on purpose.

A commission is rounded to the nearest unit, a balance down, what is locked up: never more is free than there is.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

from msgspec import Struct
from nautilus_trader.model.enums import CurrencyType
from nautilus_trader.model.objects import FIXED_PRECISION, AccountBalance, Currency, MarginBalance, Money

from helios_nautilus.adapters.valr.api.errors import WireError
from helios_nautilus.adapters.valr.api.schemas.account import Balance, MarginStatus
from helios_nautilus.adapters.valr.api.schemas.account_socket import SocketBalance
from helios_nautilus.adapters.valr.api.schemas.market import Currency as WireCurrency

_RAND: Final = "R"
"""How currency objects and prices per coin spell ZAR."""


class Holding(Struct, frozen=True):
    """One currency's money: ``locked`` is held by open orders or as collateral, the total may be negative."""

    code: str
    total: Decimal
    locked: Decimal

    @classmethod
    def empty(cls, code: str) -> "Holding":
        """Nothing of a currency, which is not the same as no word of it."""
        return cls(code, Decimal(0), Decimal(0))


def currency_of(code: str, listed: WireCurrency | None = None) -> Currency:
    """The engine's currency, registered here if it is unknown: the engine would make up one of eight decimals.

    The decimals that the venue has ``listed`` are kept as far as the engine can hold them; without its word: eight.
    """
    code = "ZAR" if code == _RAND else code
    known = Currency.from_str(code, strict=True)
    if known is not None:
        return known
    currency = Currency(
        code=code,
        precision=min(listed.decimal_places, FIXED_PRECISION) if listed else 8,
        iso4217=0,
        name=listed.long_name if listed else code,
        currency_type=CurrencyType.CRYPTO,
    )
    Currency.register(currency)
    return currency


def round_money(amount: Decimal, currency: Currency, rounding: str = ROUND_HALF_EVEN) -> Money:
    """``amount`` in the currency's own decimals; `WireError` for one that the engine has no room for."""
    try:
        return Money(amount.quantize(Decimal(1).scaleb(-currency.precision), rounding=rounding), currency)
    except (ValueError, ArithmeticError) as error:
        raise WireError(f"{amount} {currency.code} is no amount of money", is_malformed=False) from error


def holding_of(balance: Balance | SocketBalance) -> Holding:
    """A balance in either of the venue's spellings; `WireError` for one that cannot be."""
    if isinstance(balance, Balance):
        code, collateral = balance.currency, balance.borrow_reserved
    else:
        code, collateral = balance.currency.short_name, balance.borrow_collateral_reserved
    locked = balance.reserved + (collateral or 0) + (balance.lend_reserved or 0)
    if locked < 0:
        raise WireError(f"{locked} {code} are said to be locked", is_malformed=False)
    holding = Holding(code, balance.total, locked)
    # Tried before it is kept: one that cannot be told would silence all the others.
    _build_balance(holding)
    return holding


def build_balances(holdings: Iterable[Holding]) -> list[AccountBalance]:
    """Account balances, with total = locked + free to the last digit."""
    return [_build_balance(holding) for holding in holdings]


def build_margin(status: MarginStatus) -> MarginBalance:
    """The account's margin, in the venue's reference currency."""
    currency = currency_of(status.reference_currency)
    maintenance = status.maintenance_margin_fraction * status.total_leveraged_exposure_in_reference
    return MarginBalance(
        initial=round_money(status.initial_required_in_reference, currency, ROUND_CEILING),
        maintenance=round_money(maintenance, currency, ROUND_CEILING),
    )


def _build_balance(holding: Holding) -> AccountBalance:
    currency = currency_of(holding.code)
    total = round_money(holding.total, currency, ROUND_FLOOR).as_decimal()
    locked = round_money(holding.locked, currency, ROUND_CEILING).as_decimal()
    if 0 <= total < locked:
        locked = total
    return AccountBalance(*(round_money(amount, currency) for amount in (total, locked, total - locked)))
