"""Lives of one node, each ended by SIGKILL at a drawn moment, and what was found after each next start."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from helios_nautilus.domain.portfolio.kill_switch import KillState
from helios_nautilus.journal.bet_file import BetFile
from helios_nautilus.journal.connect import kill_path, open_post, state_path
from helios_nautilus.journal.kill_file import KillFile
from helios_nautilus.journal.status import NodeStatus
from helios_nautilus.simulator.exchange.faults import FaultScript
from tests.acceptance.cli import confirmed, write_config
from tests.kill_matrix.lives import start, succeed
from tests.kill_matrix.market import PLAN, settings
from tests.kill_matrix.moments import Kind, Moment, news_in
from tests.kill_matrix.reckoning import reckon
from tests.kill_matrix.verdict import Use, mistakes_of_books
from tests.soak.market import FIRST, PAIRS, Desk, trading_day
from tests.soak.process import Process
from tests.soak.verdict import Ledger

GUARDED_SECS: Final = 5.0
"""From readiness until every position has a working stop."""
FLAT_SECS: Final = 60.0
"""From then until a halt that goes on has closed everything: an exit that nobody answered is waited for first."""
_PATIENCE_SECS: Final = 60.0
"""For what a moment waits for: some bet begins or ends in that time."""
_TRIES: Final = 4
"""Nodes that a moment is waited for in."""
_LOOK_SECS: Final = 0.001
_STATUS_SECS: Final = 0.05
_CONNECTING: Final = "node "
"""The line of a start after which the venue is connected and reconciled with."""


class Killed(Struct, kw_only=True):
    """A kill, and what became of it."""

    number: int
    kind: Kind
    came: bool = False
    """What the kill was aimed at was under way."""
    held: int = 0
    """Positions at the venue when it was killed."""
    latch: KillState = KillState.NORMAL
    ready_secs: float = 0.0
    """From the next start to readiness."""
    guarded: int = 0
    """Positions with a working stop then."""
    guarded_secs: float = 0.0
    """From readiness until books and stops were as they must be."""
    flat_secs: float = 0.0
    """From then until a halt that was latched had closed everything."""
    mistakes: list[str] = []


class Outcome(Struct, kw_only=True):
    """What came of a campaign; ``mistakes`` are those of all lives together."""

    seed: int
    folder: str
    kills: list[Killed] = []
    counts: dict[str, int] = {}
    mistakes: list[str] = []

    @property
    def is_clean(self) -> bool:
        """Nothing was wrong."""
        return not self.mistakes and not any(killed.mistakes for killed in self.kills)


class Campaign:
    """The lives that follow each other on one exchange and one home."""

    def __init__(self, folder: Path, desk: Desk) -> None:
        self.uses: dict[str, Use] = {}
        """Every order of a bet that was kept when a node was killed."""
        self.run_ids: list[str] = []
        self.outputs: list[Path] = []
        self._folder = folder
        self._desk = desk
        self._account_id = desk.login.account_id
        self._venue = desk.exchange.venue
        self._post = open_post()
        self._node: Process | None = None

    @property
    def ledger(self) -> Ledger:
        """The exchange's books of the account, as of now."""
        self._desk.exchange.catch_up()
        return Ledger(dump=self._desk.exchange.dump(), account_id=self._account_id)

    async def prepare(self) -> None:
        """Train a model, and have a first node ready.

        One before it makes the journal's database. That takes the venue minutes, and whoever waited so long between
        its history and the first bar would find a hole in them, and predict nothing.
        """
        url, since = self._desk.exchange.url, f"{FIRST:%Y-%m-%d}"
        write_config(self._folder / "run.toml", settings(url))
        await succeed(self._folder, "data", "backfill", *PAIRS, "--from", since, "--catalog", "market", "--url", url)
        await succeed(self._folder, "train", "run.toml")
        await self._begin(node := self._start())
        await node.stop()
        await self._begin(self._start())

    async def kill(self, number: int, moment: Moment) -> Killed:
        """Kill the node at a moment, start it again and see whether all is well."""
        killed = Killed(number=number, kind=moment.kind)
        killed.came = await self._strike(moment)
        await self._bury(killed)
        began = time.monotonic()
        try:
            node = self._start()
            status = await self._begin(node)
            killed.ready_secs = time.monotonic() - began
            await self._judge(killed, status)
            await self._resume()
        except AssertionError as error:
            killed.mistakes.append(f"the next start: {error}")
        return killed

    async def end(self) -> list[str]:
        """Stop the last node in order; what is wrong then."""
        node, mistakes = self._running(), []
        if code := await node.stop():
            mistakes.append(f"the last node ended with status {code}")
        if kept := self._bets(mistakes).load():
            mistakes.append(f"{len(kept)} bets are kept though all were closed")
        return mistakes

    def abandon(self) -> None:
        """Whatever runs is gone."""
        if self._node is not None:
            self._node.kill()

    # Lives

    def _start(self) -> Process:
        login, output = self._desk.login, self._folder / f"node-{len(self.outputs):02}.out"
        self.outputs.append(output)
        keys = {"VALR_API_KEY": login.key, "VALR_API_SECRET": login.secret}
        self._node = start(self._folder, output, "live", "run.toml", *confirmed("soak"), **keys)
        return self._node

    async def _begin(self, node: Process) -> NodeStatus:
        """The first status of a node that has said it is ready."""
        run_id = (await node.until("journal ")).split()[-1]
        self.run_ids.append(run_id)
        await node.until("ready ")
        await self._until(lambda: self._status(run_id) is not None, _STATUS_SECS, GUARDED_SECS)
        status = self._status(run_id)
        assert status is not None, "a ready node has no status"
        return status

    async def _bury(self, killed: Killed) -> None:
        """SIGKILL, and what is left: orders known to the store, the latch. The faults end with the node."""
        node = self._running()
        node.kill()
        await node.end()
        self._desk.exchange.play(FaultScript())
        killed.held = len(self._held())
        was_halted = killed.kind is Kind.HALT and killed.came
        killed.latch = KillState.HALT if was_halted else KillFile(kill_path("live")).load().state
        for bet in self._bets(killed.mistakes).load():
            self.uses |= {name: Use(bet.decision_id, role) for name, role in bet.roles.items()}

    async def _judge(self, killed: Killed, status: NodeStatus) -> None:
        """Wait until books and stops are in order, as long as that may take."""
        if status.kill_state != killed.latch.value:
            killed.mistakes.append(f"the kill switch is {status.kill_state}, and was {killed.latch}")
        began, found = time.monotonic(), ["nothing was seen"]
        while found and time.monotonic() - began < GUARDED_SECS:
            status = self._status(status.run_id) or status
            found = mistakes_of_books(status, self._held())
            await asyncio.sleep(_STATUS_SECS if found else 0)
        killed.guarded_secs = time.monotonic() - began
        killed.guarded = len(status.positions)
        killed.mistakes += found
        if killed.latch is KillState.HALT:
            began = time.monotonic()
            if not await self._until(lambda: not self._holds(), patience_secs=FLAT_SECS):
                killed.mistakes.append(f"{self._held()} are held though trading is halted")
            killed.flat_secs = time.monotonic() - began

    async def _resume(self) -> None:
        """A halt that was given, or came of what the bets lost, is taken back: the next life is to trade."""
        if KillFile(kill_path("live")).load().state is not KillState.NORMAL:
            await succeed(self._folder, "resume", "--mode", "live", "--rebase", "--why", "the next life")

    # Moments

    async def _strike(self, moment: Moment) -> bool:
        """Bring a node to a moment; whether it came. Where it does not, in another node that holds nothing yet."""
        for _ in range(_TRIES):
            if await self._reach(moment):
                await asyncio.sleep(moment.secs)
                return True
            await self._renew()
        return False

    async def _reach(self, moment: Moment) -> bool:
        match moment.kind:
            case Kind.ANY:
                came = True
            case Kind.ENTRY_FILLED:
                self._play(moment)
                came = await self._until(news_in(lambda: self._held().keys()))
            case Kind.FILL_KEPT:
                came = await self._until(news_in(lambda: {each.record for each in self._bets().left()}))
            case Kind.ENTRY_SENT | Kind.EXIT_SENT:
                came = await self._until(self._play(moment))
            case Kind.START:
                came = await self._until(self._holds) and await self._start_over(moment)
            case Kind.DROPPED:
                came = await self._until(self._holds) and await self._until(self._play(moment))
            case Kind.HALT | Kind.STOP:
                came = await self._until(self._holds) and await self._leave_flattening(moment)
        return came

    async def _renew(self) -> None:
        """Another node in the place of the one in which a moment did not come."""
        self._desk.exchange.play(FaultScript())
        with suppress(TimeoutError):  # then it was killed
            await self._running().stop()
        await self._begin(self._start())
        await self._resume()

    async def _start_over(self, moment: Moment) -> bool:
        """The node that runs is killed as it is, and the one that is to be killed is at its start."""
        node = self._running()
        node.kill()
        await node.end()
        node = self._start()
        self.run_ids.append((await node.until("journal ")).split()[-1])
        struck = self._play(moment)
        await node.until(_CONNECTING)
        return not moment.faults or await self._until(struck)

    async def _leave_flattening(self, moment: Moment) -> bool:
        """The node is told to get out, and its first exit is not answered."""
        struck = self._play(moment)
        telling = asyncio.create_task(self._flatten(moment.kind))
        came = await self._until(struck)
        telling.cancel()
        with suppress(asyncio.CancelledError, AssertionError):
            await telling
        return came

    async def _flatten(self, kind: Kind) -> None:
        if kind is Kind.HALT:
            await succeed(self._folder, "kill", "--mode", "live", "--why", "the kill matrix")
        else:
            self._running().interrupt()

    def _play(self, moment: Moment) -> Callable[[], bool]:
        """Begin a moment's faults; whether one has struck since."""
        faults = self._desk.exchange.faults
        before = len(faults.strikes)
        self._desk.exchange.play(FaultScript(fault=moment.faults))
        return lambda: len(faults.strikes) > before

    async def _until(
        self, condition: Callable[[], bool], look_secs: float = _LOOK_SECS, patience_secs: float = _PATIENCE_SECS
    ) -> bool:
        """Wait for a condition; whether it was fulfilled in time, and in the node's life."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_secs):
                while not self._running().has_ended:
                    if condition():
                        return True
                    await asyncio.sleep(look_secs)
        return False

    # What is so now

    def _running(self) -> Process:
        assert self._node is not None, "no node was started"
        return self._node

    def _held(self) -> dict[str, float]:
        """Signed quantities at the venue, by instrument."""
        positions = self._venue.engine.positions.of_account(self._account_id)
        return {f"{each.pair.symbol}.VALR": float(each.quantity) * each.side.sign for each in positions}

    def _holds(self) -> bool:
        return bool(self._held())

    def _status(self, run_id: str) -> NodeStatus | None:
        status = self._post.status_here("live")
        return status if status is not None and status.run_id == run_id else None

    def _bets(self, mistakes: list[str] | None = None) -> BetFile:
        """What the nodes keep of their bets; to a reader of no run all records are of another."""
        mistakes = [] if mistakes is None else mistakes
        return BetFile(state_path("live", "bets-main"), run_id="", on_trouble=mistakes.append)


async def play(folder: Path, seed: int, moments: Sequence[Moment], tell: Callable[[Killed], None]) -> Outcome:
    """Kill a node at these moments, one after the other, and judge; the journal is in HELIOS_HOME."""
    outcome = Outcome(seed=seed, folder=str(folder))
    async with trading_day(PLAN, seed) as desk:
        campaign = Campaign(folder, desk)
        try:
            await campaign.prepare()
            for number, moment in enumerate(moments, 1):
                outcome.kills.append(killed := await campaign.kill(number, moment))
                tell(killed)
            outcome.mistakes += await campaign.end()
            counts, mistakes = reckon(campaign.run_ids, campaign.outputs, campaign.uses, campaign.ledger)
            outcome.counts, outcome.mistakes = counts, outcome.mistakes + mistakes
        except (AssertionError, TimeoutError) as error:
            outcome.mistakes.append(f"it broke off: {error}")
        finally:
            campaign.abandon()
    return outcome
