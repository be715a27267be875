"""`helios doctor`: what is well, what is not, and what to do about it."""

import os
import time
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from textwrap import TextWrapper
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from helios_nautilus.cli.output import print_json
from helios_nautilus.journal.records import Mode
from helios_nautilus.node.doctor.diagnosis import diagnose
from helios_nautilus.node.doctor.examination import Level, Line

_WIDTH: Final = 80
_MARKS: Final[dict[Level, tuple[str, str]]] = {
    "ok": ("ok", "green"),
    "warn": ("warn", "yellow"),
    "fail": ("FAIL", "red"),
}
_INDENT: Final = 17
"""Mark and name stand before it."""


@click.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--mode",
    type=click.Choice(["backtest", "paper", "live"]),
    default="backtest",
    show_default=True,
    help="What is to be ready: a backtest needs no venue and no keys.",
)
@click.option("--url", help="VALR at another address, e.g. that of 'helios sim'.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as JSON and nothing else.")
def doctor(config: Path | None, mode: Mode, url: str | None, as_json: bool) -> None:
    """Look over this machine, and with CONFIG its data, model and gate; say what is wrong and what to do about it.

    Keys are looked for in the environment and never shown. Nothing is changed, but a journal that is not there yet is
    made. Exit code 1 if anything fails; a warning is none.
    """
    address = None if url is None else url.rstrip("/")
    lines = diagnose(config, mode=mode, environ=os.environ, url=address, now_ns=time.time_ns())
    shown = list(lines) if as_json else _print_lines(lines, config)
    if as_json:
        print_json(shown)
    if any(line.level == "fail" for line in shown):
        click.get_current_context().exit(1)


def _print_lines(lines: Iterable[Line], config: Path | None) -> list[Line]:
    """Print each line as soon as it is known, then a sentence that sums up."""
    console = Console()
    shown = []
    with console.status("looking") if console.is_terminal else nullcontext():
        for line in lines:
            console.print(_to_text(line), soft_wrap=True)
            shown.append(line)
    console.print(Text(_summary(shown)))
    if config is None:
        console.print(Text("Data, model and gate are looked at with a configuration: helios doctor CONFIG"))
    return shown


def _to_text(line: Line) -> Text:
    mark, colour = _MARKS[line.level]
    text = Text.assemble((f"{mark:4}", colour), f"  {line.name:9}  ", _indented(line.words, " " * _INDENT))
    return text.append(f"\n{' ' * _INDENT}→ {_indented(line.cure, ' ' * (_INDENT + 2))}", "cyan") if line.cure else text


def _indented(words: str, indent: str) -> str:
    """Words as a column; an address or a path is not taken apart."""
    column = TextWrapper(_WIDTH, indent, indent, break_long_words=False, break_on_hyphens=False)
    return column.fill(words).lstrip()


def _summary(lines: list[Line]) -> str:
    fails, warns = (sum(line.level == level for line in lines) for level in ("fail", "warn"))
    if not fails and not warns:
        return "All is well."
    return f"{fails} failed, {warns} to know of."
