"""`helios retrain`: new models at regular dates, promoted only through the gate."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from helios_nautilus.cli.output import json_option, print_json, show_time
from helios_nautilus.config import load_config
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.models.progress import Ticker
from helios_nautilus.models.schedule import Cadence
from helios_nautilus.node.retrain import Outcome
from helios_nautilus.node.retrain import retrain as bring_up

_DEFAULT = Cadence()


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--every", default=_DEFAULT.every, show_default=True, help="Time from one training to the next.")
@click.option("--window", default=_DEFAULT.window, show_default=True, help="Data that each is trained and judged on.")
@click.option(
    "--allowance",
    default=_DEFAULT.allowance,
    show_default=True,
    help="Time that training may take: a model can be in charge no sooner after the end of its data.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    metavar="DATE",
    help="When the first is wanted; without it the start of the backtest.",
)
@json_option
def retrain(config: Path, every: str, window: str, allowance: str, since: datetime | None, as_json: bool) -> None:
    """Train CONFIG's model anew at every date that its catalogue reaches, and promote what passes the gate.

    What an earlier call has trained is kept. A run with model.follow = "history" then takes at each decision the model
    that was in charge by then.
    """
    settings = load_config(config).config
    since_ns = settings.backtest.start_ns
    if since is not None:
        since_ns = int(since.replace(tzinfo=UTC).timestamp()) * NS_PER_SEC
    cadence = Cadence(every=every, window=window, allowance=allowance)
    ticker = Ticker(lambda words: click.echo(words, err=True), None if as_json else sys.stderr)
    outcomes = []
    for outcome in bring_up(settings, cadence, since_ns=since_ns, created_ns=time.time_ns(), watcher=ticker):
        outcomes.append(outcome)
        if not as_json:
            click.echo(_to_line(outcome))
    if as_json:
        print_json(outcomes)
    else:
        promoted = sum(outcome.promoted for outcome in outcomes)
        click.echo(f"{promoted} of {len(outcomes)} promoted as {settings.model.pointer} of {settings.model.registry}")


def _to_line(outcome: Outcome) -> str:
    made = {"now": "trained", "earlier": "kept", "not": "not trained"}[outcome.made]
    if outcome.promoted:
        return f"{outcome.name}: {made}, in charge from {show_time(outcome.ready_ns)} on"
    return f"{outcome.name}: {made}, not promoted: {'; '.join(outcome.objections)}"
