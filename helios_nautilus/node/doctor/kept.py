"""What Helios keeps at home: the journal, its last run, the rows that wait in its spool, the kill switch."""

from pathlib import Path
from typing import Final

from helios_nautilus.domain.portfolio.kill_switch import KillState
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.kill_file import KillFile
from helios_nautilus.journal.spool import find_leftovers
from helios_nautilus.node.doctor.examination import Finding, fail, ok, warn

_MOST_ROWS: Final = 100_000
"""More are not read here: it would take longer than anyone waits for a doctor."""


def check_journal(*, is_own: bool) -> Finding:
    """The database answers, its server being started and its schema brought up to date; ``is_own`` if it is ours."""
    with open_journal() as journal:
        count = len(journal.run_ids())
    where = "its own server" if is_own else "the database of HELIOS_DATABASE_URL"
    return ok(f"{where} answers, schema up to date, {count:,} runs")


def check_last_run() -> Finding:
    """The chain of the run recorded last."""
    with open_journal() as journal:
        runs = journal.runs()
        if not runs:
            return ok("none is kept yet")
        last = runs[0]
        if last.rows > _MOST_ROWS:
            return warn(f"{last.run_id} is too long to be verified here", f"helios journal verify {last.run_id}")
        return ok(f"{last.run_id}: {journal.verify(last.run_id):,} rows, unbroken")


def check_kill_switch(path: Path) -> Finding:
    """Where the kill switch stands that outlived the last run."""
    status = KillFile(path).load()
    if status.state is KillState.NORMAL:
        return ok("the switch stands at NORMAL")
    return fail(
        f"{status.state}, by {status.trigger}: {status.words}",
        "see what happened, then 'helios resume --why ...' while the node runs",
    )


def check_spool(spool: Path) -> Finding:
    """Rows that never reached the database: those the next run brings there, and those that wait for a human."""
    left = find_leftovers(spool)
    if left.apart:
        names = " and ".join(map(str, left.apart))
        return fail(
            f"the journal lacks the rows in {names}", "read 'The writer' in docs/journal.md, then move them away"
        )
    if left.waiting_bytes:
        return warn(f"{left.waiting_bytes:,} bytes of a killed run wait", "the next paper or live run stores them")
    return ok("empty")
