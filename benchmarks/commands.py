"""How fast a running node acknowledges an operator: ``python -m benchmarks.commands --mode paper``.

Entries are switched off and on again, and the journal of that node says so.
"""

import time
from uuid import uuid4

import click
import numpy as np

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.commands import Command, Verb
from helios_nautilus.journal.connect import open_post
from helios_nautilus.journal.post import Post
from helios_nautilus.journal.running import NODE_MODES, NodeMode

_PATIENCE_SECS = 10.0


@click.command()
@click.option("--mode", type=click.Choice(NODE_MODES), default="paper", show_default=True)
@click.option("--count", type=click.IntRange(1), default=50, show_default=True, help="Commands, in pairs.")
def main(mode: NodeMode, count: int) -> None:
    """Give commands to the running node one after the other, and print how long it took to hear of each."""
    post = open_post()
    verbs: tuple[Verb, Verb] = ("entries_off", "entries_on")
    secs = np.array([_acknowledged(post, mode, verb) for _ in range((count + 1) // 2) for verb in verbs])
    p50, p95 = np.percentile(secs, [50, 95])
    click.echo(f"{len(secs)} commands: p50 {p50:.3f} s, p95 {p95:.3f} s, slowest {secs.max():.3f} s")


def _acknowledged(post: Post, mode: NodeMode, verb: Verb) -> float:
    """Seconds from the order to its answer, the way of an order through file and database included."""
    began = time.monotonic()
    command = Command(
        command_id=str(uuid4()),
        ts_ns=time.time_ns(),
        mode=mode,
        verb=verb,
        who="benchmark",
        why="how fast is the answer",
        origin="cli",
    )
    post.send(command)
    if post.wait(command.command_id, _PATIENCE_SECS) is None:
        raise JournalError(f"no {mode} node answers: start one, e.g. helios paper")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
