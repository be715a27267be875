"""What a simulated account begins with, in a backtest and on paper."""

from collections.abc import Iterable

from nautilus_trader.model.instruments import Instrument

from helios_nautilus.config import AccountSection


def starting_balances(account: AccountSection, instruments: Iterable[Instrument]) -> list[str]:
    """The configured balance; on a cash account none of each base currency as well.

    Every one must be listed there, or Nautilus would let an oversell pass.
    """
    bases = sorted({each.base_currency.code for each in instruments}) if account.kind == "cash" else []
    return [f"{account.balance} {account.currency}", *(f"0 {base}" for base in bases)]
