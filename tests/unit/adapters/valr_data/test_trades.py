"""The stream of trades made whole."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.data import TradeTick

from helios_nautilus.adapters.valr.api.enums import Side
from helios_nautilus.adapters.valr.api.errors import UnavailableError
from helios_nautilus.adapters.valr.api.routes.base import PAGE
from helios_nautilus.adapters.valr.api.schemas.market import PublicTrade
from helios_nautilus.adapters.valr.api.wire import IsoNanos
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.adapters.valr.trades import REMEMBERED, Gap, TradeFeed, describe_hole, fill_gap
from helios_nautilus.domain.timeframe import NS_PER_SEC

BTCZAR = build_instrument("BTCZAR.VALR")


def trade(number: int, *, price: str = "1000000") -> PublicTrade:
    """The n-th trade; two share each second."""
    return PublicTrade(
        id=f"t{number:05}",
        price=Decimal(price),
        quantity=Decimal("0.001"),
        currency_pair="BTCZAR",
        traded_ns=IsoNanos(number // 2 * NS_PER_SEC),
        taker_side=Side.BUY if number % 2 else Side.SELL,
    )


class Tape:
    """The venue's trades, as far as it keeps them."""

    def __init__(self, first: int, count: int) -> None:
        self.trades = [trade(number) for number in range(first, count)]
        self.questions = 0

    async def page_of(self, pair: str, *, start_ns: int, before_id: str | None, limit: int) -> list[PublicTrade]:
        self.questions += 1
        rows = [each for each in reversed(self.trades) if each.traded_ns >= start_ns]
        return [each for each in rows if before_id is None or str(each.id) < before_id][:limit]


def feed_after(*numbers: int) -> TradeFeed:
    feed = TradeFeed(BTCZAR, 0)
    for number in numbers:
        assert feed.take(trade(number), 0) is not None
    feed.start_mending()
    return feed


def ids(ticks: list[TradeTick]) -> list[int]:
    return [int(tick.trade_id.value[1:]) for tick in ticks]


def mended(feed: TradeFeed, tape: Tape) -> tuple[Gap, list[int]]:
    gap = feed.gap()
    asyncio.run(fill_gap(gap, tape.page_of))
    return gap, ids(feed.mend(gap, 0))


def test_the_trades_of_a_gap_come_oldest_first_and_before_those_that_waited() -> None:
    feed = feed_after(7)
    assert [feed.take(trade(number), 0) for number in (260, 261)] == [None, None]
    gap, told = mended(feed, Tape(0, 261))
    assert told == list(range(8, 262))
    assert gap.is_whole


def test_a_copy_from_the_stream_and_one_from_the_history_are_one_trade() -> None:
    feed = feed_after(7)
    feed.take(trade(9), 0)
    assert mended(feed, Tape(0, 11))[1] == [8, 9, 10]
    assert feed.take(trade(10), 0) is None


def test_trades_of_one_time_are_told_apart_at_the_edge_of_the_gap() -> None:
    # 6 and 7 share a second, and only the first of them was told.
    assert mended(feed_after(6), Tape(0, 9))[1] == [7, 8]


def test_a_history_that_no_longer_reaches_back_leaves_a_hole_that_has_bounds() -> None:
    gap, told = mended(feed_after(7), Tape(20, 40))
    assert told == list(range(20, 40))
    assert not gap.is_whole
    assert describe_hole(gap, 0, "why").startswith(
        "Trades of BTCZAR from 1970-01-01T00:00:03.000000000Z to 1970-01-01T00:00:10.000000000Z may be missing: why"
    )


def test_what_was_found_before_a_failure_is_not_lost() -> None:
    feed, tape = feed_after(7), Tape(0, 400)

    async def failing(*args: Any, **more: Any) -> list[PublicTrade]:
        if tape.questions:
            raise UnavailableError("no answer")
        return await tape.page_of(*args, **more)

    gap = feed.gap()
    with pytest.raises(UnavailableError):
        asyncio.run(fill_gap(gap, failing))
    assert ids(feed.mend(gap, 0)) == list(range(400 - PAGE, 400))
    assert not gap.is_whole


def test_before_the_first_trade_there_is_no_hole_to_prove() -> None:
    gap, told = mended(feed_after(), Tape(0, 3))
    assert (told, gap.is_whole) == ([0, 1, 2], True)


def test_a_trade_that_cannot_be_costs_only_itself() -> None:
    feed = feed_after(1)
    feed.take(trade(3, price="0"), 0)
    feed.take(trade(4), 0)
    assert mended(feed, Tape(0, 3))[1] == [2, 4]


def test_the_memory_of_ids_is_bounded() -> None:
    feed = TradeFeed(BTCZAR, 0)
    for number in range(REMEMBERED + 50):
        feed.take(trade(number), 0)
    assert len(feed._recent) == REMEMBERED


@given(st.integers(1, 30), st.lists(st.integers(0, 60), max_size=20), st.integers(0, 60))
def test_whatever_is_lost_twice_told_or_late_each_trade_comes_once_and_in_order(
    seen: int, streamed: list[int], end: int
) -> None:
    feed = feed_after(*range(seen))
    live = [number for number in sorted(streamed) if number >= seen]
    for number in live:
        feed.take(trade(number), 0)
    total = max([end, seen, *(number + 1 for number in live)])
    _, told = mended(feed, Tape(0, total))
    assert told == list(range(seen, total))
