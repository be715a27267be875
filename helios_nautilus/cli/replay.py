"""`helios replay`: a recorded run through today's code."""

from pathlib import Path
from typing import Final

import click
from rich.console import Console

from helios_nautilus.cli.output import console, print_json
from helios_nautilus.config import load_config
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.lookup import match_run
from helios_nautilus.node.replay_run import replay_backtest, replay_live
from helios_nautilus.report.replay import ReplayReport, report_replay
from helios_nautilus.report.replay_terminal import print_replay
from helios_nautilus.report.session import SessionReport, report_session
from helios_nautilus.report.session_terminal import print_session

_DIFFERENT: Final = 1
_IMPOSSIBLE: Final = 2
_WIDE: Final = 160
"""A pipe's width for a line a trade."""


@click.command()
@click.argument("run")
@click.option(
    "--config", type=click.Path(path_type=Path), help="Replay with these settings instead of the recorded ones."
)
@click.option("--json", "as_json", is_flag=True, help="Print every difference as JSON and nothing else.")
@click.pass_context
def replay(ctx: click.Context, run: str, config: Path | None, as_json: bool) -> None:
    """Run a recorded run again and name every difference, with its tier and its cause.

    RUN is a run's id, or the beginning of it. A backtest is run as it was; a paper or live run as a backtest of the
    same minutes, whose candles are fetched first, and compared trade by trade. What a language model answered is taken
    from the journal. Exit code 0: identical; 1: different; 2: it could not be replayed.
    """
    try:
        report = _replay(run, config)
    except (HeliosError, OSError) as error:
        click.echo(f"helios: cannot replay {run}: {error}", err=True)
        ctx.exit(_IMPOSSIBLE)
    if as_json:
        print_json(report)
    elif isinstance(report, SessionReport):
        print_session(report, console(_WIDE))
    else:
        print_replay(report, console())
    if not report.is_identical:
        ctx.exit(_DIFFERENT)


def _replay(prefix: str, config: Path | None) -> ReplayReport | SessionReport:
    loaded = None if config is None else load_config(config)
    with open_journal() as journal:
        run = match_run(journal.runs(), prefix)
        before = journal.records(run.run_id)
    with Console(stderr=True).status(f"running {run.run_id} again"):
        if run.mode == "backtest":
            return report_replay(before, replay_backtest(before, loaded), run.run_id)
        again = replay_live(before, loaded)
        return report_session(before, again.records, again.until_ns, run.run_id)
