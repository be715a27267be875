"""Fills a cassette with a model's answers to the entries of a backtest, within a budget.

The backtest runs with the model at its gate: each answer decides what is proposed next, so the questions are just those
that a later run asks. What was recorded before is not asked again; an interrupted recording goes on where it was.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final, Self

from msgspec import Struct
from msgspec.structs import replace

from helios_nautilus.config import LoadedConfig
from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.errors import GateError
from helios_nautilus.llm.budget import DailyBudget, Spent
from helios_nautilus.llm.cassette import Cassette
from helios_nautilus.llm.chain import build_remote, remote_order
from helios_nautilus.llm.provider import GateProvider, RemoteGateProvider
from helios_nautilus.llm.recorded import RecordedProvider, wording_of
from helios_nautilus.llm.reply import GateReply, sent_calls
from helios_nautilus.llm.request import RemoteName
from helios_nautilus.node.backtest import run_backtest

_DEADLINE_MS: Final = 60_000
"""What is recorded is what a model says, not how fast it was: a recording waits longer than a trade could."""
_ATTEMPTS: Final = 5
_HOPELESS: Final = frozenset({"unauthorised", "bad_request", "over_budget"})
"""Failures that every other question would meet as well."""
_FAILURES_IN_A_ROW: Final = 3


class Recording(Struct, frozen=True, kw_only=True):
    """How far a recording is, or came."""

    entries: int = 0
    """Questions of the backtest so far."""
    known: int = 0
    """Answered before."""
    recorded: int = 0
    """Answered now."""
    missing: int = 0
    """Not answered: the run went by ``on_failure``, so what follows may be another run than it will be."""
    calls: int = 0
    """Requests that went out, failed ones included."""
    spent_usd: float = 0.0
    stopped: str = ""
    """Why nothing was asked any more, in words; empty if all was."""


type Told = Callable[[Recording, GateContext], None]


def record_gate(
    loaded: LoadedConfig,
    provider: RemoteName,
    limit: Spent,
    environ: Mapping[str, str],
    tell: Told = lambda _recording, _context: None,
) -> Recording:
    """Run the backtest with a model at its gate and keep every answer; ``tell`` hears of each entry.

    Raises `ConfigError` if the key or the client package is missing, before anything runs.
    """
    config = loaded.config
    cassette = Cassette(config.llm.cassette)
    rules = replace(config.gate, provider=provider, deadline_ms=_DEADLINE_MS)
    settings = replace(config.llm, attempts=_ATTEMPTS)
    started_ns = time.time_ns()
    # The clock of the budget stands still: it is that of the recording, not of a day.
    budget = DailyBudget(limit, lambda: started_ns)
    remote = build_remote(rules, settings, environ, time.time_ns, budget=budget, cassette=cassette)
    wordings = [wording_of(each, settings) for each in remote_order(rules, settings)]
    with Recorder(remote, RecordedProvider(rules, wordings, cassette), tell) as recorder:
        run_backtest(loaded, provider=recorder)
        return recorder.recording


class Recorder:
    """A `GateProvider` that waits for a remote one: the engine's time stands still meanwhile.

    Parameters
    ----------
    remote
        Who is asked, with the cassette that takes its answers.
    rest
        Who answers once there is no use in asking any more.
    tell
        Hears of each entry.

    """

    name: Final = "recorder"

    def __init__(self, remote: RemoteGateProvider, rest: GateProvider, tell: Told) -> None:
        self.recording = Recording()
        self._remote = remote
        self._rest = rest
        self._tell = tell
        self._runner = asyncio.Runner()
        self._failed_in_a_row = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.run(self._remote.close())
        self._runner.close()

    def ask(self, context: GateContext) -> GateReply:
        """See `GateProvider`."""
        reply = self._rest.ask(context) if self.recording.stopped else self._ask_remote(context)
        self.recording = _count(self.recording, reply)
        self._tell(self.recording, context)
        return reply

    def _ask_remote(self, context: GateContext) -> GateReply:
        try:
            reply = self._runner.run(self._remote.ask(context))
        except GateError as error:  # the cassette cannot be written to
            self.recording = replace(self.recording, stopped=str(error))
            return self._rest.ask(context)
        is_failure = reply.source not in ("live", "recorded")
        self._failed_in_a_row = self._failed_in_a_row + 1 if is_failure else 0
        if is_failure:
            last = reply.calls[-1]
            if last.outcome in _HOPELESS or self._failed_in_a_row == _FAILURES_IN_A_ROW:
                words = "the budget of the recording is spent" if last.outcome == "over_budget" else last.words
                self.recording = replace(self.recording, stopped=words)
        return reply


def _count(recording: Recording, reply: GateReply) -> Recording:
    sent = sent_calls(reply.calls)
    return replace(
        recording,
        entries=recording.entries + 1,
        known=recording.known + (reply.source == "recorded"),
        recorded=recording.recorded + (reply.source == "live"),
        missing=recording.missing + (reply.source not in ("live", "recorded")),
        calls=recording.calls + len(sent),
        spent_usd=recording.spent_usd + sum(call.cost_usd for call in sent),
    )
