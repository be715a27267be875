"""The moments at which a node is killed: drawn of a seed, some at random, most aimed at what is worst."""

import random
from collections.abc import Callable, Set
from enum import StrEnum
from itertools import cycle, islice
from typing import Final

from msgspec import Struct

from helios_nautilus.simulator.exchange.faults import Fault

ENTRIES: Final = "POST /v?/orders/limit"
EXITS: Final = "POST /v?/orders/market"
ORDERS: Final = "POST /v?/orders/*"
"""A halt gets out by limits, but for what was on its way out before."""
ACCOUNT: Final = "account *_*"
"""Everything that is told of an account, but AUTHENTICATED."""
QUESTIONS: Final = "GET /v1/orders*"
"""What a node asks of the venue while it reconciles."""


class Kind(StrEnum):
    """What is under way when the node is killed."""

    ANY = "any time"
    ENTRY_SENT = "entry sent, not answered"
    ENTRY_FILLED = "entry filled, stop not armed"
    FILL_KEPT = "fill told, not journalled"
    EXIT_SENT = "exit sent, not answered"
    HALT = "halt is flattening"
    STOP = "shutdown is flattening"
    START = "start and reconciliation"
    DROPPED = "sockets just dropped"


class Moment(Struct, frozen=True, kw_only=True):
    """One kill: ``secs`` of ours after what it waits for.

    It waits for what its kind names, or for the first strike of ``faults`` where that is it.
    """

    kind: Kind
    secs: float
    faults: tuple[Fault, ...] = ()


def draw_moments(seed: int, kills: int, speed: float, only: Kind | None = None) -> list[Moment]:
    """So many moments, each kind as often as any other unless ``only`` one is wanted; ``speed`` is the venue's."""
    rng = random.Random(f"kills {seed}")
    kinds = list(islice(cycle(Kind if only is None else (only,)), kills))
    rng.shuffle(kinds)
    return [_draw(kind, rng, speed) for kind in kinds]


def news_in[T](look: Callable[[], Set[T]]) -> Callable[[], bool]:
    """Asks whether there is something that was not there at the question before."""
    seen = look()

    def is_news() -> bool:
        nonlocal seen
        before, seen = seen, look()
        return bool(seen - before)

    return is_news


def _draw(kind: Kind, rng: random.Random, speed: float) -> Moment:
    match kind:
        case Kind.ANY:
            return Moment(kind=kind, secs=rng.uniform(0.0, 10.0))
        case Kind.ENTRY_SENT:
            return Moment(kind=kind, secs=0.0, faults=(_unanswered(ENTRIES, rng, speed),))
        case Kind.EXIT_SENT:
            return Moment(kind=kind, secs=0.0, faults=(_unanswered(EXITS, rng, speed),))
        case Kind.ENTRY_FILLED:
            unheard = Fault(kind="delay_frame", on=ACCOUNT, nth=1, times=0, secs=rng.uniform(0.5, 1.5) * speed)
            faults = rng.choice(((unheard,), ()))
            return Moment(kind=kind, secs=rng.choice((0.0, rng.uniform(0.0, 0.03))), faults=faults)
        case Kind.FILL_KEPT:
            return Moment(kind=kind, secs=rng.choice((0.0, 0.0, rng.uniform(0.0, 0.05))))
        case Kind.HALT | Kind.STOP:
            return Moment(kind=kind, secs=rng.uniform(0.0, 0.3), faults=(_unanswered(ORDERS, rng, speed),))
        case Kind.START if rng.random() < 0.5:
            question = Fault(kind="slow_reply", on=QUESTIONS, nth=rng.randint(1, 3), secs=speed)
            return Moment(kind=kind, secs=rng.uniform(0.0, 0.5), faults=(question,))
        case Kind.START:
            return Moment(kind=kind, secs=rng.uniform(0.0, 3.0))
        case Kind.DROPPED:
            line = rng.choice(("*", "account", "trade"))
            drop = Fault(kind="drop_sockets", on=line, after_secs=0.0, code=rng.choice((1000, 1006)))
            return Moment(kind=kind, secs=rng.uniform(0.0, 1.0), faults=(drop,))


def _unanswered(what: str, rng: random.Random, speed: float) -> Fault:
    """The venue has the order and does not say so, never had it, or takes it up when the node is already gone."""
    kind = rng.choice(("timeout_after", "timeout_after", "timeout_before", "slow_reply"))
    return Fault(kind=kind, on=what, nth=1, times=0, secs=rng.uniform(0.5, 2.0) * speed)
