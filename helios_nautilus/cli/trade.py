"""`helios paper` and `helios live`: trade until a signal, and say line by line how the node is."""

import time
from pathlib import Path

import click

from helios_nautilus.config import LoadedConfig, load_config
from helios_nautilus.errors import ConfigError
from helios_nautilus.journal.records import Mode
from helios_nautilus.node.live import CONFIRMATION, run_live, run_paper
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
@click.option("--account", metavar="NAME", help="The account that is meant; another one's key is refused.")
@click.option("--confirm", "words", metavar="WORDS", help="What else is asked for; needs --account. For services.")
def live(config: Path, account: str | None, words: str | None) -> None:
    """Trade CONFIG at VALR with REAL MONEY.

    Takes VALR_API_KEY and VALR_API_SECRET, asks VALR whose key that is, and goes on only after somebody who saw the
    account's name has typed I_CONFIRM_LIVE_TRADING. Stops as `helios paper` does.
    """
    if words is not None and account is None:
        raise click.UsageError("--confirm needs --account: nobody would see whose money it is")

    def confirm(name: str) -> str:
        if account not in (None, name):
            raise ConfigError(f"the key in the environment trades {name}, not {account}: nothing was begun")
        if words is not None:
            return words
        asked = f"This trades the real money of '{name}'. Type {CONFIRMATION} to go on"
        return str(click.prompt(asked, default="", show_default=False))

    loaded = load_config(config)
    run_live(loaded, _lines(loaded, "live"), confirm)


def _lines(loaded: LoadedConfig, mode: Mode) -> LogLines:
    return LogLines(loaded.config.logs.format, mode, click.echo, time.time_ns)
