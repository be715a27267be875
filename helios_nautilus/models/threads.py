"""How many threads torch takes: one, where the work is many small steps and the result must repeat."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run torch on so many threads of the CPU for a while.

    Small matrices gain nothing from a second thread and lose much when the cores are busy; and sums come out the same
    only if they are split the same.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread for a while."""
    with threads(1):
        yield
