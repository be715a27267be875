"""Identifiers in the venue's formats, seeded: UUID v7 for orders and trades, int64 counters above 2^53."""

import random
import uuid
from typing import Final

from helios_nautilus.domain.timeframe import NS_PER_MS

_FIRST_SEQUENCE: Final = 1_368_928_567_986_638_000
_FIRST_BATCH: Final = 1_485_281_165_544_529_920


class IdSource:
    """Hands out identifiers; equal seeds and equal calls give equal ids."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"ids {seed}")
        self._sequence = _FIRST_SEQUENCE
        self._batch = _FIRST_BATCH

    def uuid(self, now_ns: int) -> str:
        """A UUID v7: 48 bits of milliseconds, then random bits."""
        bits = (now_ns // NS_PER_MS & (1 << 48) - 1) << 80 | self._random.getrandbits(80)
        bits = bits & ~(0xF << 76) | 7 << 76
        bits = bits & ~(0x3 << 62) | 2 << 62
        return str(uuid.UUID(int=bits))

    def next_sequence(self) -> int:
        """The ``sequenceId`` of a trade: beyond what a double holds."""
        self._sequence += 1
        return self._sequence

    def next_batch(self) -> int:
        """A ``batchId``."""
        self._batch += 64
        return self._batch
