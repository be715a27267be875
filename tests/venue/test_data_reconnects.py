"""Streams through a lost, a silent and a renewed connection, as a strategy in a real node sees them."""

import asyncio
from collections.abc import Callable

import pytest

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.simulator.exchange import session as sessions
from tests.venue.node import BTCZAR, PERPETUAL, Floor, Node
from tests.venue.watching import (
    FAST,
    BookTape,
    Replica,
    assert_no_trade_is_missing,
    figures,
    is_change,
    is_snapshot,
    is_withdrawal,
    minutes,
    overhear,
    watching,
)

STREAMS = {"OrderBookDeltas": 5, "QuoteTick": 5, "TradeTick": 5, "MarkPriceUpdate": 3, "Bar": 2}
"""What is subscribed, and how much of it shows that it flows."""


def follow_all(node: Node) -> None:
    for what in ("deltas", "quotes", "trades", "bars"):
        node.tell("subscribe", what=what, instrument=BTCZAR)
    node.tell("subscribe", what="marks", instrument=PERPETUAL)


def is_flowing(node: Node, since: int = 0) -> bool:
    seen = [each["kind"] for each in node.seen[since:]]
    return all(seen.count(kind) >= least for kind, least in STREAMS.items())


def withdrawals(node: Node) -> list[int]:
    """Where in what was seen the book was taken back."""
    return [i for i, each in enumerate(node.seen) if each["kind"] == "OrderBookDeltas" and is_withdrawal(each)]


def assert_book_began_anew(node: Node, lost_at: int, tape: BookTape) -> None:
    """After the CLEAR a snapshot, then changes; no quote between the two; each state the venue's."""
    later = node.seen[lost_at + 1 :]
    first, *rest = [each for each in later if each["kind"] == "OrderBookDeltas"]
    assert is_snapshot(first)
    assert all(map(is_change, rest))
    assert "QuoteTick" not in [each["kind"] for each in later[: later.index(first)]]
    replica = Replica()
    for event in (first, *rest):
        sequence = replica.apply(event)
        assert replica.book == tape.at[sequence]


def deltas_since(node: Node, at: int) -> int:
    return sum(each["kind"] == "OrderBookDeltas" for each in node.seen[at:])


def drop(floor: Floor) -> None:
    floor.strike("drop_sockets", on="trade")


def stall(floor: Floor) -> None:
    """Silent for half a minute of ours, which is longer than the adapter waits."""
    floor.strike("stall_sockets", on="trade", secs=30 * FAST["speed"])


@pytest.mark.parametrize("lose", [drop, stall])
def test_every_stream_is_back_after_a_loss_and_no_quote_comes_before_the_new_snapshot(
    lose: Callable[[Floor], None],
) -> None:
    async def scenario() -> None:
        async with watching(**FAST, instruments=(BTCZAR, PERPETUAL), data={"bar_grace_secs": 0.0}) as floor:
            node, tape = floor.node, BookTape(floor.exchange, "BTCZAR")
            follow_all(node)
            await node.until(lambda: is_flowing(node))
            lose(floor)
            await node.until(lambda: withdrawals(node))
            [lost_at] = withdrawals(node)
            await node.until(lambda: is_flowing(node, lost_at))

            assert [strike.kind for strike in floor.exchange.faults.strikes][:1] == [f"{lose.__name__}_sockets"]
            assert_book_began_anew(node, lost_at, tape)
            # Trades and bars of the gap are fetched: none is missing, none comes twice or late.
            assert_no_trade_is_missing(floor)
            bars = node.of("Bar")
            assert figures(bars) == minutes(floor, bars[0]["ts_event"], bars[-1]["ts_event"])

    asyncio.run(scenario())


def test_a_spoiled_frame_costs_one_clear_and_a_new_snapshot_and_no_wrong_quote() -> None:
    async def scenario() -> None:
        async with watching(**FAST) as floor:
            node, tape = floor.node, BookTape(floor.exchange, "BTCZAR")
            for what in ("deltas", "quotes"):
                node.tell("subscribe", what=what, instrument=BTCZAR)
            await node.until(lambda: len(node.of("OrderBookDeltas")) > 5)
            floor.play("bad_checksum", on="trade OB_L1_DIFF BTCZAR", nth=1)
            await node.until(lambda: withdrawals(node))
            [lost_at] = withdrawals(node)
            await node.until(lambda: deltas_since(node, lost_at) > 5)
            assert_book_began_anew(node, lost_at, tape)

    asyncio.run(scenario())


def test_an_unauthenticated_connection_gets_its_successor_with_no_frame_lost_and_none_doubled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The venue's quarter of an hour in five seconds, and the adapter's thirteen minutes in one.
    monkeypatch.setattr(sessions, "UNAUTHENTICATED_NS", 5 * NS_PER_SEC)

    async def scenario() -> None:
        async with watching(**FAST, renew_secs=1.0) as floor:
            node, tape = floor.node, BookTape(floor.exchange, "BTCZAR")
            heard = overhear(floor.exchange)
            for what in ("deltas", "trades"):
                node.tell("subscribe", what=what, instrument=BTCZAR)
            # The first connection, and three that took over while the market went on: longer than any may live.
            await node.until(lambda: len({session for session, _ in heard}) > 3)
            seen = len(node.of("TradeTick")), len(node.of("OrderBookDeltas"))
            await node.until(lambda: len(node.of("TradeTick")) > seen[0] + 5)
            await node.until(lambda: len(node.of("OrderBookDeltas")) > seen[1] + 5)

            assert_no_trade_is_missing(floor)
            first, *rest = node.of("OrderBookDeltas")
            assert is_snapshot(first)
            replica = Replica()
            sequence = replica.apply(first)
            for event in rest:
                before, sequence = sequence, replica.apply(event)
                # The successor's snapshot may overtake changes that are still on their way over the old line.
                assert sequence > before if is_snapshot(event) else is_change(event) and sequence == before + 1
                assert replica.book == tape.at[sequence]

    asyncio.run(scenario())
