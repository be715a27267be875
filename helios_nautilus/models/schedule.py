"""When a model is trained anew, and which model was in charge when. Stamps in, stamps out.

A candidate learns from a window that ends at a date, and may be in charge no earlier than that date and the time it
takes to train and judge it. Dates are multiples of the cadence since 1970, so that whoever asks gets the same ones.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_SEC, parse_timeframe
from helios_nautilus.errors import ConfigError, ModelError
from helios_nautilus.models.pointer import Change

FOREVER_NS: Final = 1 << 62
"""After every stamp."""


class Cadence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a model is trained anew, and on how much."""

    every: str = "7d"
    window: str = "180d"
    """What a candidate learns from, validates on and is tested on: so much, up to its date."""
    allowance: str = "6h"
    """From its date to when a candidate can be in charge: the time that training and judging take."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            try:
                parse_timeframe(getattr(self, name))
            except ConfigError as error:
                raise ConfigError(f"{name}: '{getattr(self, name)}' is no length of time; write it like 7d") from error


class Candidate(Struct, frozen=True, kw_only=True):
    """A model that is due: it learns from ``(start_ns, until_ns]`` and can be in charge from ``ready_ns`` on."""

    start_ns: int
    until_ns: int
    ready_ns: int
    window: str

    def name(self, preset: str) -> str:
        """Names its folder, like ``helios-nano-20260108T0000-180d``."""
        stamp = str(np.datetime64(self.until_ns, "ns").astype("datetime64[m]"))
        return f"{preset}-{stamp.replace('-', '').replace(':', '')}-{self.window}"

    def seed(self, seed: int) -> int:
        """A seed of its own, from one seed and its date: the same whenever it is trained."""
        return int(np.random.SeedSequence((seed, self.until_ns // NS_PER_SEC)).generate_state(1)[0])


def find_due(cadence: Cadence, since_ns: int, first_ns: int, last_ns: int) -> tuple[Candidate, ...]:
    """The candidates whose whole window lies in the data ``(first_ns, last_ns]``, oldest first.

    They begin with the one that is the newest in charge at ``since_ns``.
    """
    every, window, allowance = (parse_timeframe(getattr(cadence, name)) for name in ("every", "window", "allowance"))
    first = max((since_ns - allowance) // every * every, -(-(first_ns + window) // every) * every)
    return tuple(
        Candidate(start_ns=until - window, until_ns=until, ready_ns=until + allowance, window=cadence.window)
        for until in range(first, last_ns + 1, every)
    )


def in_charge(history: Sequence[Change], start_ns: int, end_ns: int) -> tuple[tuple[Change, int], ...]:
    """The changes of a pointer that counted at some time in ``[start_ns, end_ns)``, each with the stamp of its end.

    A change counts from its own stamp to the next one's. `ModelError` for a history that is not in the order of time:
    nobody knows what was in charge then.
    """
    if any(after.ts_ns < before.ts_ns for before, after in pairwise(history)):
        raise ModelError(
            "the promotions of this pointer are not in the order of time, so it does not say what was in charge when; "
            "name another one as model.pointer and fill it with 'helios retrain'"
        )
    ends = [*(change.ts_ns for change in history[1:]), FOREVER_NS]
    return tuple(
        (change, end)
        for change, end in zip(history, ends, strict=True)
        if change.ts_ns < min(end, end_ns) and end > start_ns
    )
