"""Names of the venue and of the currencies that NautilusTrader does not bring itself."""

from typing import Final

from nautilus_trader.model.enums import CurrencyType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Currency

VALR: Final = "VALR"
VALR_VENUE: Final = Venue(VALR)

VALR_CURRENCIES: Final = (
    Currency(code="XAUT", precision=8, iso4217=0, name="Tether Gold", currency_type=CurrencyType.CRYPTO),
)
"""Registered on purpose: the engine would otherwise make up an eight-decimal currency for any word it meets."""
