"""Leverage tiers: the margin fractions that go with a perpetual's chosen leverage, and those of borrowed money."""

from decimal import Decimal
from typing import Final, NamedTuple

from helios_nautilus.simulator.exchange.decimals import floor_places

MOST_LEVERAGE: Final = 60
DEFAULT_LEVERAGE: Final = 10


class Fractions(NamedTuple):
    """What an exposure needs of its own size: to be opened, to be kept, and not to be closed by the venue."""

    initial: Decimal
    maintenance: Decimal
    auto_close: Decimal


class _Tier(NamedTuple):
    most_leverage: int
    maintenance: Decimal
    share: Decimal
    """Of the largest position that may be held."""


BORROWED: Final = Fractions(Decimal("0.2"), Decimal("0.1"), Decimal("0.033333333"))
"""Of money that spot margin borrows."""

_AUTO_CLOSE: Final = Decimal("0.0083")
_TOP_RISK_LIMIT: Final = 1_500_000
_TIERS: Final = tuple(
    _Tier(most, Decimal(maintenance), Decimal(share))
    for most, maintenance, share in (
        (2, "0.25", "1"),
        (5, "0.1", "0.7"),
        (10, "0.05", "0.5"),
        (20, "0.025", "0.27"),
        (MOST_LEVERAGE, "0.0083", "0.14"),
    )
)


def fractions_of(leverage: int) -> Fractions:
    """The fractions of a leverage; VALR cuts the initial one after four decimals."""
    initial = floor_places(Decimal(1) / leverage, 4)
    return Fractions(initial, _tier(leverage).maintenance, _AUTO_CLOSE)


def risk_limit(leverage: int) -> int:
    """The largest position of a leverage, in quote."""
    return int(_TOP_RISK_LIMIT * _tier(leverage).share)


def _tier(leverage: int) -> _Tier:
    return next(tier for tier in _TIERS if leverage <= tier.most_leverage)
