"""What a simulated account begins with, in a backtest and on paper."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from nautilus_trader.model.instruments import Instrument

from helios_nautilus.config import AccountSection


def fresh_balances(account: AccountSection, instruments: Iterable[Instrument]) -> dict[str, Decimal]:
    """The configured balance, by currency; on a cash account none of each base currency as well.

    Every one must be listed there, or Nautilus would let an oversell pass.
    """
    bases = sorted({each.base_currency.code for each in instruments}) if account.kind == "cash" else []
    return {account.currency: Decimal(str(account.balance)), **dict.fromkeys(bases, Decimal(0))}


def starting_balances(account: AccountSection, instruments: Iterable[Instrument]) -> list[str]:
    """`fresh_balances` as the engine's configurations have them."""
    return write_balances(fresh_balances(account, instruments))


def write_balances(balances: Mapping[str, Decimal]) -> list[str]:
    """Balances by currency as the engine's configurations have them."""
    return [f"{amount:f} {currency}" for currency, amount in balances.items()]
