"""Predictions of a whole history at once, with the numbers that `models.service` gives bar by bar.

A run of an instrument starts with the first bar of a block (a bar of the slowest timeframe and all in it) and ends
at a hole; its first decision is the one at which all timeframes have closed a bar. Both ways keep to that.
"""

from typing import Final

import numpy as np
import torch
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.models.calibrate import probabilities
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.dataset import Arrays, Scaler
from helios_nautilus.models.network import HeliosNetwork
from helios_nautilus.models.sequences import Blocks, Piece

_BATCH: Final = 64
_CHUNK_BLOCKS: Final = 96


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
