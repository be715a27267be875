"""Bar lengths: their names, their nanoseconds, and the three a model looks at."""

import re
from typing import Final

from msgspec import Struct

from helios_nautilus.errors import ConfigError

NS_PER_MS: Final = 1_000_000
NS_PER_SEC: Final = 1_000 * NS_PER_MS
NS_PER_MIN: Final = 60 * NS_PER_SEC
NS_PER_HOUR: Final = 60 * NS_PER_MIN
NS_PER_DAY: Final = 24 * NS_PER_HOUR

_UNITS: Final = {"m": NS_PER_MIN, "h": NS_PER_HOUR, "d": NS_PER_DAY}


def parse_timeframe(name: str) -> int:
    """Length in nanoseconds of a bar named like ``1m``, ``15m``, ``1h`` or ``1d``."""
    match = re.fullmatch(r"([1-9]\d*)([mhd])", name)
    if match is None:
        raise ConfigError(f"'{name}' is not a timeframe; write it like 1m, 15m, 1h or 1d")
    return int(match[1]) * _UNITS[match[2]]


def name_timeframe(length_ns: int) -> str:
    """Shortest name of a bar length: the inverse of :func:`parse_timeframe`."""
    for unit in ("d", "h", "m"):
        if length_ns and length_ns % _UNITS[unit] == 0:
            return f"{length_ns // _UNITS[unit]}{unit}"
    raise ConfigError(f"a bar of {length_ns} ns has no name: it must be whole minutes")


class Timeframes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The three bar lengths a model looks at, fastest first, and the one at whose close it decides.

    Every length must divide the next one, and ``decision`` must be one of them; else `ConfigError`.
    """

    high: str = "1m"
    medium: str = "5m"
    low: str = "15m"
    decision: str = "5m"

    def __post_init__(self) -> None:
        high, medium, low = self.lengths_ns
        if not high < medium < low or medium % high or low % medium:
            raise ConfigError(
                f"timeframes {self.high}/{self.medium}/{self.low}: each must be a whole multiple of the one before"
            )
        if self.decision not in self.names:
            raise ConfigError(f"decision timeframe {self.decision} is not one of {'/'.join(self.names)}")

    @property
    def names(self) -> tuple[str, str, str]:
        """The three names, fastest first."""
        return self.high, self.medium, self.low

    @property
    def lengths_ns(self) -> tuple[int, int, int]:
        """The three lengths in nanoseconds, fastest first."""
        return parse_timeframe(self.high), parse_timeframe(self.medium), parse_timeframe(self.low)

    @property
    def decision_ns(self) -> int:
        """Length of the decision bar in nanoseconds."""
        return parse_timeframe(self.decision)
