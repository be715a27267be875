"""Books, depths and quotes (D10 to D14, D20) as a strategy in a real node gets them."""

import asyncio
from decimal import Decimal
from itertools import pairwise

from tests.venue.node import BTCZAR
from tests.venue.watching import FAST, BookTape, Replica, book_of, is_change, is_snapshot, watching

SIDES = "bids", "asks"


def test_d10_d14_deltas_begin_with_a_flagged_snapshot_and_every_state_is_the_venues_at_its_sequence() -> None:
    async def scenario() -> None:
        async with watching(**FAST) as floor:
            node, tape = floor.node, BookTape(floor.exchange, "BTCZAR")
            node.tell("subscribe", what="deltas", instrument=BTCZAR)
            await node.until(lambda: len(node.of("OrderBookDeltas")) > 40)

            first, *changes = node.of("OrderBookDeltas")
            assert is_snapshot(first)
            assert all(map(is_change, changes))
            replica = Replica()
            sequences = [replica.apply(first)]
            assert replica.book == tape.at[sequences[0]]
            for change in changes:
                sequences.append(replica.apply(change))
                assert replica.book == tape.at[sequences[-1]]
            assert all(later == earlier + 1 for earlier, later in pairwise(sequences))

            # The engine's managed copy, while it moves.
            shown = await node.agrees(lambda shown: shown.sequences[BTCZAR] > sequences[-1] + 10)
            assert book_of(shown.books[BTCZAR]) == tape.at[shown.sequences[BTCZAR]]

    asyncio.run(scenario())


def test_d11_d12_a_book_at_an_interval_and_depths_show_the_venues_best() -> None:
    async def scenario() -> None:
        async with watching(**FAST) as floor:
            node, tape = floor.node, BookTape(floor.exchange, "BTCZAR")
            node.tell("subscribe", what="depth", instrument=BTCZAR)
            node.tell("subscribe", what="book", instrument=BTCZAR)
            await node.until(lambda: len(node.of("OrderBookDepth10")) > 20 and len(node.of("OrderBook")) > 5)

            for depth in node.of("OrderBookDepth10"):
                bids, asks = tape.at[depth["sequence"]]
                shown = [[(Decimal(row["price"]), Decimal(row["size"])) for row in depth[side]] for side in SIDES]
                assert shown == [sorted(bids.items(), reverse=True)[:10], sorted(asks.items())[:10]]
            tops = {(str(max(bids)), str(min(asks))) for bids, asks in tape.at.values()}
            seen = [(book["bid"], book["ask"]) for book in node.of("OrderBook")]
            assert set(seen) <= tops
            assert len(set(seen)) > 1

    asyncio.run(scenario())


def test_d20_quotes_are_the_best_of_the_venues_book_and_come_when_it_changes() -> None:
    async def scenario() -> None:
        async with watching(**FAST) as floor:
            node, tape = floor.node, BookTape(floor.exchange, "BTCZAR")
            node.tell("subscribe", what="quotes", instrument=BTCZAR)
            await node.until(lambda: len(node.of("QuoteTick")) > 20)

            tops: list[tuple[Decimal, ...]] = []
            for _, (bids, asks) in sorted(tape.at.items()):
                top = max(bids), min(asks), bids[max(bids)], asks[min(asks)]
                if tops[-1:] != [top]:
                    tops.append(top)
            fields = "bid_price", "ask_price", "bid_size", "ask_size"
            quotes = [tuple(Decimal(quote[field]) for field in fields) for quote in node.of("QuoteTick")]
            start = tops.index(quotes[0])
            assert quotes == tops[start : start + len(quotes)]

    asyncio.run(scenario())
