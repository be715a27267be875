"""Arrays as sequences: aligned blocks, unbroken runs, and chunks that a recurrent network takes in order.

A block is one bar of the slowest timeframe and all faster bars and decisions in it. A run is a stretch of blocks of
one instrument in which every row is ready; it starts with a fresh state, so nothing is carried across a hole.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bools, Ints
from helios_nautilus.domain.labels import Label, LabelArray
from helios_nautilus.errors import NotEnoughHistoryError
from helios_nautilus.models.dataset import Arrays, Float32s, Scaler, Span


class Piece(NamedTuple):
    """Blocks ``first`` up to ``stop`` (exclusive) of one instrument, taken in one go from a fresh state."""

    instrument: int
    first: int
    stop: int


class Chunk(Struct, frozen=True, kw_only=True):
    """The next blocks of pieces that lie side by side (b). The state carries over from the chunk before."""

    x: tuple[Float32s, Float32s, Float32s]
    """Scaled features (b, bars, features) per timeframe; zeros where not ready."""
    instrument: Ints
    """(b,)."""
    row: Ints
    """Rows of the decisions in `Blocks` (b, d)."""
    valid: Bools
    """Which decisions can be predicted (b, d)."""
    label: LabelArray
    """Labels of the valid decisions (b, d), else `Label.UNKNOWN`."""


class Blocks:
    """Training arrays cut into whole blocks, as views; an unfinished block at either end is left out.

    Decision columns have a row for every decision bar of every block: ``ts_ns`` (rows,), ``label`` and ``valid``
    (rows, instruments). A decision is valid if the network can make it: all bars of its run up to it are ready, and
    every timeframe has closed at least one. ``whole`` (blocks, instruments) marks the blocks that runs are made of.
    ``rows`` lists the rows that the arrays have a decision for, ``decisions_of_rows`` the places of those there.
    """

    def __init__(self, arrays: Arrays) -> None:
        lengths = arrays.timeframes.lengths_ns
        self.block_ns = lengths[-1]
        self.bars = tuple(self.block_ns // length for length in lengths)
        self.decisions = self.block_ns // arrays.timeframes.decision_ns
        opens = [int(series.ts_ns[0]) - length for series, length in zip(arrays.series, lengths, strict=True)]
        self.start_ns = -(-max(opens) // self.block_ns) * self.block_ns
        self.n_blocks = (min(int(series.ts_ns[-1]) for series in arrays.series) - self.start_ns) // self.block_ns
        if self.n_blocks < 1:
            raise NotEnoughHistoryError(f"the arrays hold no whole {arrays.timeframes.low} bar in all three timeframes")
        self._x, self._ready = [], []
        for series, length, bars, open_ns in zip(arrays.series, lengths, self.bars, opens, strict=True):
            first = (self.start_ns - open_ns) // length
            cut = slice(first, first + self.n_blocks * bars)
            self._x.append(series.x[cut])
            self._ready.append(np.asarray(series.ready[cut]))
        self.whole, self.valid = self._judge()

        rows = np.arange(1, self.n_blocks * self.decisions + 1)
        self.ts_ns: Ints = self.start_ns + rows * arrays.timeframes.decision_ns
        _, self.rows, self.decisions_of_rows = np.intersect1d(
            self.ts_ns, arrays.ts_ns, assume_unique=True, return_indices=True
        )
        self.label: LabelArray = np.full((len(rows), len(arrays.instrument_ids)), Label.UNKNOWN, dtype=np.int8)
        self.label[self.rows] = arrays.label[self.decisions_of_rows]

    def _judge(self) -> tuple[Bools, Bools]:
        ready = [each.reshape(self.n_blocks, bars, -1) for each, bars in zip(self._ready, self.bars, strict=True)]
        whole = np.logical_and.reduce([each.all(axis=1) for each in ready])
        continues = np.vstack((np.zeros_like(whole[:1]), whole[:-1]))
        valid = np.ones((self.n_blocks, self.decisions, whole.shape[1]), dtype=bool)
        for decision in range(self.decisions):
            for each, bars in zip(ready, self.bars, strict=True):
                closed = (decision + 1) * bars // self.decisions
                valid[:, decision] &= each[:, :closed].all(axis=1)
        # The slowest bar closes with the last decision of its block: a new run has none of it before.
        valid[:, :-1] &= continues[:, None]
        return whole, valid.reshape(self.n_blocks * self.decisions, -1)

    def pieces(self, span: Span | None = None, *, warm_up_blocks: int = 0) -> list[Piece]:
        """The runs, longest first, each with the broken block that ended it.

        With a span, only its whole blocks, and ``warm_up_blocks`` before it for the state to settle.
        """
        low, high = 0, self.n_blocks
        if span is not None:
            low = max(-(-(span.start_ns - self.start_ns) // self.block_ns) - warm_up_blocks, 0)
            high = min((span.end_ns - self.start_ns) // self.block_ns, high)
        pieces = []
        for instrument, whole in enumerate(self.whole.T):
            padded = np.concatenate(([False], whole[low:high], [False])).astype(np.int8)
            firsts, stops = np.flatnonzero(np.diff(padded) == 1) + low, np.flatnonzero(np.diff(padded) == -1) + low
            pieces += [
                Piece(instrument, int(first), min(int(stop) + 1, high))
                for first, stop in zip(firsts, stops, strict=True)
            ]
        return sorted(pieces, key=lambda piece: piece.first - piece.stop)

    def stream(self, pieces: list[Piece], scaler: Scaler, chunk_blocks: int) -> Iterator[Chunk]:
        """Feed pieces side by side, ``chunk_blocks`` at a time, from their starts to the end of the longest."""
        longest = max(piece.stop - piece.first for piece in pieces)
        instrument = np.array([piece.instrument for piece in pieces])
        for offset in range(0, longest, chunk_blocks):
            n = min(chunk_blocks, longest - offset)
            cuts = [
                Piece(piece.instrument, at := min(piece.first + offset, piece.stop), min(at + n, piece.stop))
                for piece in pieces
            ]
            row, valid = self._rows(cuts, n)
            label = np.where(valid, self.label[row, instrument[:, None]], Label.UNKNOWN).astype(np.int8)
            high, medium, low = (self._features(index, cuts, n, scaler) for index in range(3))
            yield Chunk(x=(high, medium, low), instrument=instrument, row=row, valid=valid, label=label)

    def _rows(self, cuts: list[Piece], n: int) -> tuple[Ints, Bools]:
        first = np.array([cut.first for cut in cuts])[:, None] * self.decisions
        stop = np.array([cut.stop for cut in cuts])[:, None] * self.decisions
        row = first + np.arange(n * self.decisions)
        is_inside = row < stop
        row = np.minimum(row, len(self.ts_ns) - 1)
        instrument = np.array([cut.instrument for cut in cuts])[:, None]
        return row, is_inside & self.valid[row, instrument]

    def _features(self, timeframe: int, cuts: list[Piece], n: int, scaler: Scaler) -> Float32s:
        x, ready, bars = self._x[timeframe], self._ready[timeframe], self.bars[timeframe]
        out = np.zeros((len(cuts), n * bars, x.shape[2]), dtype=np.float32)
        for target, cut in zip(out, cuts, strict=True):
            rows = slice(cut.first * bars, cut.stop * bars)
            is_ready = ready[rows, cut.instrument]
            target[: len(is_ready)][is_ready] = scaler.apply(timeframe, x[rows, cut.instrument][is_ready])
        return out


def cut_pieces(pieces: list[Piece], length: int, rng: np.random.Generator) -> list[Piece]:
    """Shorter pieces of at most ``length`` blocks, cut at random phases and shuffled: one epoch's worth."""
    cut = []
    for piece in pieces:
        phase = piece.first - int(rng.integers(length))
        cut += [
            Piece(piece.instrument, max(at, piece.first), min(at + length, piece.stop))
            for at in range(phase, piece.stop, length)
            if at + length > piece.first
        ]
    rng.shuffle(cut)
    return cut


def batch_pieces(pieces: list[Piece], size: int, rng: np.random.Generator) -> list[list[Piece]]:
    """Shuffled pieces in batches of like length, so that short ones are not padded to long ones; in random order."""
    ordered = sorted(pieces, key=lambda piece: piece.stop - piece.first)
    batches = [ordered[at : at + size] for at in range(0, len(ordered), size)]
    rng.shuffle(batches)
    return batches
