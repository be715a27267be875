"""`FeatureSpec`: which features exist, for which instruments, from which inputs. A model is tied to its hash."""

import hashlib

import msgspec
import numpy as np
from msgspec import Struct

from helios_nautilus.domain.features.kernel import NEEDS, Column, Layout
from helios_nautilus.domain.timeframe import Timeframes, parse_timeframe
from helios_nautilus.errors import ConfigError


class FeatureSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names the features by naming their inputs: what an input lacks is absent, not zero. Errors: `ConfigError`."""

    version: int = 1
    """Raised when a formula changes."""
    base: str = "1m"
    """Length of the recorded bars."""
    timeframes: Timeframes = Timeframes()
    trades: bool = False
    """Whether trades are recorded."""
    book: bool = False
    """Whether ten-level book snapshots are recorded."""
    calendar: bool = False
    """Whether the time of day and of the week are features, beyond the 30."""
    reference: str | None = None
    """Instrument id of the BTC pair the returns are correlated with, one of the universe; None leaves that out."""
    universe: tuple[str, ...]
    """Instrument ids in the order of the arrays' axis; the liquidity rank is taken among them."""

    def __post_init__(self) -> None:
        if self.timeframes.lengths_ns[0] % self.base_ns:
            raise ConfigError(f"feature spec: base bars of {self.base} do not make up {self.timeframes.high} bars")
        if not self.universe or len(set(self.universe)) < len(self.universe):
            raise ConfigError("feature spec: the universe must name at least one instrument, and each only once")
        if self.reference is not None and self.reference not in self.universe:
            raise ConfigError(f"feature spec: the reference {self.reference} must be one of the universe")

    @property
    def base_ns(self) -> int:
        """Length of the recorded bars in nanoseconds."""
        return parse_timeframe(self.base)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features of one timeframe, in order; the same on all three."""
        return tuple(column.name.lower() for column in self._columns)

    @property
    def width(self) -> int:
        """Number of features of one timeframe: 30 with all that is recorded, 34 with the calendar."""
        return len(self._columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all features, fastest timeframe first, like ``1m.rsi_14``."""
        return tuple(f"{timeframe}.{column}" for timeframe in self.timeframes.names for column in self.columns)

    @property
    def hash(self) -> str:
        """16 hexadecimal digits that change with every field and with every column's name and place."""
        encoded = msgspec.json.encode((self, self.names), order="sorted")
        return hashlib.sha256(encoded).hexdigest()[:16]

    @property
    def layout(self) -> Layout:
        """The same for the kernel."""
        return Layout(
            columns=np.array(self._columns, dtype=np.int64),
            trades=self.trades,
            book=self.book,
            reference=-1 if self.reference is None else self.universe.index(self.reference),
        )

    @property
    def _columns(self) -> list[Column]:
        given = {
            "trades": self.trades,
            "book": self.book,
            "reference": self.reference is not None,
            "calendar": self.calendar,
        }
        return [column for column in Column if column not in NEEDS or given[NEEDS[column]]]
