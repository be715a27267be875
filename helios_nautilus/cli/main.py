"""The command line: `helios`. Parses, calls, prints; an error of ours is one line and exit code 1."""

import sys
from importlib import import_module

import click

from helios_nautilus import __version__
from helios_nautilus.errors import HeliosError

_COMMANDS = {
    "backtest": "helios_nautilus.cli.backtest:backtest",
    "data": "helios_nautilus.cli.data:data",
    "evaluate": "helios_nautilus.cli.evaluate:evaluate",
    "models": "helios_nautilus.cli.models:models",
    "predict": "helios_nautilus.cli.model:predict",
    "retrain": "helios_nautilus.cli.retrain:retrain",
    "sim": "helios_nautilus.cli.sim:sim",
    "train": "helios_nautilus.cli.model:train",
    "verify": "helios_nautilus.cli.verify:verify",
}


_INTERRUPTED = "interrupted; nothing half-done was kept"


class _Lazy(click.Group):
    """Imports a command when it is called: the help does not wait for torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="helios")
def cli() -> None:
    """Helios: an autonomous trading system for VALR, as a NautilusTrader plugin."""


def main() -> None:
    """Entry point of the console command."""
    try:
        # Outside its standalone mode click returns the code of an exit that a command asked for.
        sys.exit(cli.main(prog_name="helios", standalone_mode=False))
    except HeliosError as error:
        _fail(str(error))
    except OSError as error:
        # A full disk, a folder that may not be written to: the system's own words say it best.
        _fail(str(error))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail(_INTERRUPTED)
    except SystemError as error:
        # Compiled code turns an interruption into the cause of an error of its own.
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        _fail(_INTERRUPTED)


def _fail(words: str) -> None:
    click.echo(f"helios: {words}", err=True)
    sys.exit(1)
