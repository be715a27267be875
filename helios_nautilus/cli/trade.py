"""`helios paper` and `helios live`: trade until a signal, and say line by line how the node is."""

from pathlib import Path

import click

from helios_nautilus.config import load_config
from helios_nautilus.node.live import run_live, run_paper

_config = click.argument("config", type=click.Path(path_type=Path))


@click.command()
@_config
def paper(config: Path) -> None:
    """Trade live data of VALR with play money: CONFIG's tiers and strategy, orders filled from VALR's books.

    Needs no key. An interrupt or SIGTERM stops it: entries off, orders cancelled, positions closed; a second hurries.
    """
    run_paper(load_config(config), _tell)


@click.command()
@_config
@click.option("--account", metavar="NAME", help="The account's name, for services; else it is asked for.")
def live(config: Path, account: str | None) -> None:
    """Trade CONFIG at VALR with REAL MONEY.

    Takes VALR_API_KEY and VALR_API_SECRET, asks VALR whose key that is, and goes on only after that account's name was
    typed. Stops as `helios paper` does.
    """

    def confirm(name: str) -> bool:
        typed = account or click.prompt(f"This trades the real money of '{name}'. Its name, to go on", default="")
        return bool(typed == name)

    run_live(load_config(config), _tell, confirm)


def _tell(what: str, words: str) -> None:
    click.echo(f"{what:<12} {words}")
