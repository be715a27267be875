"""What a seed stands for: the faults that strike, when the node is killed, and what it trades with."""

import random
from typing import Any, Final

import msgspec
from msgspec import Struct

from helios_nautilus.simulator.exchange.faults import Fault, FaultScript

ORDERS: Final = "* /v?/*/orders*", "* /v?/orders*"
REPLIES: Final = "* /v?/*"
ACCOUNT: Final = "account *_*"
"""Everything but AUTHENTICATED, without which a socket is not open at all."""
BOOKS: Final = "trade OB_L1*"

SKEW_SECS: Final = 40.0
"""More than the tolerance of the venue, which then refuses every signature."""
_LASTING, _TIMED = 7, 2
"""How many families of faults a seed has of either kind."""


class Scenario(Struct, frozen=True, kw_only=True):
    """One run of the campaign."""

    seed: int
    script: FaultScript
    trading_secs: float
    kills_secs: tuple[float, ...]
    """When each life but the last ends by SIGKILL, from its first trade on."""
    is_margin: bool
    """Trades on margin, and a perpetual too."""
    is_checked: bool
    """The engine looks after open orders and positions by itself as well, and may act on what it sees."""

    @property
    def loses_frames(self) -> bool:
        """Of the account, without a sign: the client has to ask now and then. Else it must do without."""
        return any(fault.kind in ("drop_frame", "reorder_frame") and fault.on == ACCOUNT for fault in self.script.fault)


def draw_scenario(seed: int, trading_secs: float) -> Scenario:
    """The scenario of a seed; a fourth of them have kills, a third margin, half the engine's own checks."""
    rng = random.Random(f"chaos {seed}")
    kills = rng.choice((1, 1, 2)) if seed % 4 == 0 else 0
    return Scenario(
        seed=seed,
        script=FaultScript(seed=seed, fault=_draw_faults(rng, trading_secs, is_killed=kills > 0)),
        trading_secs=trading_secs,
        kills_secs=tuple(round(rng.uniform(0.3, 0.6 * trading_secs), 2) for _ in range(kills)),
        is_margin=seed % 3 == 0,
        is_checked=rng.random() < 0.5,
    )


def _draw_faults(rng: random.Random, trading_secs: float, *, is_killed: bool) -> tuple[Fault, ...]:
    """Some of the families; those that go by time strike while the node trades."""
    families = rng.sample(_lasting(rng), k=_LASTING) + rng.sample(
        _timed(rng, trading_secs, is_killed=is_killed), k=_TIMED
    )
    return tuple(fault for family in families for fault in family)


def _lasting(rng: random.Random) -> list[tuple[Fault, ...]]:
    """Faults that strike now and then, as long as they are played."""

    def often(kind: str, on: str, most: float, **terms: Any) -> Fault:
        return Fault(kind=kind, on=on, probability=round(rng.uniform(0.3, 1.0) * most, 3), times=0, **terms)

    status = rng.choice((500, 502, 503, 504))
    return [
        tuple(often("error_before", on, 0.12, status=status) for on in ORDERS),
        tuple(often("error_after", on, 0.12, status=status) for on in ORDERS),
        # Cut at once, or only after the client has given up.
        tuple(often("timeout_before", on, 0.06, secs=rng.choice((0.05, 1.2))) for on in ORDERS),
        tuple(often("timeout_after", on, 0.06, secs=rng.choice((0.05, 1.2))) for on in ORDERS),
        (often("error_before", "GET *", 0.15, status=status),),
        (often("truncate_reply", REPLIES, 0.08),),
        (often("slow_reply", REPLIES, 0.08, secs=rng.choice((0.2, 0.8, 1.15))),),
        (Fault(kind="rate_limit", on=REPLIES, probability=0.05, times=2, retry_after_secs=1),),
        (often("drop_frame", ACCOUNT, 0.2),),
        (often("duplicate_frame", ACCOUNT, 0.3),),
        (often("delay_frame", ACCOUNT, 0.2, secs=rng.choice((0.05, 0.4, 1.5))),),
        (often("reorder_frame", ACCOUNT, 0.3),),
        (often("truncate_frame", ACCOUNT, 0.03),),
        (often("drop_socket", ACCOUNT, 0.01, code=rng.choice((1000, 1006, 1012))),),
        (often("stall_socket", ACCOUNT, 0.01, secs=rng.choice((0.3, 1.0, 6.0))),),
        (Fault(kind="fill_on_modify", probability=0.5, times=0, fraction=rng.choice((0.2, 0.5, 1.0))),),
        # A book's sequence gaps, and what else may happen to it.
        (often("drop_frame", BOOKS, 0.1), often("bad_checksum", BOOKS, 0.1)),
        (often("reorder_frame", BOOKS, 0.1), often("truncate_frame", BOOKS, 0.05)),
    ]


def _timed(rng: random.Random, trading_secs: float, *, is_killed: bool) -> list[tuple[Fault, ...]]:
    """Faults that happen at a moment of the run."""

    def at(kind: str, **terms: Any) -> Fault:
        return Fault(kind=kind, after_secs=round(rng.uniform(0.2, 0.7) * trading_secs, 2), **terms)

    refused = Fault(kind="refuse_login", on="*", probability=0.7, times=3, status=rng.choice((401, 503, 0)))
    skew = at("clock_skew", secs=rng.choice((-SKEW_SECS, SKEW_SECS)))
    assert skew.after_secs is not None
    families = [
        (at("drop_sockets", on="*"), at("drop_sockets", on="*")),
        (at("stall_sockets", on="*", secs=rng.choice((0.5, 2.0, 8.0))),),
        (at("maintenance", secs=rng.choice((0.3, 1.0))),),
    ]
    if is_killed:
        # A node that starts believes a refused key, and stays away: the venue may only not be there.
        return [*families, (at("drop_sockets", on="account"), msgspec.structs.replace(refused, status=503))]
    skewed = skew, Fault(kind="clock_skew", after_secs=skew.after_secs + 0.8, secs=0.0)
    return [
        *families,
        (at("drop_sockets", on="account"), refused),
        (*skewed, at("drop_sockets", on="account")),
    ]
