"""VALR's amounts, which carry up to 12 decimals, as the engine's money: rounded here, once and on purpose.

A commission is rounded to the nearest unit, a balance down, what is locked up: never more is free than there is.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

from msgspec import Struct
from nautilus_trader.model.enums import CurrencyType
from nautilus_trader.model.objects import AccountBalance, Currency, MarginBalance, Money

from helios_nautilus.adapters.valr.api.schemas.account import Balance, MarginStatus
from helios_nautilus.adapters.valr.api.schemas.account_socket import SocketBalance

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


def currency_of(code: str) -> Currency:
    """A registered currency, or one of eight decimals registered here, on purpose."""
    code = "ZAR" if code == _RAND else code
    known = Currency.from_str(code, strict=True)
    if known is not None:
        return known
    currency = Currency(code=code, precision=8, iso4217=0, name=code, currency_type=CurrencyType.CRYPTO)
    Currency.register(currency)
    return currency


def round_money(amount: Decimal, currency: Currency, rounding: str = ROUND_HALF_EVEN) -> Money:
    """``amount`` in the currency's own decimals."""
    return Money(amount.quantize(Decimal(1).scaleb(-currency.precision), rounding=rounding), currency)


def holding_of(balance: Balance | SocketBalance) -> Holding:
    """A balance in either of the venue's spellings."""
    if isinstance(balance, Balance):
        code, collateral = balance.currency, balance.borrow_reserved
    else:
        code, collateral = balance.currency.short_name, balance.borrow_collateral_reserved
    locked = balance.reserved + (collateral or 0) + (balance.lend_reserved or 0)
    return Holding(code, balance.total, locked)


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
    return AccountBalance(Money(total, currency), Money(locked, currency), Money(total - locked, currency))
