"""The venue's past, page by page: newest first there, oldest first here, exact at both ends, each row once."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.routes.base import PAGE
from helios_nautilus.adapters.valr.api.routes.market import MAX_BUCKETS
from helios_nautilus.adapters.valr.api.schemas.market import Bucket, FundingRate, PublicTrade
from helios_nautilus.adapters.valr.parsing import trade_key
from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC

type TradesPage = Callable[..., Coroutine[Any, Any, list[PublicTrade]]]
"""`ValrHttp.get_trades`, with a key or without."""

PERIODS_SECS: Final = frozenset({60, 300, 900, 1800, 3600, 21600, 86400})
"""Of the candles the venue keeps."""

_STEP: Final = MAX_BUCKETS - 1
"""Buckets of one question. Nothing says whether the end of a window is part of it: we ask for one more."""


async def fetch_venue_time(http: ValrHttp) -> int:
    """The venue's clock, nanoseconds UTC: it decides which bucket is complete."""
    return int((await http.get_time()).time_ns)


async def fetch_buckets(
    http: ValrHttp, pair: str, period_secs: int, *, first_ns: int | None, last_ns: int, limit: int = 0
) -> list[Bucket]:
    """Buckets with trades that start from ``first_ns`` to ``last_ns``, both included and whole periods.

    With a ``limit`` the newest of them. Without ``first_ns`` as far back as the limit or, without one too, one
    question reaches; a window without a trade then counts as the beginning.
    """
    period_ns = period_secs * NS_PER_SEC
    found: dict[int, Bucket] = {}
    while last_ns >= 0 and (first_ns is None or last_ns >= first_ns):
        from_ns = max(last_ns - (_STEP - 1) * period_ns, first_ns or 0)
        page = await http.get_buckets(
            pair,
            period_secs=period_secs,
            start_secs=from_ns // NS_PER_SEC,
            end_secs=(last_ns + period_ns) // NS_PER_SEC,
        )
        fresh = {
            int(row.start_ns): row
            for row in page
            if from_ns <= row.start_ns <= last_ns and row.bucket_period_in_seconds == period_secs and row.volume > 0
        }
        found |= fresh
        last_ns = from_ns - period_ns
        if (limit and len(found) >= limit) or (first_ns is None and (not limit or not fresh)):
            break
    rows = [found[start_ns] for start_ns in sorted(found)]
    return rows[-limit:] if limit else rows


async def fetch_trades(
    page_of: TradesPage, pair: str, *, start_ns: int | None, end_ns: int, limit: int = 0
) -> list[PublicTrade]:
    """Trades from ``start_ns`` to ``end_ns``, both included; with a ``limit`` the newest of them.

    Without ``start_ns`` and ``limit`` the newest page.
    """
    found: dict[str, PublicTrade] = {}
    # The venue's times have milliseconds, so the end is asked for rounded up and cut here.
    page = await page_of(pair, start_ns=start_ns, end_ns=-(-end_ns // NS_PER_MS) * NS_PER_MS, limit=PAGE)
    while page:
        known = len(found)
        found |= {trade_key(trade): trade for trade in page}
        oldest = page[-1]
        is_enough = (start_ns is None and not limit) or (limit and _count(found, start_ns, end_ns) >= limit)
        is_passed = start_ns is not None and oldest.traded_ns < start_ns
        if is_enough or is_passed or len(page) < PAGE or len(found) == known or oldest.id is None:
            break
        page = await page_of(pair, start_ns=start_ns, before_id=oldest.id, limit=PAGE)
    # Newest first as found; turned round before sorting, so that trades of one time keep the venue's order.
    rows = [trade for trade in reversed(found.values()) if (start_ns or 0) <= trade.traded_ns <= end_ns]
    rows.sort(key=lambda trade: trade.traded_ns)
    return rows[-limit:] if limit else rows


async def fetch_funding_rates(
    http: ValrHttp, pair: str, *, start_ns: int | None, end_ns: int, limit: int = 0
) -> list[FundingRate]:
    """Hourly rates from ``start_ns`` to ``end_ns``, both included; hours of zero rate may be missing at the venue."""
    found: dict[int, FundingRate] = {}
    skip = 0
    while True:
        page = await http.get_funding_rates(pair, start_ns=start_ns, end_ns=end_ns, skip=skip, limit=PAGE)
        found |= {
            int(rate.funding_ns): rate
            for rate in page
            if rate.currency_pair == pair and (start_ns or 0) <= rate.funding_ns <= end_ns
        }
        skip += len(page)
        if len(page) < PAGE or (limit and len(found) >= limit):
            break
    rows = [found[funding_ns] for funding_ns in sorted(found)]
    return rows[-limit:] if limit else rows


def _count(found: dict[str, PublicTrade], start_ns: int | None, end_ns: int) -> int:
    return sum((start_ns or 0) <= trade.traded_ns <= end_ns for trade in found.values())
