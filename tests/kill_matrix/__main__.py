"""The campaign: ``python -m tests.kill_matrix --kills 50 --seed 1``; exit code 1 if anything is wrong.

Needs the recorded minutes of ../shared/data. The journal is in a home of its own, which goes with a campaign that was
clean; what the nodes printed and logged, and the outcome as JSON, stay in ``reports/kill-matrix``.
"""

import asyncio
import shutil
import sys
from pathlib import Path

import click
import msgspec

from tests.home import open_home
from tests.kill_matrix.campaign import Killed, Outcome, play
from tests.kill_matrix.market import PLAN
from tests.kill_matrix.moments import Kind, draw_moments
from tests.soak.market import is_recorded

REPORTS = Path(__file__).parents[2] / "reports" / "kill-matrix"


@click.command()
@click.option("--kills", default=50, show_default=True, help="How many.")
@click.option("--seed", default=1, show_default=True, help="Of the moments and of the market's book.")
@click.option("--only", type=click.Choice([kind.name for kind in Kind]), help="Moments of this kind alone.")
def main(kills: int, seed: int, only: str | None) -> None:
    """Kill a live node time and again, and see after each start that nothing is lost, doubled or without a stop."""
    if not is_recorded():
        raise click.ClickException("the recorded minutes are not here (../shared/data)")
    folder = REPORTS / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    outcomes: list[Outcome] = []
    home = open_home("kill-matrix", lambda: any(each.is_clean for each in outcomes))
    moments = draw_moments(seed, kills, PLAN.speed, None if only is None else Kind[only])
    outcomes.append(outcome := asyncio.run(play(folder, seed, moments, _tell)))
    if (logs := home / "logs").exists():  # no node may have come so far
        shutil.copytree(logs, folder / "logs")
    (folder / "outcome.json").write_bytes(msgspec.json.format(msgspec.json.encode(outcome)))
    _sum_up(outcome)
    if not outcome.is_clean:
        click.echo(f"the journal is kept: HELIOS_HOME={home}")
        sys.exit(1)


def _tell(killed: Killed) -> None:
    click.echo(
        f"{killed.number:3}  {'FAIL' if killed.mistakes else 'ok  '}  {killed.kind:<28} "
        f"{'' if killed.came else 'MISSED, '}{killed.held} held, {killed.latch}; "
        f"ready after {killed.ready_secs:.1f} s, {killed.guarded} guarded {killed.guarded_secs:.2f} s later"
    )
    for mistake in killed.mistakes:
        click.echo(f"       {mistake}")


def _sum_up(outcome: Outcome) -> None:
    click.echo(
        f"\n{'moment':<30}{'kills':>6}{'missed':>8}{'held':>6}{'guarded':>9}{'failed':>8}"
        f"{'ready s':>9}{'guarded s':>11}{'flat s':>8}"
    )
    for kind in Kind:
        if kills := [killed for killed in outcome.kills if killed.kind is kind]:
            click.echo(
                f"{kind:<30}{len(kills):>6}{sum(not each.came for each in kills):>8}"
                f"{sum(each.held for each in kills):>6}{sum(each.guarded for each in kills):>9}"
                f"{sum(bool(each.mistakes) for each in kills):>8}"
                f"{max(each.ready_secs for each in kills):>9.1f}{max(each.guarded_secs for each in kills):>11.2f}"
                f"{max(each.flat_secs for each in kills):>8.1f}"
            )
    click.echo(", ".join(f"{count} {name}" for name, count in outcome.counts.items()))
    for mistake in outcome.mistakes:
        click.echo(f"MISTAKE {mistake}")
    click.echo("clean" if outcome.is_clean else f"not clean; see {outcome.folder}")


if __name__ == "__main__":
    main()
