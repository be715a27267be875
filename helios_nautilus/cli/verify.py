"""`helios verify`: proofs about a configuration on its own data."""

from pathlib import Path

import click
from rich.console import Console

from helios_nautilus.cli.output import print_json
from helios_nautilus.config import load_config
from helios_nautilus.node.lookahead import verify_lookahead


@click.group()
def verify() -> None:
    """Prove properties of a configuration on its data."""


@verify.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    help="Days of the backtest window to check.",
)
@click.option(
    "--times",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Moments at which the future is taken away.",
)
@click.option("--seed", default=0, show_default=True, help="Of the moments and the noise.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON and nothing else.")
@click.pass_context
def lookahead(ctx: click.Context, config: Path, days: float, times: int, seed: int, as_json: bool) -> None:
    """Prove that nothing in CONFIG's run looks ahead; exit code 1 if something does."""
    console = Console(stderr=as_json)
    findings = []
    for finding in verify_lookahead(load_config(config), days=days, times=times, seed=seed):
        findings.append(finding)
        mark = "[green]ok  [/green]" if finding.passed else "[red]FAIL[/red]"
        console.print(f"{mark} {finding.check}: {finding.words}", highlight=False)
    if as_json:
        print_json(findings)
    if not all(finding.passed for finding in findings):
        ctx.exit(1)
