"""Our books of one account against the venue's: what was bought and sold, fees taken off, is what balances moved by.

Exact decimals, one currency at a time. A venue tells fills and balances one after the other, so a difference counts
only once it has lasted; what is less than the venue trades is dust, and none.
"""

from decimal import Decimal

from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_SEC


class Difference(Struct, frozen=True, kw_only=True):
    """A currency of which the venue has something else than our books say."""

    currency: str
    booked: Decimal
    found: Decimal

    @property
    def words(self) -> str:
        """What it is, and what to look at."""
        amount = abs(self.found - self.booked)
        is_less = self.found < self.booked
        return (
            f"VALR has {self.found.normalize():f} {self.currency}, our books say {self.booked.normalize():f}: "
            f"{amount.normalize():f} {'less' if is_less else 'more'}; look for orders of another hand, payments and "
            "missed fills"
        )


class Books:
    """Opened per currency at the first balance told; ``patience_secs`` is how long a difference must last."""

    def __init__(self, patience_secs: float = 60.0) -> None:
        self._patience_ns = int(patience_secs * NS_PER_SEC)
        self._booked: dict[str, Decimal] = {}
        self._found: dict[str, Decimal] = {}
        self._unsure: dict[str, Decimal] = {}
        self._since_ns: dict[str, int] = {}

    def trade(self, currency: str, amount: Decimal, unsure: Decimal = Decimal(0)) -> None:
        """A fill moved the balance by so much, its fee taken off; negative where something was sold.

        ``unsure`` is how far that may be from the truth, where the fee is not known.
        """
        if currency in self._booked:
            self._booked[currency] += amount
            self._unsure[currency] = self._unsure.get(currency, Decimal(0)) + unsure

    def balance(self, currency: str, total: Decimal) -> None:
        """The venue tells what there is."""
        self._booked.setdefault(currency, total)
        self._found[currency] = total

    def check(self, currency: str, dust: Decimal, ts_ns: int) -> Difference | None:
        """A difference above ``dust`` that has lasted; told once, the venue's word is then what counts."""
        booked, found = self._booked.get(currency), self._found.get(currency)
        if booked is None or found is None or abs(booked - found) <= dust + self._unsure.get(currency, Decimal(0)):
            self._since_ns.pop(currency, None)
            return None
        if ts_ns - self._since_ns.setdefault(currency, ts_ns) < self._patience_ns:
            return None
        del self._since_ns[currency]
        self._booked[currency] = found
        return Difference(currency=currency, booked=booked, found=found)
