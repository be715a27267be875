"""Books, depths and quotes from the simulated exchange to the engine's cache."""

from itertools import pairwise

from nautilus_trader.data.messages import (
    SubscribeOrderBook,
    SubscribeQuoteTicks,
    SubscribeTradeTicks,
    UnsubscribeOrderBook,
    UnsubscribeQuoteTicks,
)
from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas, OrderBookDepth10, QuoteTick, TradeTick
from nautilus_trader.model.enums import BookAction, BookType, RecordFlag

from helios_nautilus.simulator.exchange.faults import Fault
from tests.integration.valr_data.harness import BTCZAR, ETHZAR, Desk, running

BOOK = {"book_type": BookType.L2_MBP, "book_data_type": OrderBookDelta, "depth": 0, "managed": True}
DEPTH = {"book_type": BookType.L2_MBP, "book_data_type": OrderBookDepth10, "depth": 10, "managed": False}


def snapshots(desk: Desk) -> list[OrderBookDeltas]:
    return [event for event in desk.of(OrderBookDeltas) if event.is_snapshot and len(event.deltas) > 1]


async def until_equal(desk: Desk) -> None:
    await desk.until(lambda: desk.book_of_engine(BTCZAR) == desk.book_of_venue("BTCZAR"))


async def test_the_first_event_is_a_flagged_snapshot_and_the_managed_book_stays_the_venues() -> None:
    async with running() as desk:
        desk.subscribe(SubscribeOrderBook, BTCZAR, **BOOK)
        await desk.until(lambda: desk.of(OrderBookDeltas))
        first = desk.of(OrderBookDeltas)[0].deltas
        assert first[0].action == BookAction.CLEAR
        assert {delta.action for delta in first[1:]} == {BookAction.ADD}
        assert all(delta.flags & RecordFlag.F_SNAPSHOT for delta in first)
        assert [bool(delta.flags & RecordFlag.F_LAST) for delta in first] == [False] * (len(first) - 1) + [True]
        await until_equal(desk)

        await desk.until(lambda: len(desk.of(OrderBookDeltas)) > 20, advance_secs=1.0)
        await until_equal(desk)
        for event in desk.of(OrderBookDeltas)[1:]:
            assert {delta.action for delta in event.deltas} <= {BookAction.UPDATE, BookAction.DELETE}
            assert [delta.flags for delta in event.deltas] == [0] * (len(event.deltas) - 1) + [RecordFlag.F_LAST]
        assert desk.client.book_misses == 0


async def test_a_bad_checksum_clears_the_book_once_and_a_new_snapshot_mends_it() -> None:
    async with running(Fault(kind="bad_checksum", on="trade OB_L1_DIFF BTCZAR", nth=3)) as desk:
        desk.subscribe(SubscribeOrderBook, BTCZAR, **BOOK)
        await desk.until(lambda: len(snapshots(desk)) == 2, advance_secs=1.0)
        await until_equal(desk)
        cleared = [event for event in desk.of(OrderBookDeltas) if len(event.deltas) == 1 and event.deltas[0].is_clear]
        assert len(cleared) == 1
        assert cleared[0].deltas[0].flags == RecordFlag.F_SNAPSHOT | RecordFlag.F_LAST
        assert desk.client.book_misses == 1


async def test_a_lost_diff_is_noticed_and_mended() -> None:
    async with running(Fault(kind="drop_frame", on="trade OB_L1_DIFF BTCZAR", nth=2)) as desk:
        desk.subscribe(SubscribeOrderBook, BTCZAR, **BOOK)
        await desk.until(lambda: len(snapshots(desk)) == 2, advance_secs=1.0)
        await until_equal(desk)
        assert desk.client.book_misses == 1


async def test_a_snapshot_whose_frame_is_unreadable_is_asked_for_again() -> None:
    async with running(Fault(kind="truncate_frame", on="trade OB_L1_SNAPSHOT BTCZAR", nth=1)) as desk:
        desk.subscribe(SubscribeOrderBook, BTCZAR, **BOOK)
        await desk.until(lambda: snapshots(desk), advance_secs=1.0)
        await until_equal(desk)


async def test_a_lost_connection_takes_the_book_back_until_the_next_snapshot() -> None:
    async with running(Fault(kind="drop_socket", on="trade OB_L1_DIFF BTCZAR", nth=3)) as desk:
        desk.subscribe(SubscribeOrderBook, BTCZAR, **BOOK)
        desk.subscribe(SubscribeQuoteTicks, BTCZAR)
        await desk.until(lambda: len(snapshots(desk)) == 2, advance_secs=0.5)
        await until_equal(desk)
        assert sum(len(event.deltas) == 1 and event.deltas[0].is_clear for event in desk.of(OrderBookDeltas)) == 1
        assert desk.client.book_misses == 0


async def test_quotes_are_the_best_of_the_verified_book_and_only_when_it_changes() -> None:
    async with running() as desk:
        desk.subscribe(SubscribeQuoteTicks, BTCZAR)
        await desk.until(lambda: len(desk.of(QuoteTick)) > 5, advance_secs=1.0)

        def is_best() -> bool:
            bids, asks = desk.book_of_venue("BTCZAR")
            quote = desk.of(QuoteTick)[-1]
            bid, ask = max(bids), min(asks)
            found = quote.bid_price, quote.ask_price, quote.bid_size, quote.ask_size
            return [float(value) for value in found] == [bid, ask, bids[bid], asks[ask]]

        await desk.until(is_best)
        tops = [(q.bid_price, q.ask_price, q.bid_size, q.ask_size) for q in desk.of(QuoteTick)]
        assert all(a != b for a, b in pairwise(tops))
        assert not desk.of(OrderBookDeltas)


async def test_depths_show_the_best_ten_a_side() -> None:
    async with running() as desk:
        desk.subscribe(SubscribeOrderBook, BTCZAR, **DEPTH)
        await desk.until(lambda: len(desk.of(OrderBookDepth10)) > 3, advance_secs=1.0)
        bids, asks = desk.book_of_venue("BTCZAR")

        def is_top() -> bool:
            depth = desk.of(OrderBookDepth10)[-1]
            shown = [float(order.price) for order in depth.bids], [float(order.price) for order in depth.asks]
            return shown == (sorted(bids, reverse=True)[:10], sorted(asks)[:10])

        await desk.until(is_top)


async def test_a_view_added_later_starts_from_the_book_that_is_there_and_all_end_on_unsubscribing() -> None:
    async with running() as desk:
        desk.subscribe(SubscribeQuoteTicks, BTCZAR)
        await desk.until(lambda: desk.of(QuoteTick))
        desk.subscribe(SubscribeOrderBook, BTCZAR, **BOOK)
        await until_equal(desk)
        assert len(snapshots(desk)) == 1

        desk.subscribe(UnsubscribeQuoteTicks, BTCZAR)
        desk.subscribe(UnsubscribeOrderBook, BTCZAR, book_data_type=OrderBookDelta)
        desk.subscribe(SubscribeTradeTicks, ETHZAR)
        # What comes later on the same line proves that nothing else did before.
        await desk.until(lambda: desk.of(TradeTick), advance_secs=1.0)
        books, trades = len(desk.of(OrderBookDeltas)) + len(desk.of(QuoteTick)), len(desk.of(TradeTick))
        await desk.until(lambda: len(desk.of(TradeTick)) > trades + 3, advance_secs=5.0)
        assert len(desk.of(OrderBookDeltas)) + len(desk.of(QuoteTick)) == books
