"""Predictions from a model: bar by bar in service, and over whole arrays at once, with the same numbers.

A run of an instrument starts with the first bar of a block (a bar of the slowest timeframe and all in it) and ends
at a hole; its first decision is the one at which all timeframes have closed a bar. Both ways keep to that.
"""

from typing import Any, Final

import numpy as np
import torch
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.labels import Label
from helios_nautilus.errors import ModelError
from helios_nautilus.models.calibrate import probabilities
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.dataset import Arrays, Float32s, Scaler
from helios_nautilus.models.network import HeliosNetwork
from helios_nautilus.models.sequences import Blocks, Piece
from helios_nautilus.models.step import build_stepper

_BATCH: Final = 64
_CHUNK_BLOCKS: Final = 96


class PredictionValues(Struct, frozen=True, kw_only=True):
    """Calibrated probabilities of one decision; they sum to one, and so does the attention."""

    p_buy: float
    p_sell: float
    p_hold: float
    attention: tuple[float, float, float]
    """Weight of each timeframe, fastest first."""


class _Run:
    """One instrument's unbroken run: its network state, and the bars that the network has not seen yet."""

    def __init__(self, start_ns: int, lengths_ns: tuple[int, ...], state: list[Any]) -> None:
        self.start_ns = start_ns
        self.next_ns = [start_ns + length for length in lengths_ns]
        self.pending: list[list[Float32s]] = [[] for _ in lengths_ns]
        self.state = state


class Predictor:
    """A model in service for several instruments. Calls must come from one thread at a time.

    The caller observes every bar's features as it closes, and asks for a decision once all bars of that stamp are
    observed; only new bars cost anything.
    """

    def __init__(self, model: Model, n_instruments: int) -> None:
        self._stepper = build_stepper(model.network)
        self._n_features = model.network.n_features
        self._bars_per_block = model.network.bars_per_block
        self._temperature = model.card.temperature
        self._lengths_ns = model.card.timeframes.lengths_ns
        self._scaler = model.card.scaler
        self._scaling = [model.card.scaler.columns(index) for index in range(len(self._lengths_ns))]
        self._clip = model.card.scaler.clip
        self._runs: list[_Run | None] = [None] * n_instruments

    def observe(self, timeframe: int, instrument: int, features: Float32s | Floats, ts_ns: int) -> None:
        """Take in the features (n_features,) of the bar of one timeframe that closed at ``ts_ns``.

        The run ends if a bar of any timeframe that was due before this one opened has not come, or if a value is not
        finite; the instrument then starts anew at the next block. Bars seen already are ignored.
        """
        x_f = np.asarray(features, dtype=np.float32)
        if x_f.shape != (self._n_features,):
            raise ModelError(f"features of shape {x_f.shape} observed, the model wants {(self._n_features,)}")
        if not np.isfinite(x_f).all():
            self.reset(instrument)
            return
        length_ns = self._lengths_ns[timeframe]
        run = self._runs[instrument]
        if run is None or any(due <= ts_ns - length_ns for due in run.next_ns):
            run = self._runs[instrument] = self._begin(timeframe, ts_ns)
        if run is None or ts_ns != run.next_ns[timeframe]:
            return
        run.next_ns[timeframe] += length_ns
        run.pending[timeframe].append(x_f)
        if len(run.pending[timeframe]) > self._bars_per_block[timeframe]:
            self._catch_up(run, timeframe)

    def decide(self, instrument: int, ts_ns: int) -> PredictionValues | None:
        """The prediction at ``ts_ns``, or None.

        None while the run is too young, when a bar due by then is missing, and when a later bar has been seen.
        """
        run = self._runs[instrument]
        if run is None or run.next_ns[-1] == run.start_ns + self._lengths_ns[-1]:
            return None
        if not all(due - length <= ts_ns < due for due, length in zip(run.next_ns, self._lengths_ns, strict=True)):
            return None
        for timeframe in range(len(self._lengths_ns)):
            self._catch_up(run, timeframe)
        logits, attention = self._stepper.decide(run.state)
        p = probabilities(logits.astype(np.float64), self._temperature).tolist()
        high, medium, low = attention.tolist()
        return PredictionValues(
            p_buy=p[Label.BUY], p_sell=p[Label.SELL], p_hold=p[Label.HOLD], attention=(high, medium, low)
        )

    def catch_up(self, arrays: Arrays) -> None:
        """Take a whole past at once, so that service starts with the state that training would have.

        Leaves every instrument whose run lasts to the end of the arrays as if its bars had been observed one by one.
        Labels are not looked at.
        """
        blocks = Blocks(arrays)
        end_ns = blocks.start_ns + blocks.n_blocks * blocks.block_ns
        for piece in blocks.pieces():
            if piece.stop < blocks.n_blocks or not blocks.whole[-1, piece.instrument]:
                continue
            run = self._runs[piece.instrument] = self._new_run(blocks.start_ns + piece.first * blocks.block_ns)
            run.next_ns = [end_ns + length_ns for length_ns in self._lengths_ns]
            for chunk in blocks.stream([piece], self._scaler, _CHUNK_BLOCKS):
                for timeframe, (x_tf,) in enumerate(chunk.x):
                    self._step(run, timeframe, x_tf)

    def reset(self, instrument: int) -> None:
        """Forget an instrument's past, as after a hole."""
        self._runs[instrument] = None

    def _begin(self, timeframe: int, ts_ns: int) -> _Run | None:
        """A new run, if this is the fastest timeframe's first bar of a block."""
        start_ns = ts_ns - self._lengths_ns[0]
        if timeframe != 0 or start_ns % self._lengths_ns[-1]:
            return None
        return self._new_run(start_ns)

    def _new_run(self, start_ns: int) -> _Run:
        return _Run(start_ns, self._lengths_ns, self._stepper.initial_state())

    def _catch_up(self, run: _Run, timeframe: int) -> None:
        if not run.pending[timeframe]:
            return
        mean, std = self._scaling[timeframe]
        x_tf = ((np.array(run.pending[timeframe]) - mean) / std).clip(-self._clip, self._clip)
        run.pending[timeframe].clear()
        self._step(run, timeframe, x_tf)

    def _step(self, run: _Run, timeframe: int, x_tf: Float32s) -> None:
        run.state[timeframe] = self._stepper.advance(timeframe, run.state[timeframe], x_tf)


class ArrayPredictions(Struct, frozen=True, kw_only=True):
    """Raw predictions of every decision of `Arrays`; NaN where none can be made.

    ``logits`` (decisions, instruments, 3) in the order of `Label`, before calibration; ``attention`` likewise, over
    the timeframes.
    """

    logits: Floats
    attention: Floats

    def probabilities(self, temperature: float) -> Floats:
        """Calibrated probabilities (decisions, instruments, 3)."""
        return probabilities(self.logits, temperature)


def predict_arrays(model: Model, arrays: Arrays) -> ArrayPredictions:
    """Predict a whole history, in the order of time, with the numbers that `Predictor` would give.

    The last, unfinished bar of the slowest timeframe is left out.
    """
    blocks = Blocks(arrays)
    return predict_pieces(model.network, model.card.scaler, arrays, blocks, blocks.pieces())


@torch.inference_mode()
def predict_pieces(
    network: HeliosNetwork, scaler: Scaler, arrays: Arrays, blocks: Blocks, pieces: list[Piece]
) -> ArrayPredictions:
    """Predict the valid decisions in some pieces of the history, each from a fresh state."""
    network.eval()
    device = next(network.parameters()).device
    logits = np.full((len(blocks.ts_ns), len(arrays.instrument_ids), 3), np.nan)
    attention = np.full_like(logits, np.nan)
    for group in (pieces[at : at + _BATCH] for at in range(0, len(pieces), _BATCH)):
        state = network.initial_state(len(group))
        for chunk in blocks.stream(group, scaler, _CHUNK_BLOCKS):
            x_mbtf = tuple(torch.from_numpy(x).to(device) for x in chunk.x)
            logits_bdk, attention_bdm, state = network(x_mbtf, state)
            instrument = np.broadcast_to(chunk.instrument[:, None], chunk.row.shape)[chunk.valid]
            row = chunk.row[chunk.valid]
            logits[row, instrument] = logits_bdk.cpu().numpy()[chunk.valid]
            attention[row, instrument] = attention_bdm.cpu().numpy()[chunk.valid]
    return ArrayPredictions(
        logits=_by_decision(logits, arrays, blocks), attention=_by_decision(attention, arrays, blocks)
    )


def _by_decision(of_rows: Floats, arrays: Arrays, blocks: Blocks) -> Floats:
    values = np.full((len(arrays.ts_ns), *of_rows.shape[1:]), np.nan)
    values[blocks.decisions_of_rows] = of_rows[blocks.rows]
    return values
