"""The stream of one-minute buckets, made whole: each complete one once, in order, without holes after a reconnect."""

from collections.abc import Iterable
from typing import Final

from helios_nautilus.adapters.valr.api.schemas.market import Bucket
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN, NS_PER_SEC

SETTLE_NS: Final = NS_PER_SEC
"""A bucket heard of only before its close counts as complete so long after it."""
_MOST_LACKING: Final = NS_PER_DAY // NS_PER_MIN


class BucketFeed:
    """One pair's one-minute buckets, without a word of the engine. Times are nanoseconds UTC.

    VALR does not say whether it sends a bucket only at its close or while it runs too, and both are taken: one that
    arrives after its close is complete, one that arrives before is held, and what replaces it meanwhile counts.
    A minute without a trade has no bucket, whatever the venue fills it with: a hole stays a hole.
    """

    def __init__(self, pair: str, since_ns: int) -> None:
        self.pair = pair
        self._first_wanted_ns = since_ns // NS_PER_MIN * NS_PER_MIN
        """Start of the first bucket that is ours to deliver."""
        self._held: dict[int, Bucket] = {}
        self._empty: set[int] = set()
        """Minutes that the venue says nobody traded in: the newest day's, of more none is asked for."""
        self._is_mending = False
        self._has_begun = False
        """Something was delivered or asked for: from then on no minute is passed over unasked."""

    @property
    def next_start_ns(self) -> int:
        """Start of the first bucket that has not been delivered."""
        return self._first_wanted_ns

    def lacks_before(self, start_ns: int) -> bool:
        """Whether minutes before a bucket are neither here nor told to be empty; only `mend` brings them.

        Not those of more than a day: that is no lost frame.
        """
        lacking = (start_ns - self._first_wanted_ns) // NS_PER_MIN
        if self._is_mending or not self._has_begun or not 0 < lacking <= _MOST_LACKING:
            return False
        return sum(self._first_wanted_ns <= each < start_ns for each in (*self._held, *self._empty)) < lacking

    def due_ns(self) -> int | None:
        """When a held bucket counts as complete by time alone; None if none waits for that."""
        if self._is_mending or not self._held:
            return None
        return min(self._held) + NS_PER_MIN + SETTLE_NS

    def take(self, bucket: Bucket, now_ns: int) -> list[Bucket]:
        """Those that are complete now that ``bucket`` has come."""
        start_ns = int(bucket.start_ns)
        self._hold(bucket)
        if self._is_mending:
            return []
        # A newer bucket means that all before it are closed.
        complete_before_ns = start_ns + NS_PER_MIN if start_ns + NS_PER_MIN <= now_ns else start_ns
        return self._release(max(complete_before_ns, now_ns - SETTLE_NS - NS_PER_MIN + 1))

    def settle(self, now_ns: int) -> list[Bucket]:
        """Those that are complete by time alone."""
        return [] if self._is_mending else self._release(now_ns - SETTLE_NS - NS_PER_MIN + 1)

    def start_mending(self) -> None:
        """Hold all back: some may be missing, and `mend` brings them."""
        self._is_mending = True

    def mend(self, buckets: Iterable[Bucket], now_ns: int, asked_ns: int = 0) -> list[Bucket]:
        """Those that are complete now that the ``buckets`` of a gap have been fetched, which are all complete.

        All that is to be had of the minutes before ``asked_ns`` is among them.
        """
        self._is_mending = False
        complete_before_ns = asked_ns
        for bucket in buckets:
            self._hold(bucket)
            complete_before_ns = max(complete_before_ns, int(bucket.start_ns) + NS_PER_MIN)
        released = self._release(max(complete_before_ns, now_ns - NS_PER_MIN + 1))
        self._has_begun |= asked_ns > 0
        self._first_wanted_ns = max(self._first_wanted_ns, asked_ns)
        return released

    def _hold(self, bucket: Bucket) -> None:
        start_ns = int(bucket.start_ns)
        if start_ns < self._first_wanted_ns:
            return
        if bucket.volume > 0:
            self._held[start_ns] = bucket
            self._empty.discard(start_ns)
        else:
            self._empty.add(start_ns)
            if len(self._empty) > _MOST_LACKING:
                self._empty.remove(min(self._empty))

    def _release(self, complete_before_ns: int) -> list[Bucket]:
        """Hand out what starts before a time, oldest first."""
        starts = sorted(start_ns for start_ns in self._held if start_ns < complete_before_ns)
        if starts:
            self._has_begun = True
            self._first_wanted_ns = starts[-1] + NS_PER_MIN
            self._empty = {start_ns for start_ns in self._empty if start_ns > starts[-1]}
        return [self._held.pop(start_ns) for start_ns in starts]
