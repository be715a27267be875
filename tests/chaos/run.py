"""One run: a seed's scenario from the opening of the exchange to the verdict."""

import asyncio
import random
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from helios_nautilus.simulator.exchange.orders import Order
from tests.chaos.scenario import Scenario, draw_scenario
from tests.chaos.verdict import mistakes_of_end, mistakes_of_run
from tests.venue.ledger import differences
from tests.venue.node import BTCZAR, ETHZAR, PERPETUAL, ROOT, Floor, Node, exchange

REPORTS = ROOT / "reports" / "chaos"
CALM_SECS = 25.0
"""How long the node may take to agree with the ledger once the faults have ended."""
_FILL_EVERY_SECS = 0.12
_CALM = FaultScript(fault=(Fault(kind="clock_skew", after_secs=0.0, secs=0.0),))
"""No faults, and the clocks agree."""


class Outcome(Struct, kw_only=True):
    """What came of a seed."""

    seed: int
    strikes: dict[str, int] = {}
    """Faults that struck, by kind."""
    orders: int = 0
    fills: int = 0
    kills: int = 0
    settled_secs: float = 0.0
    """From the end of the faults until the books were equal."""
    wall_secs: float = 0.0
    mistakes: list[str] = []
    log: bytes = b""
    """Of the node, all its lives."""

    def keep_log(self) -> Path:
        """Write the log to a file; which."""
        REPORTS.mkdir(parents=True, exist_ok=True)
        path = REPORTS / f"seed-{self.seed}.log"
        path.write_bytes(self.log)
        return path


class Run:
    """A scenario under way."""

    def __init__(self, scenario: Scenario, floor: Floor) -> None:
        self._scenario = scenario
        self._floor = floor
        self._random = random.Random(f"market {scenario.seed}")
        self._lives: list[Node] = []

    async def play(self) -> Outcome:
        """Trade through all lives, let the faults end, and judge."""
        outcome = Outcome(seed=self._scenario.seed, kills=len(self._scenario.kills_secs))
        market = asyncio.create_task(self._fill_orders())
        try:
            await self._live()
            assert not market.done(), f"the market stopped: {market}"
            market.cancel()
            outcome.strikes = dict(Counter(strike.kind for strike in self._floor.exchange.faults.strikes))
            ended_at = time.monotonic()
            outcome.mistakes = await self._calm_down()
            outcome.settled_secs = time.monotonic() - ended_at
            if status := await self._floor.node.stop():
                outcome.mistakes.append(f"the node ended with status {status}")
        except AssertionError as error:
            # It quotes the end of the log; of a node that did not start there is no more.
            outcome.log = str(error).encode()
            lines = str(error).strip().splitlines() or [""]
            outcome.mistakes.append(f"the run broke off: {lines[0]} ... {lines[-1]}")
        finally:
            market.cancel()
            if self._lives:
                await self._lives[-1].kill()
        self._sum_up(outcome)
        return outcome

    async def _live(self) -> None:
        """Faults strike from the first life's first trade until the last life has done trading."""
        for life, killed_after_secs in enumerate((*self._scenario.kills_secs, None), 1):
            node = await self._open_node(life)
            if life == 1:
                self._floor.exchange.play(self._scenario.script)
            if killed_after_secs is not None:
                await asyncio.sleep(killed_after_secs)
                await node.kill()
        await node.until(lambda: node.of("Done"), secs=self._scenario.trading_secs + CALM_SECS)

    async def _open_node(self, life: int) -> Node:
        scenario = self._scenario
        instruments = [BTCZAR, ETHZAR, *([PERPETUAL] if scenario.is_margin else [])]
        node = await self._floor.open_node(
            instruments=instruments,
            margin=scenario.is_margin,
            trader="tests.chaos.trader:Trader",
            params={"seed": scenario.seed, "life": life, "secs": scenario.trading_secs, "instruments": instruments},
            open_check_secs=1.0 if scenario.is_checked else None,
            position_check_secs=1.5 if scenario.is_checked else None,
            execution={"check_interval_secs": 1.0 if scenario.loses_frames else None},
        )
        self._lives.append(node)
        await node.until(lambda: node.of("Trading"))
        return node

    async def _fill_orders(self) -> None:
        """The market takes some or all of what rests."""
        venue, account_id = self._floor.exchange.venue, self._floor.login.account_id
        while True:
            await asyncio.sleep(_FILL_EVERY_SECS * self._random.uniform(0.2, 1.8))
            resting = [order for order in venue.engine.open_orders(account_id) if order.is_resting]
            if resting:
                order = self._random.choice(resting)
                venue.engine.fill_from_market(order, self._part_of(order), venue.now_ns)

    def _part_of(self, order: Order) -> Decimal:
        share = Decimal(self._random.choice((25, 50, 100))) / 100
        return max(round(order.remaining * share, order.pair.places), Decimal(1).scaleb(-order.pair.places))

    async def _calm_down(self) -> list[str]:
        """Wait until the node's books equal the ledger; where they do not in the end."""
        self._floor.exchange.play(_CALM)
        found: list[str] = []
        try:
            async with asyncio.timeout(CALM_SECS):
                while True:
                    snapshot = await self._floor.node.show()
                    found = mistakes_of_end(snapshot)
                    found += differences(snapshot, self._floor.exchange.dump(), self._floor.login.account_id)
                    if not found:
                        return []
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return found

    def _sum_up(self, outcome: Outcome) -> None:
        dump, account_id = self._floor.exchange.dump(), self._floor.login.account_id
        logs = [node.log for node in self._lives]
        outcome.mistakes += mistakes_of_run([node.seen for node in self._lives], logs, dump, account_id)
        outcome.orders = sum(row.account_id == account_id for row in dump.orders)
        outcome.fills = sum(fill.account_id == account_id for fill in dump.fills)
        outcome.log = b"\n".join([*logs, outcome.log])


def play_seed(seed: int, trading_secs: float) -> Outcome:
    """Play the scenario of a seed."""
    return asyncio.run(play(draw_scenario(seed, trading_secs)))


async def play(scenario: Scenario) -> Outcome:
    """Open an exchange, play the scenario on it, and judge."""
    started_at = time.monotonic()
    async with exchange(seed=scenario.seed) as floor:
        outcome = await Run(scenario, floor).play()
    outcome.wall_secs = time.monotonic() - started_at
    return outcome
