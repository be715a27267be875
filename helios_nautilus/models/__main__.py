"""``python -m helios_nautilus.models train ARRAYS OUT``: training on a bare machine that knows no engine.

ARRAYS is what ``helios train --export`` wrote; OUT becomes a model's folder, to be carried back. A training that was
broken off goes on when the same command is given again.
"""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from helios_nautilus.errors import HeliosError, ModelError
from helios_nautilus.models.assignment import Assignment, load_assignment
from helios_nautilus.models.checkpoint import save_model
from helios_nautilus.models.dataset import load_arrays, split_by_share
from helios_nautilus.models.network import PRESETS
from helios_nautilus.models.progress import Ticker
from helios_nautilus.models.recipe import code_commit, train_model
from helios_nautilus.models.resume import Checkpoints, checkpoint_path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        _train(given)
    except (HeliosError, OSError) as error:
        _say(f"helios: {error}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("helios: interrupted; the same command goes on from the last checkpoint", sys.stderr)
        return 1
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m helios_nautilus.models", description="Train a model from saved arrays.")
    train = parser.add_subparsers(required=True).add_parser("train", help="train a model from saved arrays")
    train.add_argument("arrays", type=Path, help="folder that 'helios train --export' wrote")
    train.add_argument("out", type=Path, help="folder of the model to be")
    train.add_argument("--preset", help=f"one of {', '.join(PRESETS)}")
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="a setting, e.g. optimiser.epochs=3 or split.train=0.8",
    )
    train.add_argument("--replace", action="store_true", help="train although the model folder is there")
    train.add_argument("--checkpoint-mins", type=float, default=5.0, help="minutes between checkpoints (default 5)")
    return parser


def _train(given: Namespace) -> None:
    out: Path = given.out
    if out.exists() and not given.replace:
        raise ModelError(f"{out} exists already; choose another folder, or --replace it")
    preset = [] if given.preset is None else [f"preset={given.preset}"]
    assignment: Assignment = load_assignment(given.arrays).changed([*preset, *given.set])
    arrays = load_arrays(given.arrays)
    checkpoints = Checkpoints(checkpoint_path(out), every_secs=60.0 * given.checkpoint_mins)
    ticker = Ticker(_say, sys.stderr)
    model = train_model(
        arrays,
        split_by_share(arrays, assignment.split),
        PRESETS[assignment.preset],
        assignment.optimiser,
        created_ns=time.time_ns(),
        code_commit=code_commit(),
        progress=ticker.epoch,
        watcher=ticker,
        checkpoints=checkpoints,
    )
    save_model(model, out, replace=given.replace)
    checkpoints.discard()
    test = model.card.test_metrics
    _say(f"{out}: {model.card.parameters:,} parameters, skill {test.skill:.4f} on {test.count:,} decisions of the test")


def _say(words: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    stream.write(f"{words}\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
