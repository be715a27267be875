"""Names of the venue, its first fee tier, and the currencies that NautilusTrader does not bring itself."""

from decimal import Decimal
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

FIRST_TIER_FEES: Final = {
    "rand": (Decimal("0.0018"), Decimal("0.0035")),
    "stablecoin": (Decimal("0.0008"), Decimal("0.0010")),
    "perpetual": (Decimal("0.0003"), Decimal("0.0007")),
}
"""Maker and taker of an account that has traded nothing, as fractions: shown while there is no key to ask by."""
