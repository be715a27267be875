"""How commands print: JSON for programs, tables for people, times to the minute."""

import sys
from collections.abc import Sequence
from typing import Final

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

_TABLE_WIDTH: Final = 160
_TEXT_WIDTH: Final = 100

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def print_json(value: object) -> None:
    """One JSON document; what JSON does not know is written as text."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str)).decode())


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table, on standard output."""
    table = Table(*header, title=title or None, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console(_TABLE_WIDTH).print(table)


def console(pipe_width: int = _TEXT_WIDTH) -> Console:
    """Standard output; a file or a pipe is as wide as a text, or as a table needs it."""
    return Console(width=None if sys.stdout.isatty() else pipe_width)


def show_time(ts_ns: int) -> str:
    """UTC, to the minute."""
    return str(np.datetime64(ts_ns, "ns").astype("datetime64[m]")).replace("T", " ")
