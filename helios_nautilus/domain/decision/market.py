"""The longer past of one instrument, kept bar by bar: changes, daily closes and the rank of its volume.

State is three rings of fixed size. A bar that never came leaves a hole, and a figure that would need it is not given.
"""

from typing import Final

import numpy as np

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.decision.regimes import MAX_DAYS
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR

_NEVER: Final = -(1 << 62)
_HISTORY_NS: Final = 30 * NS_PER_DAY
_PRICE_GRACE_NS: Final = NS_PER_HOUR
"""A price stands in for a moment at most this much later than its bar."""
_DAYS_KEPT: Final = MAX_DAYS + 1
"""The complete days a regime may look at, and the one in progress."""
_VOLUME_SAMPLES: Final = 30 * 24
_MIN_VOLUME_SAMPLES: Final = 7 * 24
_MIN_COVERAGE: Final = 0.9
"""A 24-hour volume needs at least this share of the day's bars."""


class MarketHistory:
    """Feed it every closed decision bar; ask it for figures as of the newest one."""

    def __init__(self, bar_ns: int) -> None:
        self._bar_ns = bar_ns
        slots = (_HISTORY_NS + _PRICE_GRACE_NS) // bar_ns + 2
        self._ts = np.full(slots, _NEVER, dtype=np.int64)
        self._close = np.zeros(slots)
        self._volume = np.zeros(slots)
        self._day_ts = np.full(_DAYS_KEPT, _NEVER, dtype=np.int64)
        self._day_close = np.zeros(_DAYS_KEPT)
        self._day_volume = np.zeros(_VOLUME_SAMPLES)
        self._samples_taken = 0
        self._newest_ns = 0

    def update(self, ts_ns: int, close: float, volume: float) -> None:
        """Take one bar, stamped with its close; volume in any unit that stays the same.

        A bar not newer than the last one, or with figures that cannot be, is no bar: what it would have told stays a
        hole.
        """
        if ts_ns <= self._newest_ns or not (0.0 < close < np.inf and 0.0 <= volume < np.inf):
            return
        slot = ts_ns // self._bar_ns % len(self._ts)
        self._ts[slot], self._close[slot], self._volume[slot] = ts_ns, close, volume
        # The bar that closes at midnight belongs to the day that ends there.
        day = (ts_ns - 1) // NS_PER_DAY % _DAYS_KEPT
        self._day_ts[day], self._day_close[day] = ts_ns, close
        is_new_hour = ts_ns // NS_PER_HOUR > self._newest_ns // NS_PER_HOUR
        self._newest_ns = ts_ns
        if is_new_hour:
            self._sample_volume()

    @property
    def price(self) -> float | None:
        """Close of the newest bar."""
        return self._close_at(self._newest_ns)

    def change(self, span_ns: int) -> float | None:
        """Relative change of price over a span of at most 30 days, as a fraction; None where the past is missing."""
        now, past = self._close_at(self._newest_ns), self._close_at(self._newest_ns - span_ns)
        return None if now is None or past is None else now / past - 1.0

    def daily_closes(self, now_ns: int) -> Floats:
        """Closes of the unbroken run of UTC days that ends with the last day complete at ``now_ns``, oldest first.

        A day has a close if a bar came in its last hour. Empty if the last complete day has none.
        """
        last = now_ns // NS_PER_DAY - 1
        days = np.arange(last, last - MAX_DAYS, -1)
        ends = (days + 1) * NS_PER_DAY
        stamps = self._day_ts[days % _DAYS_KEPT]
        known = (stamps <= ends) & (stamps > ends - _PRICE_GRACE_NS)
        run = len(known) if known.all() else int(known.argmin())
        return self._day_close[days[:run] % _DAYS_KEPT][::-1]

    def volume_24h(self) -> float | None:
        """Volume of the 24 hours up to the newest bar; None if more than a tenth of their bars are missing."""
        recent = self._ts > self._newest_ns - NS_PER_DAY
        if np.count_nonzero(recent) * self._bar_ns < _MIN_COVERAGE * NS_PER_DAY:
            return None
        return float(self._volume[recent].sum())

    def traded_value(self, days: int) -> float | None:
        """Close x volume, summed over at most 30 days up to the newest bar; None if over a tenth of it is missing."""
        recent = self._ts > self._newest_ns - days * NS_PER_DAY
        if (
            days * NS_PER_DAY > _HISTORY_NS
            or np.count_nonzero(recent) * self._bar_ns < _MIN_COVERAGE * days * NS_PER_DAY
        ):
            return None
        return float(self._close[recent] @ self._volume[recent])

    def volume_percentile(self) -> float | None:
        """Place (0..1, ties count half) of `volume_24h` among its own hourly samples of about 30 days.

        None without a 24-hour volume or with fewer than seven days of samples.
        """
        volume = self.volume_24h()
        if volume is None or self._samples_taken < _MIN_VOLUME_SAMPLES:
            return None
        past = self._day_volume[: self._samples_taken]
        below, equal = np.count_nonzero(past < volume), np.count_nonzero(past == volume)
        return float(below + 0.5 * equal) / len(past)

    def _sample_volume(self) -> None:
        volume = self.volume_24h()
        if volume is not None:
            self._day_volume[self._samples_taken % _VOLUME_SAMPLES] = volume
            self._samples_taken += 1

    def _close_at(self, ts_ns: int) -> float | None:
        """Close of the newest bar at or before a moment, if it is not older than the grace."""
        for moment in range(ts_ns, ts_ns - _PRICE_GRACE_NS, -self._bar_ns):
            slot = moment // self._bar_ns % len(self._ts)
            if ts_ns - _PRICE_GRACE_NS < self._ts[slot] <= ts_ns:
                return float(self._close[slot])
        return None
