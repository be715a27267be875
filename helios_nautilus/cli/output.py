"""How commands print: JSON for programs, tables for people, times to the minute."""

import sys
from collections.abc import Sequence
from typing import Final

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

_PIPE_WIDTH: Final = 160

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def print_json(value: object) -> None:
    """One JSON document; what JSON does not know is written as text."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str)).decode())


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table, on standard output; a file or a pipe is as wide as a table needs it."""
    table = Table(*header, title=title or None, title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def show_time(ts_ns: int) -> str:
    """UTC, to the minute."""
    return str(np.datetime64(ts_ns, "ns").astype("datetime64[m]")).replace("T", " ")
