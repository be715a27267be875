"""The campaign: ``python -m tests.chaos_journal``; see "The writer" in docs/journal.md."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from tests.chaos_journal.run import Plan, Report, Trial


@click.command()
@click.option("--secs", default=300.0, show_default=True, help="How long.")
@click.option("--rate", default=100.0, show_default=True, help="Records a second.")
@click.option("--seed", default=1, show_default=True, help="Of the moments to strike at.")
@click.option("--secs-between-kills", default=30.0, show_default=True, help="On average.")
@click.option("--secs-between-outages", default=20.0, show_default=True, help="On average.")
@click.option("--outage-secs", default=6.0, show_default=True, help="On average.")
def main(**plan: float) -> None:
    """Kill the journal's writer and stop its PostgreSQL while it writes; then count every row."""
    with TemporaryDirectory(prefix="helios-journal-") as folder:
        report = Trial(Plan(**plan), Path(folder), syncs=True).play()  # type: ignore[arg-type]
    _tell(report)


def _tell(report: Report) -> None:
    outages = ", ".join(f"{count} {kind}" for kind, count in sorted(report.outages.items()))
    click.echo(f"{report.appended} records appended, {report.kept} said to be kept, {report.rows} rows found")
    click.echo("of those kept none is lost; none is there twice, all are in order, every chain verifies")
    click.echo(f"{report.kills} kills; outages: {outages}")
    for words, took_ns in (
        ("append, database up", report.up_ns),
        ("append, database away", report.down_ns),
        ("append to a list, for comparison", report.bare_ns),
    ):
        p50, p99, most = np.percentile(took_ns, (50, 99, 100)) / 1e3 if took_ns else (np.nan,) * 3
        click.echo(f"{words}: p50 {p50:.1f} us, p99 {p99:.1f} us, max {most / 1e3:.1f} ms ({len(took_ns)} calls)")


if __name__ == "__main__":
    main()
