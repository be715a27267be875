"""The campaign: ``python -m tests.soak paper --secs 3600``; exit code 1 if anything is wrong.

Needs the recorded minutes of ../shared/data. The journal is in a home of its own, which goes with a soak that was
clean; what the node printed and logged, and the outcome as JSON, stay in ``reports/soak``.
"""

import asyncio
import shutil
import sys
from pathlib import Path

import click
import msgspec

from tests.home import open_home
from tests.soak.market import SPEED, Plan, is_recorded
from tests.soak.run import Kind, Outcome, soak

REPORTS = Path(__file__).parents[2] / "reports" / "soak"


@click.command()
@click.argument("kind", type=click.Choice(["paper", "live"]))
@click.option("--secs", default=3600.0, show_default=True, help="How long the node trades, in your seconds.")
@click.option("--speed", default=SPEED, show_default=True, help="Venue seconds per second.")
@click.option("--seed", default=1, show_default=True, help="Of the faults and of the market's book.")
@click.option("--days", default=14, show_default=True, help="Of recorded past before the opening, to train on.")
def main(kind: Kind, secs: float, speed: float, seed: int, days: int) -> None:
    """Trade recorded minutes through scripted faults, then hold the node's journal against what was true."""
    if not is_recorded():
        raise click.ClickException("the recorded minutes are not here (../shared/data)")
    folder = REPORTS / f"{kind}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    outcomes: list[Outcome] = []
    home = open_home("soak", lambda: any(not each.mistakes for each in outcomes))
    outcomes.append(outcome := asyncio.run(soak(kind, folder, Plan(past_days=days, speed=speed), secs=secs, seed=seed)))
    shutil.copytree(home / "logs", folder / "logs", dirs_exist_ok=True)
    (folder / "outcome.json").write_bytes(msgspec.json.format(msgspec.json.encode(outcome)))
    _show(outcome)
    if outcome.mistakes:
        click.echo(f"  the journal is kept: HELIOS_HOME={home}")
        sys.exit(1)


def _show(outcome: Outcome) -> None:
    hours = outcome.secs * outcome.speed / 3600
    click.echo(f"{outcome.kind} soak, seed {outcome.seed}: {outcome.secs:g} s, {hours:.1f} h of market")
    for name, value in {**outcome.counts, **outcome.figures}.items():
        click.echo(f"  {name:<28} {value:12,.6g}")
    struck = " ".join(f"{kind}={count}" for kind, count in sorted(outcome.strikes.items()))
    click.echo(f"  faults that struck: {struck}")
    if outcome.replay:
        click.echo(f"  replay: {outcome.replay}")
    for mistake in outcome.mistakes:
        click.echo(f"  MISTAKE {mistake}")
    click.echo("  clean" if not outcome.mistakes else f"  {len(outcome.mistakes)} mistakes; see {outcome.folder}")


if __name__ == "__main__":
    main()
