"""What a match costs: rates by tier, and the currency VALR charges or rewards in."""

from decimal import Decimal
from typing import Final, NamedTuple

from helios_nautilus.simulator.exchange.decimals import times
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.orders import Side

SIMPLE_PERCENT: Final = Decimal("1.6")
LIQUIDATION_PERCENT: Final = Decimal("0.5")
"""What a liquidation costs instead of the taker's rate."""
_STABLE: Final = frozenset({"USDT", "USDC"})


class Rates(NamedTuple):
    """Maker and taker rates in percent, as VALR quotes them; a maker's may be negative."""

    maker: Decimal
    taker: Decimal


class Charge(NamedTuple):
    """A fee, or a reward where the amount is below 0."""

    currency: str
    amount: Decimal


def _schedule(table: str) -> tuple[Rates, ...]:
    return tuple(Rates(*map(Decimal, tier.split("/"))) for tier in table.split())


# By tier, lowest volume first.
FIAT_QUOTED: Final = _schedule(
    "0.18/0.35 0.10/0.25 0.04/0.13 0.03/0.09 0.02/0.09 0.01/0.08 -0.01/0.08 -0.01/0.07 -0.01/0.05"
)
CRYPTO_QUOTED: Final = _schedule(
    "0.08/0.10 0.07/0.09 0.06/0.08 0.05/0.07 0.04/0.06 0.03/0.05 0.02/0.045 0.01/0.04 0/0.035"
)
STABLE_PAIRS: Final = _schedule("0.05/0.10 0.03/0.05 0.01/0.03 0/0.02 0/0.01 0/0.01 0/0.01 0/0.01 0/0")
PERPETUALS: Final = _schedule("0.03/0.07 0.03/0.06 0.03/0.05 0.02/0.04 0.01/0.04 0.01/0.035 0/0.03 0/0.025 0/0.02")
TIERS: Final = len(FIAT_QUOTED)


def rates_of(pair: Pair, tier: int) -> Rates:
    """The rates of a pair at a tier, 0 being the lowest volume."""
    if pair.is_perpetual:
        return PERPETUALS[tier]
    if pair.quote == "ZAR":
        return FIAT_QUOTED[tier]
    return STABLE_PAIRS[tier] if {pair.base, pair.quote} <= _STABLE else CRYPTO_QUOTED[tier]


def charge(pair: Pair, side: Side, percent: Decimal, quantity: Decimal, notional: Decimal) -> Charge:
    """The exact fee of a match, unrounded.

    Spot fees are taken from what is received; a negative rate rewards in what is given. A perpetual's are in quote.
    """
    rate = percent.scaleb(-2)
    receives_base = side is Side.BUY
    in_base = not pair.is_perpetual and receives_base == (percent >= 0)
    return Charge(pair.base, times(quantity, rate)) if in_base else Charge(pair.quote, times(notional, rate))
