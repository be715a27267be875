"""The campaign: ``python -m tests.chaos --seeds 200``; see "Chaos" in docs/valr.md."""

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import click

from tests.chaos.run import Outcome, play_seed


@click.command()
@click.option("--seeds", default=200, show_default=True, help="How many.")
@click.option("--first", default=1, show_default=True, help="The first of them.")
@click.option("--jobs", default=4, show_default=True, help="How many run at once; they wait more than they work.")
@click.option("--secs-per-seed", default=5.0, show_default=True, help="How long a node trades.")
def main(seeds: int, first: int, jobs: int, secs_per_seed: float) -> None:
    """Trade through scripted faults, a seed a run, and hold the node's books against the exchange's ledger."""
    started_at = time.monotonic()
    outcomes = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        runs = [pool.submit(play_seed, seed, secs_per_seed) for seed in range(first, first + seeds)]
        for run in as_completed(runs):
            outcomes.append(run.result())
            _tell(outcomes[-1], secs_per_seed)
    _sum_up(outcomes, time.monotonic() - started_at)
    sys.exit(1 if any(outcome.mistakes for outcome in outcomes) else 0)


def _tell(outcome: Outcome, secs_per_seed: float) -> None:
    click.echo(
        f"seed {outcome.seed:4}  {'FAIL' if outcome.mistakes else 'ok  '}  {outcome.orders:4} orders  "
        f"{outcome.fills:4} fills  {outcome.kills} kills  settled in {outcome.settled_secs:4.1f} s of "
        f"{outcome.wall_secs:4.1f} s  {_describe(outcome.strikes)}"
    )
    if not outcome.mistakes:
        return
    for mistake in outcome.mistakes:
        click.echo(f"    {mistake}")
    click.echo(f"    log: {outcome.keep_log()}")
    click.echo(
        f"    again: {Path(sys.executable).name} -m tests.chaos --seeds 1 --first {outcome.seed} "
        f"--secs-per-seed {secs_per_seed:g}"
    )


def _sum_up(outcomes: list[Outcome], wall_secs: float) -> None:
    strikes: Counter[str] = Counter()
    for outcome in outcomes:
        strikes.update(outcome.strikes)
    failed = sorted(outcome.seed for outcome in outcomes if outcome.mistakes)
    settled = sorted(outcome.settled_secs for outcome in outcomes)
    click.echo(
        f"{len(outcomes)} seeds in {wall_secs:.0f} s: {sum(outcome.orders for outcome in outcomes)} orders, "
        f"{sum(outcome.fills for outcome in outcomes)} fills, {sum(outcome.kills for outcome in outcomes)} kills, "
        f"{strikes.total()} strikes; books equal after {settled[len(settled) // 2]:.1f} s at the median, "
        f"{settled[-1]:.1f} s at most"
    )
    click.echo(f"strikes: {_describe(dict(strikes))}")
    click.echo(f"failed: {', '.join(map(str, failed))}" if failed else "every run's books equal the ledger")


def _describe(strikes: dict[str, int]) -> str:
    return " ".join(f"{kind}={count}" for kind, count in sorted(strikes.items()))


if __name__ == "__main__":
    main()
