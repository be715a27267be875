"""Trading floors that the tests of a module share: a node takes seconds to start, and one carries out many scenarios.

Scenarios give their orders names that no other has; after each the node's books equal the ledger.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.venue.ledger import equals_ledger
from tests.venue.node import BTCZAR, ETHZAR, PERPETUAL, Floor, trading
from tests.venue.told import Snapshot

type Scenario = Callable[[Floor], Awaitable[object]]


class Shared:
    """A floor with a running node. All floors of a module go on while one of them runs a scenario, and only then."""

    def __init__(self, runner: asyncio.Runner, floor: Floor) -> None:
        self._runner = runner
        self._floor = floor
        self._is_sound = True

    def run(self, scenario: Scenario) -> None:
        """Carry a scenario out, then compare the books with the ledger."""
        assert self._is_sound, "a former scenario has left the books unequal to the ledger"
        self._runner.run(self._audited(scenario))

    async def _audited(self, scenario: Scenario) -> None:
        await scenario(self._floor)
        self._is_sound = False
        await equals_ledger(self._floor)
        self._is_sound = True


@contextmanager
def shared(runner: asyncio.Runner, **setup: Any) -> Iterator[Shared]:
    """Open a floor for several scenarios; at the end the node has to leave without an error."""
    opened = trading(**setup)
    floor = runner.run(_enter(opened))
    try:
        yield Shared(runner, floor)
    finally:
        runner.run(opened.__aexit__(None, None, None))


async def _enter(opened: Any) -> Floor:
    floor: Floor = await opened.__aenter__()
    return floor


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """The loop of a module."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def spot(runner: asyncio.Runner) -> Iterator[Shared]:
    """A cash account that trades BTCZAR and ETHZAR, with some BTC in stock: a sell of spot is no short."""
    with shared(runner, instruments=(BTCZAR, ETHZAR)) as floor:
        floor.run(_stock)
        yield floor


@pytest.fixture(scope="module")
def futures(runner: asyncio.Runner) -> Iterator[Shared]:
    """A margin account that trades the perpetual, and BTCZAR with borrowed money."""
    with shared(runner, instruments=(BTCZAR, PERPETUAL), margin=True) as floor:
        floor.run(_quotes)
        yield floor


async def _stock(floor: Floor) -> None:
    await _quotes(floor, BTCZAR)
    floor.node.tell("submit", id="STOCK", type="MARKET", instrument=BTCZAR, side="BUY", size="0.2")
    await floor.node.sees("STOCK", "Filled")


async def _quotes(floor: Floor, instrument: str = PERPETUAL) -> None:
    """Let quotes flow first, so that an order that the engine emulates misses none."""
    floor.node.tell("subscribe", what="quotes", instrument=instrument)
    await floor.node.until(lambda: floor.node.of("QuoteTick"))


async def is_filled(floor: Floor, order: str) -> Snapshot:
    """Wait until an order has filled; what the node holds then."""
    return await floor.node.agrees(lambda shown: order in shown.orders and shown.orders[order].status == "FILLED")


async def take_back(floor: Floor, *orders: str) -> None:
    """Cancel orders one by one and wait until they are gone."""
    floor.node.tell("cancel", orders=list(orders))
    for order in orders:
        await floor.node.sees(order, "Canceled")
