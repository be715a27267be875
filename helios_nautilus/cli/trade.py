"""`helios paper` and `helios live`: trade until a signal, and say line by line how the node is."""

import time
from pathlib import Path

import click

from helios_nautilus.config import LoadedConfig, load_config
from helios_nautilus.journal.records import Mode
from helios_nautilus.node.live import run_live, run_paper
from helios_nautilus.watch.log_lines import LogLines

_config = click.argument("config", type=click.Path(path_type=Path))


@click.command()
@_config
@click.option("--fresh", is_flag=True, help="Begin a new account, whatever the last run left.")
def paper(config: Path, fresh: bool) -> None:
    """Trade live data of VALR with play money: CONFIG's tiers and strategy, orders filled from VALR's books.

    The account goes on where the last run of CONFIG's name left it. Needs no key. An interrupt or SIGTERM stops it:
    entries off, orders cancelled, positions closed; a second hurries.
    """
    loaded = load_config(config)
    run_paper(loaded, _lines(loaded, "paper"), fresh=fresh)


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

    loaded = load_config(config)
    run_live(loaded, _lines(loaded, "live"), confirm)


def _lines(loaded: LoadedConfig, mode: Mode) -> LogLines:
    return LogLines(loaded.config.logs.format, mode, click.echo, time.time_ns)
