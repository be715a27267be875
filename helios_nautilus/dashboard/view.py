"""What the dashboard sees of one mode: bounded questions to the journal, answered with the structs of `shown`."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from helios_nautilus.dashboard.metrics import Account, Known, Mark, Price, Sizing, measure
from helios_nautilus.dashboard.shown import (
    DecisionStory,
    EquityCurve,
    EquityPoint,
    Level,
    Metrics,
    Positions,
    ShownCommand,
    ShownDecision,
    ShownEvent,
    ShownPrediction,
    ShownRebalance,
    ShownTrade,
    Span,
    Status,
)
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_SEC
from helios_nautilus.errors import JournalError
from helios_nautilus.journal.command_rows import CommandRows
from helios_nautilus.journal.lookup import Match, describe_others
from helios_nautilus.journal.postgres import PostgresJournal
from helios_nautilus.journal.records import Mode, RebalanceRecord
from helios_nautilus.journal.standing import StandingReader
from helios_nautilus.journal.status import NodeStatus
from helios_nautilus.report.story import tell_story
from helios_nautilus.report.wording import phrase

LATE_AFTER_SECS: Final = 5.0
"""A status that is older is stale."""
STOPPED_AFTER_SECS: Final = 30.0
"""And its node counts as not running."""
_POINTS: Final = 300
"""Of a curve."""
_SPANS: Final[dict[Span, int]] = {"1H": NS_PER_HOUR, "4H": 4 * NS_PER_HOUR, "1D": NS_PER_DAY}
_RISK_DAYS: Final = 90
_BETA_HOURS: Final = 7 * 24
_SEARCHED_NS: Final = 30 * NS_PER_DAY
"""How far back decisions of one outcome are looked for."""
END: Final = 2**63 - 1
"""A stamp later than all."""
_LEVELS: Final[dict[str, Level]] = {
    "HALT": "critical",
    "REDUCE_ONLY": "warning",
    "journal_records_lost": "critical",
    "journal_record_refused": "warning",
    "drift": "warning",
    "not_ready": "warning",
}
"""Of the kill switch's states and of kinds of events; what is not named is for information."""


class View:
    """One mode, paper or live, as the journal has it.

    Any thread may ask. Every method blocks (from asyncio: ``await asyncio.to_thread(view.status)``) and raises
    `JournalError` where the database cannot be had. Lists have the newest first; ``before_ns`` pages through them.
    """

    def __init__(self, reader: StandingReader, mode: Mode, clock: Callable[[], int] = time.time_ns) -> None:
        self._reader = reader
        self._mode = mode
        self._clock = clock

    @property
    def mode(self) -> Mode:
        """The mode that is watched."""
        return self._mode

    def status(self) -> Status:
        """How the node is."""
        with self._reader.connection() as connection:
            node = CommandRows(connection).status(self._mode)
        return describe_status(self._mode, node, self._clock())

    def positions(self) -> Positions:
        """What the node holds, as it said last."""
        status = self.status()
        if status.node is None:
            return Positions(ts_ns=0, is_stale=True, positions=())
        return Positions(ts_ns=status.node.ts_ns, is_stale=status.is_stale, positions=status.node.positions)

    def metrics(self) -> Metrics:
        """The account and its risk."""
        now_ns, status, account = self._clock(), self.status(), self._account()
        node = None if status.is_stale else status.node
        sizing = self._newest("watch_sizing", Sizing, mode=self._mode)
        if account is None:
            return measure(self._mode, now_ns, Known(node=node, account=None, last=None, sizing=sizing))
        of_account = {"mode": self._mode, "run_ids": account.run_ids}
        days, hours = _stretches(now_ns, NS_PER_DAY, _RISK_DAYS), _stretches(now_ns, NS_PER_HOUR, _BETA_HOURS)
        known = Known(
            node=node,
            account=account,
            last=self._newest("watch_last_mark", Mark, **of_account),
            days=self._reader.ask("watch_equity", Mark, **of_account, **days),
            hours=self._reader.ask("watch_equity", Mark, **of_account, **hours),
            bitcoin=self._reader.ask("watch_bitcoin", Price, mode=self._mode, **hours),
            sizing=sizing,
        )
        return measure(self._mode, now_ns, known)

    def equity(self, span: Span) -> EquityCurve:
        """Equity over a span until now: at most some 300 points, each the last mark of its stretch of time."""
        now_ns, account = self._clock(), self._account()
        length_ns = _SPANS.get(span)
        if account is None or account.first_ns is None:
            currency = account.currency if account is not None else ""
            return EquityCurve(span=span, currency=currency, since_ns=now_ns - (length_ns or 0), points=())
        since_ns = account.first_ns if length_ns is None else now_ns - length_ns
        width_ns = max((now_ns - since_ns) // _POINTS + 1, NS_PER_SEC)
        stretches = {"since_ns": since_ns, "until_ns": now_ns, "width_ns": width_ns}
        marks = self._reader.ask("watch_equity", Mark, mode=self._mode, run_ids=account.run_ids, **stretches)
        points = (EquityPoint(ts_ns=mark.ts_ns, equity=mark.equity, drawdown=mark.drawdown) for mark in marks)
        return EquityCurve(span=span, currency=account.currency, since_ns=since_ns, points=tuple(points))

    def predictions(self, count: int = 100, *, since_ns: int = 0, before_ns: int = END) -> list[ShownPrediction]:
        """Predictions from ``since_ns`` on, with their outcomes."""
        values = {"mode": self._mode, "since_ns": since_ns, "before_ns": before_ns, "count": count}
        return self._reader.ask("watch_predictions", ShownPrediction, **values)

    def decisions(self, count: int = 50, *, outcome: str | None = None, before_ns: int = END) -> list[ShownDecision]:
        """What became of predictions, and why; one outcome is looked for in the last thirty days."""
        since_ns = 0 if outcome is None else self._clock() - _SEARCHED_NS
        values = {"mode": self._mode, "outcome": outcome, "since_ns": since_ns, "before_ns": before_ns, "count": count}
        found = self._reader.ask("watch_decisions", _Decided, **values)
        return [ShownDecision(**asdict(each), words=_reason_words(each.reason)) for each in found]

    def story(self, name: str) -> DecisionStory | None:
        """The whole story of the decision that a decision, order, position or trade id names; None if none does.

        Of this mode's newest run that has it: a replay of that run, and a live node beside a paper one, name theirs
        alike.
        """
        with self._reader.connection() as connection:
            journal = PostgresJournal(connection)
            for run_id, named in groupby(journal.find(name), key=attrgetter("run_id")):
                if (run := journal.run_record(run_id)).mode == self._mode:
                    *others, found = named
                    also = describe_others(Match(found=found, others=tuple(others)))
                    records = journal.decision(run_id, found.decision_id)
                    return DecisionStory(**asdict(tell_story(run, records, run_id, also)))
        return None

    def trades(self, count: int = 100, *, before_ns: int = END) -> list[ShownTrade]:
        """Closed positions."""
        return self._reader.ask("watch_trades", ShownTrade, mode=self._mode, before_ns=before_ns, count=count)

    def events(self, count: int = 100, *, before_ns: int = END) -> list[ShownEvent]:
        """Engine events and changes of the kill switch."""
        found = self._reader.ask("watch_events", _Happened, mode=self._mode, before_ns=before_ns, count=count)
        return [_to_event(each) for each in found]

    def commands(self, count: int = 50) -> list[ShownCommand]:
        """What operators ordered, and what the node made of it."""
        with self._reader.connection() as connection:
            found = CommandRows(connection).recent(self._mode, count)
        return [ShownCommand(command=command, answer=answer) for command, answer in found]

    def rebalances(self, count: int = 50) -> list[ShownRebalance]:
        """Comparisons of the portfolio with its target weights."""
        found = self._reader.ask("watch_rebalances", _Kept, mode=self._mode, count=count)
        return [_to_rebalance(each) for each in found]

    def _account(self) -> Account | None:
        return self._newest("watch_account", Account, mode=self._mode)

    def _newest[T](self, query: str, kind: type[T], **values: object) -> T | None:
        return next(iter(self._reader.ask(query, kind, **values)), None)


class _Decided(Struct, frozen=True, kw_only=True):
    """A row of ``watch_decisions``."""

    run_id: str
    decision_id: str
    ts_ns: int
    instrument_id: str
    side: str
    p_side: float
    outcome: str
    reason: str
    aether: str
    gate: str
    guardian: str


class _Happened(Struct, frozen=True, kw_only=True):
    """A row of ``watch_events``; ``state`` is the kill switch's, or empty."""

    run_id: str
    ts_ns: int
    kind: str
    words: str
    state: str
    instrument_id: str
    decision_id: str


class _Kept(Struct, frozen=True, kw_only=True):
    """A record as its JSON."""

    run_id: str
    body: str


def is_gone(node: NodeStatus, now_ns: int) -> bool:
    """It has said nothing for so long that it counts as not running."""
    return now_ns - node.ts_ns > STOPPED_AFTER_SECS * NS_PER_SEC


def describe_status(mode: Mode, node: NodeStatus | None, now_ns: int) -> Status:
    """A node's own words with their age."""
    if node is None:
        words = f"no node of mode {mode} has run yet: 'helios {mode} CONFIG' starts one"
        return Status(mode=mode, now_ns=now_ns, node=None, age_secs=None, is_stale=True, is_running=False, words=words)
    age_secs = max(now_ns - node.ts_ns, 0) / NS_PER_SEC
    is_running = not is_gone(node, now_ns)
    is_stale = age_secs > LATE_AFTER_SECS
    if not is_running:
        words = f"not running since {_moment(node.ts_ns)} UTC"
    elif is_stale:
        words = f"silent for {age_secs:.0f} s"
    else:
        words = "running, ready for entries" if node.is_ready else "running, not ready for entries"
    return Status(
        mode=mode, now_ns=now_ns, node=node, age_secs=age_secs, is_stale=is_stale, is_running=is_running, words=words
    )


def _stretches(now_ns: int, width_ns: int, count: int) -> dict[str, int]:
    """The last whole stretches of time and the one that is under way."""
    until_ns = now_ns // width_ns * width_ns
    return {"since_ns": until_ns - count * width_ns, "until_ns": until_ns, "width_ns": width_ns}


def _reason_words(code: str) -> str:
    """Guardian's reason names every check that was not passed."""
    return "; ".join(phrase(part) for part in code.split("+"))


def _to_event(row: _Happened) -> ShownEvent:
    return ShownEvent(
        run_id=row.run_id,
        ts_ns=row.ts_ns,
        level=_LEVELS.get(row.state or row.kind, "info"),
        kind=row.kind,
        words=row.words,
        instrument_id=row.instrument_id,
        decision_id=row.decision_id,
    )


def _to_rebalance(row: _Kept) -> ShownRebalance:
    try:
        record = msgspec.json.decode(row.body, type=RebalanceRecord)
    except msgspec.MsgspecError as error:
        raise JournalError(f"run {row.run_id} holds a row that is no record: {error}") from error
    return ShownRebalance(
        run_id=row.run_id,
        ts_ns=record.ts_ns,
        reason=record.reason,
        equity=record.equity,
        cash=record.cash,
        changes=record.changes,
    )


def _moment(ts_ns: int) -> str:
    return f"{datetime.fromtimestamp(ts_ns / NS_PER_SEC, UTC):%Y-%m-%d %H:%M:%S}"
