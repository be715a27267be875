from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN, Timeframes
from helios_nautilus.errors import NotEnoughHistoryError
from helios_nautilus.models.dataset import Scaler, Span
from helios_nautilus.models.sequences import Blocks, Piece, batch_pieces, cut_pieces
from tests.unit.models.synthetic import N_FEATURES, START_NS, make_arrays

PLAIN = Scaler(mean=((0.0,) * N_FEATURES,) * 3, std=((1.0,) * N_FEATURES,) * 3, clip=100.0)


def unready(arrays, timeframe: int, row: int, instrument: int = 0) -> None:
    arrays.series[timeframe].ready[row, instrument] = False
    arrays.series[timeframe].x[row, instrument] = np.nan


def test_unbroken_history_is_one_run_per_instrument():
    blocks = Blocks(make_arrays(hours=6))
    assert blocks.pieces() == [Piece(0, 0, 24), Piece(1, 0, 24)]


def test_first_decisions_of_a_run_wait_for_the_slowest_timeframe():
    assert Blocks(make_arrays(hours=1)).valid[:, 0].tolist() == [False, False] + [True] * 10


def test_hole_ends_the_run_of_its_instrument_and_the_next_block_starts_another():
    arrays = make_arrays(hours=6)
    unready(arrays, 0, 10 * 15 + 7)
    blocks = Blocks(arrays)
    assert blocks.pieces() == [Piece(1, 0, 24), Piece(0, 11, 24), Piece(0, 0, 11)]
    around = blocks.valid[10 * 3 : 12 * 3, 0].tolist()
    # Minute 7 is missing: 5 minutes in all is well, then nothing until the next block's slow bar has closed.
    assert around == [True, False, False, False, False, True]
    assert blocks.valid[:, 1].sum() == 24 * 3 - 2


@pytest.mark.parametrize(("timeframe", "row"), [(1, 10 * 3 + 1), (2, 10)])
def test_slower_bar_that_is_not_ready_breaks_the_run_as_well(timeframe, row):
    arrays = make_arrays(hours=6)
    unready(arrays, timeframe, row)
    assert Piece(0, 11, 24) in Blocks(arrays).pieces()


def test_history_that_starts_and_ends_inside_a_block_is_cut_to_whole_ones():
    arrays = make_arrays(hours=6)
    series = tuple(
        type(each)(ts_ns=each.ts_ns[skip:stop], x=each.x[skip:stop], ready=each.ready[skip:stop])
        for each, skip, stop in zip(arrays.series, (7, 2, 0), (-8, -1, None), strict=True)
    )
    arrays = type(arrays)(**{name: getattr(arrays, name) for name in arrays.__struct_fields__} | {"series": series})
    blocks = Blocks(arrays)
    assert blocks.start_ns == START_NS + 15 * NS_PER_MIN
    assert blocks.n_blocks == 22
    assert blocks.ts_ns[0] == START_NS + 20 * NS_PER_MIN


def test_history_shorter_than_a_block_is_a_clear_error():
    timeframes = Timeframes(high="1m", medium="1h", low="4h", decision="1h")
    arrays = make_arrays(hours=8, timeframes=timeframes)
    late = arrays.series[0]
    late.ts_ns[:] += 5 * NS_PER_HOUR
    with pytest.raises(NotEnoughHistoryError, match="no whole 4h bar"):
        Blocks(arrays)


def test_stream_yields_every_bar_and_label_once_in_order_and_zeros_where_not_ready():
    arrays = make_arrays(hours=6)
    unready(arrays, 0, 10 * 15 + 7)
    blocks = Blocks(arrays)
    chunks = list(blocks.stream([Piece(1, 0, 24), Piece(0, 4, 11)], PLAIN, chunk_blocks=5))
    assert [chunk.x[2].shape[1] for chunk in chunks] == [5, 5, 5, 5, 4]
    fast = np.concatenate([chunk.x[0] for chunk in chunks], axis=1)
    np.testing.assert_array_equal(fast[0], arrays.series[0].x[:, 1])
    broken = np.where(arrays.series[0].ready[60:165, 0, None], arrays.series[0].x[60:165, 0], 0.0)
    np.testing.assert_array_equal(fast[1, : 7 * 15], broken)
    assert (fast[1, 7 * 15 :] == 0).all()
    label = np.concatenate([chunk.label for chunk in chunks], axis=1)
    np.testing.assert_array_equal(label[0, 2:], arrays.label[2:, 1])
    np.testing.assert_array_equal(label[1, :19], arrays.label[12:31, 0])
    assert (label[1, 19:] == Label.UNKNOWN).all()


def test_pieces_of_a_span_lie_inside_it_but_for_the_warm_up():
    blocks = Blocks(make_arrays(hours=6, n=1))
    span = Span(start_ns=START_NS + 65 * NS_PER_MIN, end_ns=START_NS + 175 * NS_PER_MIN)
    assert blocks.pieces(span) == [Piece(0, 5, 11)]
    assert blocks.pieces(span, warm_up_blocks=3) == [Piece(0, 2, 11)]
    assert blocks.pieces(span, warm_up_blocks=300) == [Piece(0, 0, 11)]


def test_cut_pieces_cover_the_same_blocks_at_phases_that_change():
    pieces = [Piece(0, 3, 40), Piece(1, 0, 7)]
    rng = np.random.default_rng(0)
    epochs = [cut_pieces(pieces, 8, rng) for _ in range(5)]
    for cut in epochs:
        assert max(piece.stop - piece.first for piece in cut) <= 8
        covered = sorted((piece.instrument, at) for piece in cut for at in range(piece.first, piece.stop))
        assert covered == [(0, at) for at in range(3, 40)] + [(1, at) for at in range(7)]
    assert len({tuple(sorted(cut)) for cut in epochs}) > 1


def test_decisions_that_the_arrays_leave_out_have_no_label():
    arrays = make_arrays(hours=2)
    fields = {name: getattr(arrays, name) for name in arrays.__struct_fields__}
    for name in ("ts_ns", "label", "taker_long", "taker_short", "maker_long", "maker_short", "vol_daily"):
        fields[name] = fields[name][::2]
    blocks = Blocks(type(arrays)(**fields))
    assert (blocks.label[1::2] == Label.UNKNOWN).all()
    np.testing.assert_array_equal(blocks.label[::2], arrays.label[::2])


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40), st.integers(1, 9), st.integers(0, 9))
def test_batches_hold_every_piece_once_with_its_like(lengths, size, seed):
    pieces = [Piece(0, 100 * at, 100 * at + length) for at, length in enumerate(lengths)]
    batches = batch_pieces(pieces, size, np.random.default_rng(seed))
    assert sorted(piece for batch in batches for piece in batch) == pieces
    assert max(map(len, batches)) <= size
    spans = sorted((min(p.stop - p.first for p in b), max(p.stop - p.first for p in b)) for b in batches)
    assert all(low[1] <= high[0] for low, high in pairwise(spans))
