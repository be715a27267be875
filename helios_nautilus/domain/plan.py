"""The exit plan: the one bet that labels, Aether and the position lifecycle speak of."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.errors import ConfigError


class Side(StrEnum):
    """Direction of a bet."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def sign(self) -> int:
        """+1 for long, -1 for short."""
        return 1 if self is Side.LONG else -1


class CloseReason(StrEnum):
    """Why a position ended."""

    STOP_LOSS = "STOP_LOSS"
    TAKE_PROFIT = "TAKE_PROFIT"
    TIMEOUT = "TIMEOUT"
    SIGNAL = "SIGNAL"
    KILL = "KILL"
    REBALANCE = "REBALANCE"
    MANUAL = "MANUAL"


type Liquidity = Literal["taker", "maker"]


class Costs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a fill costs, as fractions of its value. Defaults: VALR's first tier on rand pairs."""

    taker_fee: float = 0.0035
    maker_fee: float = 0.0018
    half_spread: float = 0.0005
    """Paid by a taker; a backtest without quotes opens every bar's book this far on either side."""
    slippage: float = 0.0002
    """Reckoned with in labels, payoffs and the gate, beyond the spread."""

    def __post_init__(self) -> None:
        if not all(0.0 <= cost < 0.5 for cost in (self.taker_fee, self.half_spread, self.slippage)):
            raise ConfigError("costs: taker_fee, half_spread and slippage must lie in [0, 0.5)")
        if not -0.5 < self.maker_fee < 0.5:
            raise ConfigError("costs: maker_fee must lie in (-0.5, 0.5); below 0 it is a rebate")

    def of(self, liquidity: Liquidity) -> float:
        """Cost of one fill: a taker pays fee, half the spread and slippage; a maker its fee only."""
        if liquidity == "maker":
            return self.maker_fee
        return self.taker_fee + self.half_spread + self.slippage


class Bracket(Struct, frozen=True, kw_only=True):
    """An exit plan made concrete by a volatility: distances as fractions of the entry price."""

    stop: float
    target: float
    hold_ns: int

    def stop_price(self, entry: float, side: Side) -> float:
        """Price at which the bet is lost."""
        return entry * (1.0 - side.sign * self.stop)

    def target_price(self, entry: float, side: Side) -> float:
        """Price at which the bet is won."""
        return entry * (1.0 + side.sign * self.target)


class ExitPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a position ends: stop, target and time, in units of volatility, and what that costs.

    The stop lies ``stop_sigmas`` standard deviations of the return over the planned hold away from the entry, the
    target ``target_ratio`` times as far. ``entry`` says how the entry order trades; a stop and a time-out leave as a
    taker, a target as a maker. ``trail_atr`` is the distance of a trailing stop in ATRs of the decision bar, or none.
    """

    hold_mins: int = 240
    """Planned hold; the position times out then."""
    max_hold_mins: int = 1440
    """No position is ever held longer."""
    stop_sigmas: float = 2.0
    """Distance of the stop in standard deviations of the return over the hold."""
    target_ratio: float = 2.0
    """Distance of the target in stops."""
    entry: Liquidity = "taker"
    """How the entry trades: taker (immediate, bounded slippage) or maker (post-only at the best price)."""
    maker_wait_secs: int = 300
    """A maker's entry is given up after this time."""
    trail_atr: float | None = None
    """Distance of a trailing stop in ATRs of the decision bar."""
    costs: Costs = Costs()

    def __post_init__(self) -> None:
        if not 0 < self.hold_mins <= self.max_hold_mins <= 1440:
            raise ConfigError("exit plan: 0 < hold_mins <= max_hold_mins <= 1440 does not hold")
        if self.stop_sigmas <= 0 or self.target_ratio <= 0:
            raise ConfigError("exit plan: stop_sigmas and target_ratio must be above 0")
        if self.trail_atr is not None and self.trail_atr <= 0:
            raise ConfigError("exit plan: trail_atr must be above 0, or left out")

    @property
    def hold_ns(self) -> int:
        """Planned hold in nanoseconds."""
        return self.hold_mins * NS_PER_MIN

    @property
    def round_trip_cost(self) -> float:
        """Cost of the entry and of a taker's exit together, as a fraction of the value."""
        return self.costs.of(self.entry) + self.costs.of("taker")

    def bracket(self, vol_daily: float) -> Bracket:
        """Stop and target distances for a daily volatility (a fraction), by the square root of time."""
        stop = self.stop_sigmas * vol_daily * (self.hold_ns / NS_PER_DAY) ** 0.5
        return Bracket(stop=stop, target=stop * self.target_ratio, hold_ns=self.hold_ns)
