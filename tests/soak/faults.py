"""What goes wrong in a soak: all that happens to a real line in months, pressed into an hour. Made of a seed."""

import random
from collections.abc import Iterator
from typing import Any, Final

from helios_nautilus.simulator.exchange.faults import Fault, FaultScript

ORDERS: Final = "* /v?/orders*"
READS: Final = "GET *"
ACCOUNT: Final = "account *_*"
"""Everything but AUTHENTICATED, without which a socket is not open at all."""
BOOKS: Final = "trade OB_L1*"
BARS: Final = "trade NEW_TRADE_BUCKET*"
_EVERY_SECS: Final = 45.0
"""Between two faults of the whole line, on average."""


def draw_faults(seed: int, secs: float, speed: float) -> FaultScript:
    """Faults for so many seconds of ours; the exchange counts in its own, which are ``speed`` times as many."""
    rng = random.Random(f"soak {seed}")
    return FaultScript(seed=seed, fault=(*_lasting(speed), *_timed(rng, secs, speed)))


def _lasting(speed: float) -> list[Fault]:
    """Those that strike now and then."""

    def often(kind: str, on: str, probability: float, *, wall_secs: float = 0.05, **terms: Any) -> Fault:
        return Fault(kind=kind, on=on, probability=probability, times=0, secs=wall_secs * speed, **terms)

    return [
        often("error_before", ORDERS, 0.03, status=503),
        often("error_after", ORDERS, 0.03, status=502),
        often("timeout_before", ORDERS, 0.02, wall_secs=1.0),
        often("timeout_after", ORDERS, 0.02, wall_secs=1.0),
        often("rate_limit", "* /v?/*", 0.01, retry_after_secs=1),
        often("error_before", READS, 0.03, status=500),
        often("slow_reply", "* /v?/*", 0.03, wall_secs=0.8),
        often("truncate_reply", READS, 0.01),
        often("drop_frame", ACCOUNT, 0.03),
        often("duplicate_frame", ACCOUNT, 0.05),
        often("delay_frame", ACCOUNT, 0.03, wall_secs=0.4),
        often("drop_frame", BOOKS, 0.005),
        often("bad_checksum", BOOKS, 0.005),
    ]


def _timed(rng: random.Random, secs: float, speed: float) -> Iterator[Fault]:
    """The line drops, or falls silent, or the venue takes no orders for a while; the first of it soon.

    Bars are lost in the end alone: behind a hole a model has nothing to go by for hours, and no bet is made.
    """
    yield Fault(kind="drop_frame", on=BARS, after_secs=0.9 * secs * speed, times=20)
    at_secs = rng.uniform(5.0, 15.0)
    while at_secs < secs:
        after_secs = at_secs * speed
        match rng.choice(("drop", "drop", "stall", "maintenance", "refuse")):
            case "drop":
                on, code = rng.choice(("*", "trade", "account")), rng.choice((1000, 1006, 1012))
                yield Fault(kind="drop_sockets", on=on, after_secs=after_secs, code=code)
            case "stall":
                yield Fault(kind="stall_sockets", on="*", after_secs=after_secs, secs=rng.uniform(0.5, 4.0) * speed)
            case "maintenance":
                yield Fault(kind="maintenance", after_secs=after_secs, secs=rng.uniform(0.5, 2.0) * speed)
            case _:
                yield Fault(kind="drop_sockets", on="account", after_secs=after_secs)
                yield Fault(kind="refuse_login", on="account", after_secs=after_secs, times=2, probability=0.7)
        at_secs += rng.uniform(0.5, 1.5) * _EVERY_SECS
