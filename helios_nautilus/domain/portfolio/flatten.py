"""How a halt gets out of what is held: limits that trade at once, each reaching further into the book than the last.

A market order pays whatever a thin book asks. So the first tries are bounded by the far side of the book, and only the
last one, which is then repeated, takes any price.
"""

from msgspec import Struct

from helios_nautilus.errors import ConfigError


class FlattenRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a halt's exits reach beyond the best price of the other side, and when it is told that one is not out."""

    first_slippage: float = 0.005
    """Of the first try, as a fraction of the price."""
    widening: float = 2.0
    """Each further try reaches so many times as far."""
    max_slippage: float = 0.05
    """Of the last limit; after it comes a market order."""
    tell_after_secs: float = 10.0
    """What is not closed by then is told, again after twice that time, and so on."""
    tell_every_secs: float = 600.0
    """At least so often."""

    def __post_init__(self) -> None:
        if not 0.0 < self.first_slippage <= self.max_slippage < 1.0:
            raise ConfigError("flatten: first_slippage must lie above 0, max_slippage not below it and below 1")
        if not self.widening > 1.0:
            raise ConfigError("flatten: widening must be above 1, or a halt might never trade")
        if not 0.0 < self.tell_after_secs <= self.tell_every_secs:
            raise ConfigError("flatten: tell_after_secs must be above 0 and not above tell_every_secs")


def slippage_of(attempt: int, rules: FlattenRules) -> float | None:
    """How far the try of that number, from 0, may reach, as a fraction of the price; None is any price."""
    reach = rules.first_slippage
    for _ in range(attempt):
        if reach >= rules.max_slippage:
            return None
        reach = min(reach * rules.widening, rules.max_slippage)
    return reach


def limit_price(far_side: float, slippage: float, *, is_buy: bool) -> float:
    """The limit that much beyond the best price of the other side."""
    return far_side * (1.0 + slippage if is_buy else 1.0 - slippage)


def pause_before_telling(times: int, rules: FlattenRules) -> float:
    """Seconds before it is told again that something is not closed, having been told so many ``times``."""
    return min(rules.tell_after_secs * 2.0 ** min(times, 30), rules.tell_every_secs)
