"""Commands of the API and of the pages: who may, how often, where they go, and what the node makes of them."""

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from msgspec import Struct

from helios_nautilus.dashboard.access import NEEDED, Access, Caller, ThrottledError
from helios_nautilus.dashboard.shown import Ordered
from helios_nautilus.dashboard.throttle import Throttle
from helios_nautilus.errors import AccessError
from helios_nautilus.journal.commands import TIGHTENING, Answer, Command, Tier, Verb
from helios_nautilus.journal.post import Post
from helios_nautilus.journal.records import Mode


class Order(Struct, frozen=True, kw_only=True):
    """What somebody wants to be done."""

    verb: Verb
    why: str
    tier: Tier | None = None
    who: str = ""
    """The name that somebody without a token gives; who has one is named by it."""
    rebase: bool = False


class Steering:
    """Gives commands to the nodes of a mode. ``clock`` gives nanoseconds UTC."""

    def __init__(
        self,
        mode: Mode,
        post: Post,
        access: Access,
        throttle: Throttle,
        *,
        wait_secs: float,
        tell: Callable[[str, str, str], None],
        clock: Callable[[], int],
    ) -> None:
        self._mode = mode
        self._post = post
        self._access = access
        self._throttle = throttle
        self._wait_secs = wait_secs
        self._tell = tell
        self._clock = clock
        # Threads of their own: a command never queues behind those who only look.
        self._threads = ThreadPoolExecutor(8, "command")

    @property
    def mode(self) -> Mode:
        """The mode that is steered."""
        return self._mode

    def refusal(self, caller: Caller, verb: Verb) -> str:
        """Why a caller may not give this command, in words; empty if they may."""
        return "" if caller.may(verb) else f"this takes the role {NEEDED[verb]}; {caller.name} is a {caller.role}"

    async def order(self, caller: Caller, order: Order, origin: Literal["api", "dashboard"]) -> Ordered:
        """Give a command and wait a few seconds for its answer.

        Raises `AccessError` if the caller may not, or not now, and `JournalError` if the command could go nowhere. What
        takes risk away is never held back for having been ordered too often.
        """
        self._permit(caller, order)
        command = Command(
            command_id=str(uuid.uuid4()),
            ts_ns=self._clock(),
            mode=self._mode,
            verb=order.verb,
            tier=order.tier,
            who=(order.who.strip() or caller.name) if caller.way == "local" else caller.name,
            why=order.why,
            origin=origin,
            rebase=order.rebase,
        )
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._give, command)

    def close(self) -> None:
        """Give nothing more; what was sent stays sent."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _give(self, command: Command) -> Ordered:
        sent = self._post.send(command)
        answer = self._post.wait(command.command_id, self._wait_secs)
        return Ordered(command=command, answer=answer, words=_tell_outcome(command, answer, sent.trouble))

    def _permit(self, caller: Caller, order: Order) -> None:
        if not self._access.stands(caller):
            self._tell("no longer valid", order.verb, caller.name)
            raise AccessError("this token or session is no longer valid: log in again")
        if words := self.refusal(caller, order.verb):
            self._tell(words, order.verb, caller.name)
            raise AccessError(words)
        if order.verb not in TIGHTENING and (wait_secs := self._throttle.order(caller.name)):
            self._tell("too many commands", order.verb, caller.name)
            raise ThrottledError(wait_secs)


class CallerHelm:
    """The steering in the hands of one visitor of the pages."""

    def __init__(self, steering: Steering, caller: Caller) -> None:
        self._steering = steering
        self._caller = caller

    @property
    def who(self) -> str:
        """The visitor's name; empty where nobody had to say it."""
        return "" if self._caller.way == "local" else self._caller.name

    def refusal(self, verb: Verb) -> str:
        """Why the visitor may not order this, in words; empty if they may."""
        return self._steering.refusal(self._caller, verb)

    async def give(self, verb: Verb, tier: Tier | None, who: str, why: str, *, rebase: bool = False) -> Answer | None:
        """Order it and wait for the node's answer; None if there was none in time. Raises as `Steering.order` does."""
        order = Order(verb=verb, tier=tier, who=who, why=why, rebase=rebase)
        return (await self._steering.order(self._caller, order, "dashboard")).answer


def _tell_outcome(command: Command, answer: Answer | None, trouble: str) -> str:
    if answer is not None:
        return f"{answer.outcome}: {answer.words}"
    later = "the next start obeys it" if command.tightens else "a node that starts within a minute obeys it"
    words = f"written, but no node of mode {command.mode} has answered: {later}"
    return f"{words} ({trouble})" if trouble else words
