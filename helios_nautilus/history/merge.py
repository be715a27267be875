"""Merging sorted streams of bars in bounded memory: equal bars once, contradicting ones refused."""

from collections.abc import Iterator, Mapping

import numpy as np

from helios_nautilus.domain.bars import Ints
from helios_nautilus.errors import ImportFileError
from helios_nautilus.history.columns import BAR_COLUMNS, BarBlock


def merge_blocks(streams: Mapping[str, Iterator[BarBlock]]) -> Iterator[BarBlock]:
    """One stream in order of time out of several that each rise strictly.

    Bars with the same stamp must be equal and are given once; else `ImportFileError` names both streams by their keys,
    the first such bar and the column. Holds about one block of each stream.
    """
    names = list(streams)
    heads = [next(stream, None) for stream in streams.values()]
    while any(head is not None for head in heads):
        # Up to here every stream has shown all it has.
        horizon = min(int(head.ts_ns[-1]) for head in heads if head is not None)
        parts, origins = [], []
        for i, head in enumerate(heads):
            if head is None:
                continue
            cut = int(np.searchsorted(head.ts_ns, horizon, side="right"))
            parts.append(head.rows(slice(None, cut)))
            origins.append(np.full(cut, i))
            rest = head.rows(slice(cut, None))
            heads[i] = rest if len(rest) else next(streams[names[i]], None)
        yield _merge_parts(parts, np.concatenate(origins), names)


def _merge_parts(parts: list[BarBlock], origins: Ints, names: list[str]) -> BarBlock:
    ts_ns = np.concatenate([part.ts_ns for part in parts])
    units = np.concatenate([part.units for part in parts])
    order = np.argsort(ts_ns, kind="stable")
    ts_ns, units, origins = ts_ns[order], units[order], origins[order]
    again = np.flatnonzero(ts_ns[1:] == ts_ns[:-1]) + 1
    differing = again[(units[again] != units[again - 1]).any(axis=1)]
    if len(differing):
        row = int(differing[0])
        column = BAR_COLUMNS[int(np.argmax(units[row] != units[row - 1]))]
        close = np.datetime64(int(ts_ns[row]), "ns")
        raise ImportFileError(
            f"{names[origins[row]]}: the bar that closes at {close}Z differs in {column} from the one in "
            f"{names[origins[row - 1]]}; nothing was written"
        )
    return BarBlock(ts_ns=np.delete(ts_ns, again), units=np.delete(units, again, axis=0))
