"""The command line: `helios`. Parses, calls, prints; an error of ours is one line and exit code 1."""

import sys
from importlib import import_module
from typing import Final

import click

from helios_nautilus import __version__
from helios_nautilus.errors import HeliosError

_COMMANDS: Final = {
    "alert": ("cli.alert:alert", "Alerts: send one on trial."),
    "backtest": ("cli.backtest:backtest", "Run a configuration through all five tiers on its catalogue."),
    "dashboard": ("cli.dashboard:dashboard", "Watch and steer a node in a browser, or by its API."),
    "data": ("cli.data:data", "Market data: make, import, fetch, list and check catalogues."),
    "doctor": ("cli.doctor:doctor", "Is this machine ready? If not, what to do about it."),
    "evaluate": ("cli.evaluate:evaluate", "Judge a model against baselines on the same rows."),
    "gate": ("cli.gate:gate", "The LLM gate: try one question, record answers for backtests."),
    "journal": ("cli.journal:journal", "What was decided: list, read, verify, export, prune."),
    "kill": ("cli.operate:kill", "Stop trading now: close everything, enter nothing."),
    "live": ("cli.trade:live", "Trade an account at VALR, with real money."),
    "models": ("cli.models:models", "Models that are kept: list, compare, promote, roll back."),
    "paper": ("cli.trade:paper", "Trade live data of VALR with play money."),
    "predict": ("cli.model:predict", "Write a model's predictions into the catalogue."),
    "replay": ("cli.replay:replay", "Run a recorded run again and name every difference."),
    "resume": ("cli.operate:resume", "Let trading go on after a stop."),
    "retrain": ("cli.retrain:retrain", "Train anew at every date that a catalogue reaches."),
    "sim": ("cli.sim:sim", "Run a simulated VALR: REST and both sockets."),
    "status": ("cli.operate:status", "Show how the running node is."),
    "switch": ("cli.operate:switch", "Switch entries or a tier on or off."),
    "train": ("cli.model:train", "Train the model of a configuration."),
    "verify": ("cli.verify:verify", "Prove properties of a configuration on its data."),
    "why": ("cli.why:why", "Tell the story of a trade, or of why there was none."),
}
"""Where each command is, and what the list of commands says of it: a list must not import them all."""

_INTERRUPTED = "interrupted; nothing half-done was kept"


class _Lazy(click.Group):
    """Imports a command when it is called: neither the help nor another command waits for torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"helios_nautilus.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


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
