"""`helios journal`: the runs that are kept, what was decided in them, and proof that nothing was changed since."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec
from msgspec import Struct

from helios_nautilus.cli.output import json_option, print_json, print_table, show_time
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.timeframe import NS_PER_SEC, parse_timeframe
from helios_nautilus.errors import ConfigError, JournalError
from helios_nautilus.journal.chain import Row
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.decisions import OUTCOMES, DecisionFilter, StoredDecision
from helios_nautilus.journal.export import Form, export_run
from helios_nautilus.journal.lookup import match_run
from helios_nautilus.journal.protocol import StoredRun

if TYPE_CHECKING:
    from helios_nautilus.journal.postgres import PostgresJournal

_BODY_WIDTH: Final = 100
_time = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.group()
def journal() -> None:
    """What was decided and why: list, read, verify, export and prune the runs that are kept.

    The beginning of a run's id is enough wherever a RUN is asked for.
    """


@journal.command()
@json_option
def runs(as_json: bool) -> None:
    """List the runs, the one recorded last first."""
    with open_journal() as kept:
        found = kept.runs()
    if as_json:
        print_json([_to_line(run) for run in found])
        return
    header = ("run", "mode", "recorded", "data", "from", "to", "rows")
    print_table(f"{len(found)} runs", header, [_to_cells(run) for run in found])


@journal.command()
@click.argument("run")
@click.option("-n", "count", type=click.IntRange(1), default=10, show_default=True, help="How many.")
@json_option
def tail(run: str, count: int, as_json: bool) -> None:
    """Show the last rows of RUN."""
    with open_journal() as kept:
        rows = kept.tail(match_run(kept.runs(), run).run_id, count)
    if as_json:
        print_json([{"seq": row.seq, "kind": row.kind, "body": msgspec.Raw(row.body)} for row in rows])
        return
    cells = [(str(row.seq), show_time(row.ts_event), row.kind.removesuffix("Record"), _words_of(row)) for row in rows]
    print_table("", ("row", "time", "record", "what it says"), cells)


@journal.command()
@click.option("--run", metavar="RUN", help="Of this run only.")
@click.option("--instrument", help="Of this instrument only, e.g. BTCZAR.VALR.")
@click.option("--side", type=click.Choice(list(Side)), help="Where the likelier direction is this.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="That came to this end.")
@click.option("--since", type=_time, metavar="DATE", help="From then on: 2026-01-31 or 2026-01-31T12:00, UTC.")
@click.option("--until", type=_time, metavar="DATE", help="Before then.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@json_option
def decisions(
    run: str | None,
    instrument: str | None,
    side: str | None,
    outcome: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """List decisions, the newest first, and what became of them. `helios why` tells the story of one."""
    with open_journal() as kept:
        wanted = DecisionFilter(
            run_id=None if run is None else match_run(kept.runs(), run).run_id,
            instrument_id=instrument,
            side=side,
            outcome=outcome,
            since_ns=_to_ns(since),
            until_ns=_to_ns(until),
        )
        found = kept.decisions(wanted, limit)
    if as_json:
        print_json(found)
        return
    print_table("", ("decision", "time", "side", "p", "outcome", "reason", "run"), [_decision_cells(d) for d in found])


@journal.command()
@click.argument("run", required=False)
@json_option
def verify(run: str | None, as_json: bool) -> None:
    """Verify the chain of RUN, or of all runs: that no row was changed, added, moved or taken out.

    Exit code 1 if one was; the first such row is named.
    """
    with open_journal() as kept:
        run_ids = kept.run_ids()  # also of a run that has lost its first row
        if run is not None and run not in run_ids:
            run = match_run(kept.runs(), run).run_id
        findings = [_examine(kept, each) for each in (run_ids if run is None else [run])]
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            click.echo(finding.trouble or f"run {finding.run_id}: {finding.rows:,} rows, unbroken")
    if any(finding.trouble for finding in findings):
        click.get_current_context().exit(1)


@journal.command()
@click.argument("run")
@click.option("--format", "form", type=click.Choice(["parquet", "jsonl"]), default="parquet", show_default=True)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="A folder of the run's name is made in it, with one file a table.",
)
@json_option
def export(run: str, form: Form, folder: Path, as_json: bool) -> None:
    """Write RUN to files. They hold bodies and hashes too: what is exported can be verified without the journal."""
    with open_journal() as kept:
        run_id = match_run(kept.runs(), run).run_id
        written = export_run(kept.rows(run_id), folder / run_id, form)
    if as_json:
        print_json(written)
        return
    print_table(str(folder / run_id), ("file", "rows"), [(f"{t}.{form}", f"{n:,}") for t, n in written.items()])


@journal.command()
@click.option("--older-than", "age", required=True, metavar="AGE", help="E.g. 90d, since the run's last row.")
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write every run to files there first, as Parquet.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def prune(age: str, folder: Path | None, yes: bool, as_json: bool) -> None:
    """Take out whole runs that are older than AGE. Each is verified first, and nothing goes if one is broken."""
    before_ns = time.time_ns() - _age_ns(age)
    with open_journal() as kept:
        old = kept.ended_before(before_ns)
        for run in old:
            kept.verify(run.run_id)
        if old and not yes:
            names = ", ".join(run.run_id for run in old)
            click.confirm(f"take out {len(old)} runs for good: {names}?", abort=True, err=True)
        for run in old:
            if folder is not None:
                export_run(kept.rows(run.run_id), folder / run.run_id, "parquet")
            kept.retire(run.run_id)
    if as_json:
        print_json([_to_line(run) for run in old])
        return
    for run in old:
        click.echo(f"{run.run_id}: {run.rows:,} rows taken out")
    if not old:
        click.echo(f"no run is older than {age}")


class _Finding(Struct, frozen=True, kw_only=True):
    """What the verification of a run came to."""

    run_id: str
    rows: int | None = None
    trouble: str | None = None


def _examine(kept: "PostgresJournal", run_id: str) -> _Finding:
    try:
        return _Finding(run_id=run_id, rows=kept.verify(run_id))
    except JournalError as error:
        return _Finding(run_id=run_id, trouble=str(error))


def _to_line(run: StoredRun) -> dict[str, object]:
    return msgspec.structs.asdict(run) | {"head": run.head.hex()}


def _to_cells(run: StoredRun) -> Sequence[str]:
    times = (show_time(ts_ns)[:10] for ts_ns in (run.start_ns, run.end_ns))
    return (run.run_id, run.mode, show_time(run.recorded_ns), run.data_label, *times, f"{run.rows:,}")


def _decision_cells(decision: StoredDecision) -> Sequence[str]:
    return (
        decision.decision_id,
        show_time(decision.ts_event),
        decision.side,
        f"{decision.p_side:.3f}",
        decision.outcome,
        decision.reason,
        decision.run_id,
    )


def _words_of(row: Row) -> str:
    """A row's body without what the other columns say, cut to a line."""
    fields = {name: value for name, value in msgspec.json.decode(row.body).items() if name not in ("type", "ts_ns")}
    text = msgspec.json.encode(fields).decode()
    return text if len(text) <= _BODY_WIDTH else f"{text[:_BODY_WIDTH]}…"


def _to_ns(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp()) * NS_PER_SEC


def _age_ns(age: str) -> int:
    try:
        return parse_timeframe(age)
    except ConfigError:
        raise click.BadParameter(f"'{age}' is no age; write it like 90d or 12h", param_hint="--older-than") from None
