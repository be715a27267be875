"""Helios as its user has it: the console command, in a folder with a small synthetic market and a configuration."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, Final, NamedTuple

from helios_nautilus.cli.main import main

SMALL: Final[Mapping[str, Any]] = {
    "name": "small",
    "data.catalog": "market",
    "data.instruments": ["BTCZAR.VALR", "ETHZAR.VALR", "SOLZAR.VALR"],
    "data.reference": "BTCZAR.VALR",
    "backtest.start": "2026-01-09",
    "backtest.end": "2026-01-11",
    "training.window.start": "2026-01-01",
    "training.window.end": "2026-01-09",
    "training.split.train": 0.6,
    "training.split.validation": 0.3,
    "training.optimiser.epochs": 2,
    "model.folder": "model",
}
"""Ten days of `MARKET`: eight to train on, two to trade. Paths count from the working directory."""
EAGER: Final[Mapping[str, Any]] = {
    **SMALL,
    "name": "eager",
    "account.kind": "margin",
    "aether.sizing.margin": True,
    "aether.sizing.min_confidence": 0.0,
    "aether.sizing.min_edge": -1.5,
}
"""The same without asking for an edge: a model of two epochs has none, but its trades go the whole way."""
MARKET: Final = ("data", "demo", "--catalog", "market", "--seed", "4", "--days", "10", "--trades-days", "0")


class Outcome(NamedTuple):
    """What a command left on the terminal."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def helios(*arguments: str) -> Outcome:
    """Run the console command's own entry point, in this process: its imports are paid for once."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), _arguments("helios", *arguments):
        try:
            main()
        except SystemExit as end:
            code = 0 if end.code is None else int(end.code)
    return Outcome(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def succeed(*arguments: str) -> Outcome:
    """Run a command that must succeed."""
    outcome = helios(*arguments)
    assert outcome.code == 0, outcome.err
    return outcome


def refuse(*arguments: str) -> str:
    """Run a command that must fail in one clear line and leave every file as it was; returns what the line says."""
    before = snapshot(Path())
    outcome = helios(*arguments)
    assert outcome.code == 1, outcome
    (line,) = outcome.err.splitlines()
    assert line.startswith("helios: ")
    assert "Traceback" not in outcome.out
    assert snapshot(Path()) == before
    return line.removeprefix("helios: ")


def launch(*arguments: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own, as a shell does."""
    code = "from helios_nautilus.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes, and every folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def write_config(path: Path, settings: Mapping[str, Any]) -> Path:
    """A configuration of dotted fields, e.g. ``backtest.start``; a field set to None is left out."""
    # What JSON writes for texts, numbers, truths and lists is TOML as well.
    lines = [f"{field} = {json.dumps(value)}\n" for field, value in settings.items() if value is not None]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def confirmed(account: str) -> tuple[str, ...]:
    """How `helios live` is begun by who cannot be asked."""
    return ("--account", account, "--confirm", "I_CONFIRM_LIVE_TRADING")


@contextmanager
def _arguments(*arguments: str) -> Iterator[None]:
    before, sys.argv = sys.argv, list(arguments)
    try:
        yield
    finally:
        sys.argv = before
