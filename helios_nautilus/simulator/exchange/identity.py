"""Identifiers in the venue's formats, seeded: UUID v7 for orders and trades, int64 counters above 2^53."""

import random
from typing import Final

from helios_nautilus.domain.timeframe import NS_PER_MS

_FIRST_SEQUENCE: Final = 1_368_928_567_986_638_000
_FIRST_TRANSFER: Final = 641_767
_FIRST_BATCH: Final = 1_485_281_165_544_529_920


class IdSource:
    """Hands out identifiers; equal seeds and equal calls give equal ids."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"ids {seed}")
        self._sequence = _FIRST_SEQUENCE
        self._batch = _FIRST_BATCH
        self._transfer = _FIRST_TRANSFER

    def uuid(self, now_ns: int) -> str:
        """A UUID v7: 48 bits of milliseconds, then random bits."""
        bits = (now_ns // NS_PER_MS & (1 << 48) - 1) << 80 | self._random.getrandbits(80)
        bits = bits & ~(0xF << 76) | 7 << 76
        bits = bits & ~(0x3 << 62) | 2 << 62
        # Every quote of the market has one: the uuid module would take three times as long.
        digits = f"{bits:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def next_sequence(self) -> int:
        """The ``sequenceId`` of a trade: beyond what a double holds."""
        self._sequence += 1
        return self._sequence

    def next_batch(self) -> int:
        """A ``batchId``."""
        self._batch += 64
        return self._batch

    def next_transfer(self) -> int:
        """The id of a transfer between accounts."""
        self._transfer += 1
        return self._transfer
