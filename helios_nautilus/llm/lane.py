"""One provider's place in the chain: it asks its model within the time, the budget and the breaker, and accounts for
every call.
"""

import asyncio
from typing import Final

from msgspec import Struct

from helios_nautilus.domain.decision.tokens import estimate_tokens
from helios_nautilus.llm.breaker import Breaker
from helios_nautilus.llm.budget import DailyBudget
from helios_nautilus.llm.prices import Prices
from helios_nautilus.llm.provider import RemoteModel
from helios_nautilus.llm.reply import MAYBE_CHARGED, RETRYABLE, CallFailed, GateCall, ModelReply, Usage
from helios_nautilus.llm.request import GateRequest

_BACKOFF_SECS: Final = 0.25
"""Before the second attempt where the provider does not say how long; twice as long before each further one."""
_MARGIN_SECS: Final = 0.001
"""A timer may go off a little early, and a rest is not to be cut short."""


class Attempt(Struct, frozen=True):
    """One call and what came of it: a reply or a failure."""

    call: GateCall
    reply: ModelReply | None = None
    failure: CallFailed | None = None


class Lane:
    """Asks one model, again if that may help.

    Parameters
    ----------
    model
        Who is asked.
    prices
        What it costs.
    max_tokens
        The most it may say.
    attempts
        How often one question is put to it.
    breaker
        Its own.
    budget, slots
        Shared by all lanes.

    """

    def __init__(
        self,
        model: RemoteModel,
        prices: Prices,
        max_tokens: int,
        attempts: int,
        breaker: Breaker,
        budget: DailyBudget,
        slots: asyncio.Semaphore,
    ) -> None:
        self.model = model
        self._prices = prices
        self._max_tokens = max_tokens
        self._attempts = attempts
        self._breaker = breaker
        self._budget = budget
        self._slots = slots

    def at_most(self, request: GateRequest) -> float:
        """US dollars that one call with this request can cost."""
        return self._prices.at_most(estimate_tokens(request.canonical().decode()), self._max_tokens)

    async def ask(self, request: GateRequest, until: float) -> list[Attempt]:
        """The attempts, the last of which has the reply if there is one; over at ``until`` by the loop's clock."""
        made: list[Attempt] = []
        for number in range(self._attempts):
            attempt = await self._attempt(request, until)
            made.append(attempt)
            failure = attempt.failure
            if failure is None or failure.code not in RETRYABLE or number + 1 == self._attempts:
                break
            pause = failure.retry_after_secs
            pause = _BACKOFF_SECS * 2**number if pause is None else pause + _MARGIN_SECS
            if asyncio.get_running_loop().time() + pause >= until:
                break
            await asyncio.sleep(pause)
        return made

    async def _attempt(self, request: GateRequest, until: float) -> Attempt:
        """One attempt in a slot of its own."""
        busy = CallFailed("busy", "too many questions were under way")
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            return self._unsent(request, busy)
        try:
            # A slot that comes at the last moment comes too late.
            is_late = asyncio.get_running_loop().time() >= until
            return self._unsent(request, busy) if is_late else await self._spend(request, until)
        finally:
            self._slots.release()

    async def _spend(self, request: GateRequest, until: float) -> Attempt:
        """One attempt, if there is money for it and the breaker lets it through."""
        most = self.at_most(request)
        reservation = self._budget.reserve(most)
        if reservation is None:
            return self._unsent(request, CallFailed("over_budget", "the budget of the day is spent"))
        if not self._breaker.admits():
            self._budget.release(reservation)
            return self._unsent(request, CallFailed("breaker_open", f"{self.model.name} is left alone for a while"))
        attempt = await self._send(request, until, most)
        self._budget.settle(reservation, attempt.call.cost_usd)
        return attempt

    async def _send(self, request: GateRequest, until: float, most: float) -> Attempt:
        """One attempt over the network."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout_at(until):
                reply = await self.model.send(request, until - started)
        except TimeoutError:
            failure = CallFailed("timeout", f"{self.model.name} did not answer in time")
        except CallFailed as error:
            failure = error
        except BaseException:
            # Cancelled, with the money set aside as spent: nobody knows what the provider did.
            self._breaker.failed()
            raise
        else:
            self._breaker.succeeded()
            return self._answered(request, reply, most, 1000.0 * (loop.time() - started))
        self._breaker.failed(failure.retry_after_secs or 0.0)
        cost = most if failure.code in MAYBE_CHARGED else 0.0
        return self._failed(request, failure, cost, 1000.0 * (loop.time() - started))

    def _answered(self, request: GateRequest, reply: ModelReply, most: float, latency_ms: float) -> Attempt:
        usage = reply.usage or Usage()
        call = GateCall(
            provider=self.model.name,
            model=reply.model,
            source="live",
            request_hash=request.hash,
            request=request.canonical().decode(),
            answer=reply.text,
            outcome=reply.ending,
            words=reply.words,
            latency_ms=latency_ms,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            cost_usd=most if reply.usage is None else self._prices.cost(usage),
        )
        return Attempt(call, reply=reply)

    def _unsent(self, request: GateRequest, failure: CallFailed) -> Attempt:
        return self._failed(request, failure, 0.0, 0.0)

    def _failed(self, request: GateRequest, failure: CallFailed, cost: float, latency_ms: float) -> Attempt:
        call = GateCall(
            provider=self.model.name,
            model=self.model.model,
            source="failed",
            request_hash=request.hash,
            request=request.canonical().decode(),
            outcome=failure.code,
            words=str(failure),
            latency_ms=latency_ms,
            cost_usd=cost,
        )
        return Attempt(call, failure=failure)
