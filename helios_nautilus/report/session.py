"""What the replay of a paper or live run found: how both were made, and how their decisions and trades compare."""

from collections.abc import Iterable

from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.journal.conditions import Conditions, compare_conditions
from helios_nautilus.journal.records import Record
from helios_nautilus.journal.session import SessionComparison, compare_session
from helios_nautilus.report.summary import run_of


class SessionReport(Struct, frozen=True, kw_only=True):
    """A session and the backtest of its minutes, compared."""

    run_id: str
    mode: str
    currency: str
    start_ns: int
    until_ns: int
    is_identical: bool
    conditions: Conditions
    """What the replay was made with that the session was not."""
    comparison: SessionComparison


def report_session(
    recorded: Iterable[Record], replayed: Iterable[Record], until_ns: int, run_id: str | None = None
) -> SessionReport:
    """Compare a session with its replay, which ends at ``until_ns``; ``run_id`` is the id under which it is kept."""
    recorded, replayed = list(recorded), list(replayed)
    run = run_of(recorded)
    comparison = compare_session(recorded, replayed, NS_PER_MIN, until_ns)
    return SessionReport(
        run_id=run_id or run.run_id,
        mode=run.mode,
        currency=run.account_currency,
        start_ns=run.start_ns,
        until_ns=until_ns,
        is_identical=comparison.is_identical,
        conditions=compare_conditions(run, run_of(replayed)),
        comparison=comparison,
    )
