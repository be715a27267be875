"""A node is killed, with SIGKILL, and started again: no position stays without a stop, no order is sent twice."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.enums import RequestSide, Side
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.requests import MarketOrder
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.domain.kept_bets import KeptBet
from helios_nautilus.domain.lifecycle import Phase
from helios_nautilus.journal.bet_file import BetFile
from helios_nautilus.journal.connect import state_path
from helios_nautilus.journal.records import EventRecord, Mode, OrderRecord, PositionRecord, Record
from tests.acceptance.cli import confirmed
from tests.venue import commands
from tests.venue.commands import PATIENCE_SECS, Command, Venue, has_entered, journalled, of, records

venue = commands.venue
"""The fixture: a simulator and a trained model, for this module."""

pytestmark = pytest.mark.timeout(900)

LOOK_SECS = 0.001
LEAST = {"BTCZAR": Decimal("0.000008"), "ETHZAR": Decimal("0.0002"), "SOLZAR": Decimal("0.003")}
"""What the venue trades of a pair at least."""


def start(venue: Venue, mode: Mode) -> Command:
    if mode == "paper":
        return venue.run("paper", "run.toml", VALR_API_KEY="", VALR_API_SECRET="")
    return venue.run("live", "run.toml", *confirmed("simulator"), **venue.keys)


def kept(mode: Mode) -> tuple[KeptBet, ...]:
    """What the store holds now."""
    account = "small" if mode == "paper" else "main"
    return BetFile(state_path(mode, f"bets-{account}"), run_id="", on_trouble=pytest.fail).load()


def begin(node: Command) -> str:
    """The run's id, once its node may enter."""
    run_id = node.until("journal ").split()[-1]
    node.until("ready ")
    return run_id


def killed(node: Command, when: Callable[[list[Record]], object]) -> list[KeptBet]:
    """Kill a node once its journal fulfils a condition; what was held, as the store says."""
    try:
        journalled(begin(node), when)
    finally:
        node.kill()
    mode: Mode = "paper" if any("mode paper" in line for line in node.lines) else "live"
    return [bet for bet in kept(mode) if bet.phase is Phase.OPEN]


def stopped(node: Command) -> None:
    try:
        assert node.stop() == 0, node.lines
    finally:
        node.kill()


def told(found: list[Record], kind: str) -> set[str]:
    """The decisions of which the journal has an event of this kind."""
    return {event.decision_id for event in of(EventRecord, found) if event.kind == kind}


def armed_before_ready(found: list[Record]) -> set[str]:
    """The decisions whose stops the engine watched over when entries opened."""
    opened = next(i for i, record in enumerate(found) if isinstance(record, EventRecord) and record.kind == "ready")
    stops = [order for order in of(OrderRecord, found[:opened]) if order.role == "STOP"]
    return {order.decision_id for order in stops if order.status == "EMULATED"}


def check_recovered(found: list[Record], bets: list[KeptBet]) -> None:
    """Each of the bets had its stop again, where it was, when entries opened."""
    expected = {bet.decision_id for bet in bets}
    assert expected <= told(found, "recovered"), of(EventRecord, found)
    assert expected <= armed_before_ready(found)
    stops = {order.decision_id: order.price for order in of(OrderRecord, found) if order.role == "STOP"}
    assert all(stops[bet.decision_id] == pytest.approx(Decimal(bet.stop_price), rel=Decimal("5e-4")) for bet in bets)


def test_what_a_killed_paper_node_held_is_stopped_again_before_anything_new_is_entered(venue: Venue) -> None:
    bets = killed(start(venue, "paper"), has_entered)
    assert bets

    node = start(venue, "paper")
    run_id = begin(node)
    stopped(node)

    found = records(run_id)
    check_recovered(found, bets)
    assert {bet.decision_id for bet in bets} <= {position.decision_id for position in of(PositionRecord, found)}
    assert kept("paper") == ()


def test_a_live_node_that_is_killed_time_and_again_sends_no_entry_twice_and_knows_what_was_closed_meanwhile(
    venue: Venue,
) -> None:
    node = start(venue, "live")
    try:
        begin(node)
        (sent,) = wait_for_an_entry("live")
    finally:
        node.kill()

    bets = killed(start(venue, "live"), has_a_stop)
    assert bets
    third = start(venue, "live")
    recovered = begin(third)
    journalled(recovered, has_opened)
    third.kill()
    asyncio.run(close_at_venue(venue))
    last = start(venue, "live")
    run_id = begin(last)
    stopped(last)

    check_recovered(records(recovered), bets)
    expected = {bet.decision_id for bet in bets}
    assert expected <= told(records(run_id), "gone"), of(EventRecord, records(run_id))
    closed = {each.decision_id: each.close_reason for each in of(PositionRecord, records(run_id))}
    assert {closed[name] for name in expected} == {"MANUAL"}
    assert asyncio.run(entries_of(venue, sent)) <= 1
    check_flat(venue)


def has_opened(found: list[Record]) -> bool:
    """Entries are open, and the journal knows."""
    return any(event.kind == "ready" for event in of(EventRecord, found))


def has_a_stop(found: list[Record]) -> bool:
    return any(order.role == "STOP" and order.status == "EMULATED" for order in of(OrderRecord, found))


async def entries_of(venue: Venue, bet: KeptBet) -> int:
    """How many orders of the venue are this bet's entry."""
    http = ValrHttp(HttpConfig(base_url=venue.url), Credentials(venue.key, venue.secret))
    try:
        names = {name for name, role in bet.roles.items() if role == "ENTRY"}
        return sum(order.customer_order_id in names for order in await http.get_order_history())
    finally:
        await http.close()


def check_flat(venue: Venue) -> None:
    """Nothing is held at the venue but dust, and nothing works there."""
    net, open_orders = asyncio.run(at_venue(venue))
    assert open_orders == 0
    assert all(abs(quantity) < Decimal("0.001") for quantity in net.values()), net


async def at_venue(venue: Venue) -> tuple[dict[str, Decimal], int]:
    """What was bought and not sold, less the fees taken from it, by pair, and the number of open orders."""
    http = ValrHttp(HttpConfig(base_url=venue.url), Credentials(venue.key, venue.secret))
    try:
        net: dict[str, Decimal] = {}
        for fill in await http.get_fills():
            in_base = fill.fee_currency is not None and fill.currency_pair.startswith(fill.fee_currency)
            signed = fill.quantity if fill.side == Side.BUY else -fill.quantity
            signed -= fill.fee if in_base and fill.fee is not None else Decimal(0)
            net[fill.currency_pair] = net.get(fill.currency_pair, Decimal(0)) + signed
        return net, len(await http.get_open_orders())
    finally:
        await http.close()


def wait_for_an_entry(mode: Mode) -> tuple[KeptBet, ...]:
    """The first bet that is kept: its orders are sent in the next moment."""
    deadline = time.monotonic() + PATIENCE_SECS
    while not (found := kept(mode)):
        assert time.monotonic() < deadline, "no entry was sent"
        time.sleep(LOOK_SECS)
    return found[:1]


async def close_at_venue(venue: Venue) -> None:
    """An operator sells what is there, and buys back what is short: once more for the fee that is taken of it."""
    net, _ = await at_venue(venue)
    http = ValrHttp(HttpConfig(base_url=venue.url), Credentials(venue.key, venue.secret))
    try:
        while pair := next((pair for pair, quantity in net.items() if abs(quantity) > LEAST[pair]), None):
            side = RequestSide.SELL if net[pair] > 0 else RequestSide.BUY
            await http.post_market_order(
                MarketOrder(pair=pair, side=side, base_amount=str(abs(net[pair])), allow_margin=True)
            )
            before = net[pair]
            while net[pair] == before:
                net, _ = await at_venue(venue)
    finally:
        await http.close()
