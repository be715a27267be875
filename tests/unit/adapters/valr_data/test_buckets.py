"""The stream of buckets made whole."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.adapters.valr.api.schemas.market import Bucket
from helios_nautilus.adapters.valr.api.wire import IsoNanos
from helios_nautilus.adapters.valr.buckets import SETTLE_NS, BucketFeed
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN, NS_PER_SEC

LATER = 10_000 * NS_PER_MIN


def bucket(minute: int, *, volume: str = "1", close: str = "100") -> Bucket:
    price = Decimal(close)
    return Bucket(
        currency_pair_symbol="BTCZAR",
        bucket_period_in_seconds=60,
        start_ns=IsoNanos(minute * NS_PER_MIN),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal(volume),
    )


def minutes(buckets: list[Bucket]) -> list[int]:
    return [int(found.start_ns) // NS_PER_MIN for found in buckets]


def test_a_bucket_that_comes_after_its_close_is_complete_at_once() -> None:
    feed = BucketFeed("BTCZAR", 0)
    assert minutes(feed.take(bucket(3), 4 * NS_PER_MIN)) == [3]
    assert feed.due_ns() is None


def test_a_running_bucket_is_held_until_it_has_settled_and_its_last_update_counts() -> None:
    feed = BucketFeed("BTCZAR", 0)
    assert feed.take(bucket(3, close="100"), 3 * NS_PER_MIN + NS_PER_SEC) == []
    assert feed.take(bucket(3, close="101"), 4 * NS_PER_MIN - 1) == []
    assert feed.due_ns() == 4 * NS_PER_MIN + SETTLE_NS
    assert feed.settle(4 * NS_PER_MIN + SETTLE_NS - 1) == []
    [found] = feed.settle(4 * NS_PER_MIN + SETTLE_NS)
    assert found.close == 101


def test_the_first_update_of_the_next_minute_completes_the_one_before() -> None:
    feed = BucketFeed("BTCZAR", 0)
    feed.take(bucket(3), 3 * NS_PER_MIN)
    assert minutes(feed.take(bucket(4), 4 * NS_PER_MIN + 1)) == [3]


def test_a_minute_without_a_trade_has_no_bucket() -> None:
    feed = BucketFeed("BTCZAR", 0)
    assert feed.take(bucket(3, volume="0"), LATER) == []


def test_a_bucket_is_not_told_twice_nor_a_minute_before_the_subscription() -> None:
    feed = BucketFeed("BTCZAR", 3 * NS_PER_MIN + 5)
    assert feed.take(bucket(2), LATER) == []
    assert minutes(feed.take(bucket(3), LATER)) == [3]
    assert feed.take(bucket(3), LATER) == []


def test_while_a_gap_is_mended_the_stream_waits_and_then_all_comes_in_order() -> None:
    feed = BucketFeed("BTCZAR", 3 * NS_PER_MIN)
    feed.start_mending()
    assert feed.take(bucket(6), 7 * NS_PER_MIN) == []
    assert feed.settle(LATER) == []
    assert feed.due_ns() is None
    assert minutes(feed.mend([bucket(4), bucket(3), bucket(2)], 7 * NS_PER_MIN)) == [3, 4, 6]


def test_a_mend_that_brings_nothing_lets_the_stream_go_on() -> None:
    feed = BucketFeed("BTCZAR", 0)
    feed.start_mending()
    feed.take(bucket(6), 7 * NS_PER_MIN)
    assert minutes(feed.mend([], 7 * NS_PER_MIN)) == [6]


def test_minutes_that_a_bucket_leaves_out_are_lacking_until_they_were_asked_for() -> None:
    feed = BucketFeed("BTCZAR", 0)
    feed.take(bucket(3), 4 * NS_PER_MIN)
    assert not feed.lacks_before(4 * NS_PER_MIN)
    assert feed.lacks_before(6 * NS_PER_MIN)

    feed.start_mending()
    assert not feed.lacks_before(6 * NS_PER_MIN), "they are being asked for"
    assert feed.take(bucket(6), 7 * NS_PER_MIN) == []
    assert minutes(feed.mend([bucket(5)], 7 * NS_PER_MIN, 6 * NS_PER_MIN)) == [5, 6], "nobody traded in 4"
    assert not feed.lacks_before(7 * NS_PER_MIN)


def test_what_was_asked_for_is_not_asked_for_again_whatever_came_of_it() -> None:
    feed = BucketFeed("BTCZAR", 3 * NS_PER_MIN)
    feed.start_mending()
    assert feed.mend([], 6 * NS_PER_MIN, 6 * NS_PER_MIN) == []
    assert feed.next_start_ns == 6 * NS_PER_MIN
    assert not feed.lacks_before(6 * NS_PER_MIN)
    assert feed.lacks_before(7 * NS_PER_MIN)


def test_a_minute_that_the_venue_tells_to_be_empty_or_that_still_runs_is_not_lacking() -> None:
    feed = BucketFeed("BTCZAR", 0)
    feed.take(bucket(3), 4 * NS_PER_MIN)
    feed.take(bucket(4, volume="0"), 5 * NS_PER_MIN)
    feed.take(bucket(5), 5 * NS_PER_MIN + NS_PER_SEC)
    assert not feed.lacks_before(6 * NS_PER_MIN)


def test_nothing_is_lacking_before_the_first_bucket_nor_for_more_than_a_day() -> None:
    feed = BucketFeed("BTCZAR", 0)
    assert not feed.lacks_before(6 * NS_PER_MIN)
    feed.take(bucket(3), 4 * NS_PER_MIN)
    assert not feed.lacks_before(2 * NS_PER_MIN)
    assert not feed.lacks_before(4 * NS_PER_MIN + NS_PER_DAY + NS_PER_MIN)


def test_of_a_pair_that_nobody_trades_no_more_than_a_day_is_remembered() -> None:
    feed = BucketFeed("BTCZAR", 0)
    feed.take(bucket(0), NS_PER_MIN)
    last = 3 * NS_PER_DAY // NS_PER_MIN
    for minute in range(1, last):
        assert feed.take(bucket(minute, volume="0"), (minute + 1) * NS_PER_MIN) == []

    assert len(feed._empty) == NS_PER_DAY // NS_PER_MIN
    assert minutes(feed.take(bucket(last), LATER)) == [last]


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(0, 90)), max_size=60))
def test_whatever_comes_the_buckets_told_are_complete_in_order_and_once(steps: list[tuple[int, bool, int]]) -> None:
    feed = BucketFeed("BTCZAR", 0)
    now_ns, told = 0, []
    for back, mends, secs in steps:
        now_ns += secs * NS_PER_SEC
        current = now_ns // NS_PER_MIN
        if mends:
            feed.start_mending()
            closed = [bucket(minute) for minute in range(max(current - back, 0), current)]
            released = feed.mend(closed, now_ns)
        else:
            released = feed.take(bucket(max(current - back, 0)), now_ns)
        assert all(int(found.start_ns) + NS_PER_MIN <= now_ns for found in released)
        told += minutes(released)
    assert told == sorted(set(told))
