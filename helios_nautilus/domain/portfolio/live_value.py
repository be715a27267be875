"""What an account is worth from quote to quote: added up once, then carried on by each price that moves.

    value = money + sum of quantity x price

A venue tells a trade in pieces, the fill, then one balance after the other, and between them the account looks richer
or poorer by the whole trade. Such a value must not become a peak, or a drawdown: while holdings change there is none.
"""

from collections.abc import Mapping
from math import isfinite

from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_SEC


class Holdings(Struct, frozen=True, kw_only=True):
    """What the account holds: ``money`` in its currency, and signed quantities by instrument id.

    A position of a linear contract is its quantity, and minus quantity x entry price in ``money``.
    """

    money: float
    quantities: Mapping[str, float]


class LiveValue:
    """Follows holdings and prices; see the module.

    Parameters
    ----------
    settle_secs
        How long after its last piece of news the account may still be half told.
    doubt_secs
        A value that new holdings make to jump, at unchanged prices, is not believed for so long: the rest of the news
        may have been lost, and be asked for.
    most_jump
        What fees may take off at once, as a fraction of the value.

    """

    def __init__(self, settle_secs: float = 1.0, doubt_secs: float = 35.0, most_jump: float = 0.01) -> None:
        self._settle_ns = int(settle_secs * NS_PER_SEC)
        self._doubt_ns = int(doubt_secs * NS_PER_SEC)
        self._most_jump = most_jump
        self._holdings = Holdings(money=0.0, quantities={})
        self._prices: dict[str, float] = {}
        self._total = 0.0
        self._unpriced: set[str] = set()
        self._believed: Holdings | None = None
        self._settles_ns = 0
        self._doubted_ns: int | None = None

    def change(self, holdings: Holdings, ts_ns: int) -> None:
        """News of the account: if it holds something else now, there is no value until it has been quiet for a while.

        A venue repeats what it has said, every few seconds; that is no news.
        """
        if self._believed is not None and holdings != self._holdings:
            self._settles_ns = ts_ns + self._settle_ns
        self.hold(holdings, ts_ns)

    def hold(self, holdings: Holdings, ts_ns: int) -> None:
        """Take what the account holds at ``ts_ns``, and add it up anew."""
        self._holdings = holdings
        self._unpriced = {name for name, held in holdings.quantities.items() if held and name not in self._prices}
        self._total = self._worth(holdings)
        if self._believed is None or not self._has_jumped():
            self._believed, self._doubted_ns = holdings, None
        elif self._doubted_ns is None:
            self._doubted_ns = ts_ns

    def price(self, name: str, price: float) -> None:
        """An instrument's new price; one that is not above 0 is none."""
        if not price > 0.0:
            return
        held = self._holdings.quantities.get(name, 0.0)
        if held:
            if name in self._unpriced:
                self._unpriced.discard(name)
                self._total += held * price
            else:
                self._total += held * (price - self._prices[name])
        self._prices[name] = price

    def value(self, ts_ns: int) -> float | None:
        """The value now; None while a price or the account is unknown, or the account is changing."""
        if self._unpriced or self._believed is None or ts_ns < self._settles_ns or not isfinite(self._total):
            return None
        if self._doubted_ns is not None:
            if ts_ns - self._doubted_ns < self._doubt_ns:
                return None
            self._believed, self._doubted_ns = self._holdings, None
        return self._total

    def _has_jumped(self) -> bool:
        """At today's prices the account is worth something else than what was believed of it."""
        before = self._worth(self._believed or self._holdings)
        return abs(self._total - before) > self._most_jump * abs(before)

    def _worth(self, holdings: Holdings) -> float:
        return holdings.money + sum(
            held * self._prices.get(name, 0.0) for name, held in sorted(holdings.quantities.items())
        )
