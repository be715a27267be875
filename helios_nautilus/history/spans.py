"""Sets of bar closes, as rising stamps or as spans of them: rows of first and last stamp, both included."""

import numpy as np

from helios_nautilus.domain.bars import Bools, Ints

NO_SPANS = np.empty((0, 2), dtype=np.int64)


def spans_of(stamps: Ints, length_ns: int) -> Ints:
    """Runs of neighbouring stamps, shape (n, 2)."""
    if not len(stamps):
        return NO_SPANS
    breaks = np.flatnonzero(np.diff(stamps) != length_ns)
    return np.column_stack([stamps[np.r_[0, breaks + 1]], stamps[np.r_[breaks, len(stamps) - 1]]])


def stamps_between(first_ns: int, last_ns: int, length_ns: int) -> Ints:
    """All stamps from first to last, both included and a multiple of the length apart."""
    # Not `last_ns + 1`: numpy finds the count in float64, where that one nanosecond in a year is lost, and the last
    # stamp with it.
    return np.arange(first_ns, last_ns + length_ns, length_ns, dtype=np.int64)


def stamps_of(spans: Ints, length_ns: int) -> Ints:
    """All stamps of spans, rising and each once, however the spans overlap."""
    return join_stamps(*(stamps_between(first, last, length_ns) for first, last in spans.tolist()))


def join_stamps(*sets: Ints) -> Ints:
    """The stamps that are in any of the sets, rising and each once."""
    # Not `np.unique`: it hashes, and whole minutes in nanoseconds nearly all collide.
    stamps = np.sort(np.concatenate(sets), kind="stable") if sets else np.empty(0, dtype=np.int64)
    found: Ints = stamps[np.diff(stamps, prepend=stamps[:1] - 1) > 0]
    return found


def is_within(stamps: Ints, spans: Ints) -> Bools:
    """Which stamps lie in a span; the spans rise and do not overlap."""
    if not len(spans):
        return np.zeros(len(stamps), dtype=np.bool_)
    at = np.searchsorted(spans[:, 0], stamps, side="right") - 1
    inside: Bools = (at >= 0) & (stamps <= spans[np.maximum(at, 0), 1])
    return inside
