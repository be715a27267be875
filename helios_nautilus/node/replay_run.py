"""A run once more through today's code: its own configuration and market data, and the gate's answers as journalled.

Everything is computed again, but for what a language model said: that is read from the journal, so that no network is
called and an answer that depends on the day cannot be mistaken for a change of the code.
"""

from collections.abc import Iterable, Sequence
from typing import Final, get_args

from helios_nautilus.actors.progress import Progress
from helios_nautilus.config import HeliosConfig, LoadedConfig, read_config
from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.records import GateCallRecord, Record, RunRecord
from helios_nautilus.llm.chain import remote_order
from helios_nautilus.llm.failure import reply_failure
from helios_nautilus.llm.prompt import build_prompt
from helios_nautilus.llm.provider import GateProvider
from helios_nautilus.llm.recorded import missing_call, wording_of
from helios_nautilus.llm.reply import Ending, GateCall, GateReply, answered_reply
from helios_nautilus.node.backtest import run_backtest
from helios_nautilus.node.session_replay import SessionReplay, replay_session

_ENDINGS: Final = get_args(Ending.__value__)
"""Outcomes of a call that brought an answer, whatever it is worth."""


class JournalledAnswers:
    """The gate of a replay: the calls of the first run, found by the hash of the exact question.

    A decision's own calls come first, its failures among them; then any answer that the run has to the same question.

    Parameters
    ----------
    config
        How a question is worded, and what is done about a missing answer.
    records
        Those of the first run.

    """

    name: Final = "journal"

    def __init__(self, config: HeliosConfig, records: Iterable[Record]) -> None:
        self._rules = config.gate
        self._wordings = [wording_of(name, config.llm) for name in remote_order(config.gate, config.llm)]
        self._own: dict[str, list[GateCall]] = {}
        self._answers: dict[str, GateCall] = {}
        for record in records:
            if isinstance(record, GateCallRecord):
                call = _call_of(record)
                self._own.setdefault(record.decision_id, []).append(call)
                if call.outcome in _ENDINGS:
                    self._answers.setdefault(call.request_hash, call)

    def ask(self, context: GateContext) -> GateReply:
        """See `GateProvider`."""
        prompt = build_prompt(context)
        requests = [wording(prompt) for wording in self._wordings]
        hashes = [request.hash for request in requests]
        calls = [call for call in self._own.get(context.decision_id, ()) if call.request_hash in hashes]
        if not calls:
            calls = [self._answers[name] for name in hashes if name in self._answers][:1]
        if not calls:
            calls = [missing_call(requests[0], "the journal")]
        return self._reply(context, calls)

    def _reply(self, context: GateContext, calls: Sequence[GateCall]) -> GateReply:
        if calls[-1].outcome not in _ENDINGS:
            return reply_failure(context, self._rules, tuple(calls))
        return answered_reply(calls, "recorded")


def replay_backtest(
    records: Sequence[Record], loaded: LoadedConfig | None = None, progress: Progress | None = None
) -> list[Record]:
    """The records that today's code makes of a recorded backtest, or with ``loaded`` of another configuration.

    Raises what `run_backtest` raises, and `HeliosError` if the records are not a backtest's.
    """
    run = _run_of(records)
    if run.mode != "backtest":
        raise HeliosError(f"it is a {run.mode} run, not a backtest")
    loaded = recorded_config(run) if loaded is None else loaded
    return list(run_backtest(loaded, progress, provider=_provider(loaded.config, records)).journal)


def replay_live(records: Sequence[Record], loaded: LoadedConfig | None = None) -> SessionReplay:
    """What today's code makes of a paper or live run's minutes, as a backtest. Raises what `replay_session` does."""
    run = _run_of(records)
    loaded = recorded_config(run) if loaded is None else loaded
    return replay_session(records, run, loaded, _provider(loaded.config, records))


def _run_of(records: Sequence[Record]) -> RunRecord:
    run = next((record for record in records if isinstance(record, RunRecord)), None)
    if run is None:
        raise HeliosError("it has no run record")
    return run


def recorded_config(run: RunRecord) -> LoadedConfig:
    """The configuration of a run; `ConfigError` if today's code does not take it."""
    return read_config(run.config_toml, f"the configuration of run {run.run_id}")


def _provider(config: HeliosConfig, records: Iterable[Record]) -> GateProvider | None:
    """The journal's answers where a network would be asked; rules answer again, from today's code."""
    return None if config.gate.provider in ("rules", "off") else JournalledAnswers(config, records)


def _call_of(record: GateCallRecord) -> GateCall:
    return GateCall(**{name: getattr(record, name) for name in GateCall.__struct_fields__})
