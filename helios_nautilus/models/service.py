"""A model in service, bar by bar: what `models.predict` works out for a whole history, with the same numbers.

Every instrument's unbroken run keeps its state; a hole ends the run, and the next one starts from nothing with the next
block (a bar of the slowest timeframe and all in it), as in training.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.labels import Label
from helios_nautilus.errors import ModelError
from helios_nautilus.models.calibrate import probabilities
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.dataset import Arrays, Float32s
from helios_nautilus.models.graphs import GraphStepper
from helios_nautilus.models.network import HeliosNetwork
from helios_nautilus.models.precision import Precision
from helios_nautilus.models.sequences import Blocks, Piece
from helios_nautilus.models.step import CompiledStepper, Stepper, TorchStepper

_CHUNK_BLOCKS: Final = 96


class PredictionValues(Struct, frozen=True, kw_only=True):
    """Calibrated probabilities of one decision; they sum to one, and so does the attention."""

    p_buy: float
    p_sell: float
    p_hold: float
    model_id: str
    """Which model says so."""
    attention: tuple[float, float, float]
    """Weight of each timeframe, fastest first."""
    novelty: float = 0.0
    """How far out the newest bars lie; above 1 is beyond the limit of the card, and nothing should be made of it."""


def build_stepper(network: HeliosNetwork, n_slots: int, precision: Precision = "fp32") -> Stepper:
    """What serves a network on the device that it is on; int8 weights on the CPU, wherever the network is.

    The network must not be trained any further.
    """
    device = next(network.parameters()).device.type
    if device == "cpu" or precision == "int8":
        return CompiledStepper(network, n_slots, precision)
    return GraphStepper(network, n_slots) if device == "cuda" else TorchStepper(network, n_slots)


class _Run:
    """One instrument's unbroken run, and the scaled bars that the network has not seen yet."""

    def __init__(self, start_ns: int, lengths_ns: tuple[int, ...]) -> None:
        self.start_ns = start_ns
        self.next_ns = [start_ns + length for length in lengths_ns]
        self.pending: list[list[Float32s]] = [[] for _ in lengths_ns]


class Predictor:
    """A model in service for several instruments. Calls must come from one thread at a time.

    The caller observes every bar's features as it closes, and asks for decisions once all bars of that stamp are
    observed; only new bars cost anything, and all instruments go through the network side by side.
    """

    def __init__(self, model: Model, n_instruments: int, precision: Precision = "fp32") -> None:
        card = model.card
        self._model_id = model.model_id
        self._stepper = build_stepper(model.network, n_instruments, precision)
        self._n_features = card.n_features
        self._bars_per_block = model.network.bars_per_block
        self._temperature = card.temperature
        self._lengths_ns = card.timeframes.lengths_ns
        self._scaler, self._profile = card.scaler, card.profile
        self._scaling = [card.scaler.columns(index) for index in range(len(self._lengths_ns))]
        self._newest_mbf = np.zeros((len(self._lengths_ns), n_instruments, card.n_features), dtype=np.float32)
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
            run = self._begin(timeframe, instrument, ts_ns)
        if run is None or ts_ns != run.next_ns[timeframe]:
            return
        run.next_ns[timeframe] += length_ns
        run.pending[timeframe].append(x_f)
        if len(run.pending[timeframe]) > self._bars_per_block[timeframe]:
            self._catch_up(timeframe, [instrument])

    def decide(self, ts_ns: int) -> list[PredictionValues | None]:
        """The prediction of every instrument at ``ts_ns``, or None.

        None while its run is too young, when a bar due by then is missing, and when a later bar has been seen.
        """
        ready = [instrument for instrument, run in enumerate(self._runs) if run and self._is_ready(run, ts_ns)]
        said: list[PredictionValues | None] = [None] * len(self._runs)
        if not ready:
            return said
        for timeframe in range(len(self._lengths_ns)):
            self._catch_up(timeframe, ready)
        logits_bk, attention_bm = self._stepper.decide(np.array(ready))
        p_bk = probabilities(logits_bk.astype(np.float64), self._temperature)
        novelty_b = self._profile.novelty(self._newest_mbf[:, ready])
        for instrument, p, attention, novelty in zip(
            ready, p_bk.tolist(), attention_bm.tolist(), novelty_b.tolist(), strict=True
        ):
            high, medium, low = attention
            said[instrument] = PredictionValues(
                p_buy=p[Label.BUY],
                p_sell=p[Label.SELL],
                p_hold=p[Label.HOLD],
                model_id=self._model_id,
                attention=(high, medium, low),
                novelty=novelty,
            )
        return said

    def catch_up(self, arrays: Arrays) -> None:
        """Take a whole past at once, so that service starts with the state that training would have.

        Leaves every instrument whose run lasts to the end of the arrays as if its bars had been observed one by one.
        Labels are not looked at.
        """
        blocks = Blocks(arrays)
        end_ns = blocks.start_ns + blocks.n_blocks * blocks.block_ns
        lasting = [
            piece for piece in blocks.pieces() if piece.stop == blocks.n_blocks and blocks.whole[-1, piece.instrument]
        ]
        for piece in lasting:
            run = self._start(piece.instrument, blocks.start_ns + piece.first * blocks.block_ns)
            run.next_ns = [end_ns + length_ns for length_ns in self._lengths_ns]
        for _, together in groupby(sorted(lasting, key=_first_then_instrument), key=lambda piece: piece.first):
            pieces = list(together)
            for chunk in blocks.stream(pieces, self._scaler, _CHUNK_BLOCKS):
                for timeframe, x_btf in enumerate(chunk.x):
                    self._advance(timeframe, [piece.instrument for piece in pieces], x_btf)
        if lasting:
            self._stepper.decide(np.array([lasting[0].instrument]))  # compiled now, not while a decision is waited for

    def reset(self, instrument: int) -> None:
        """Forget an instrument's past, as after a hole."""
        self._runs[instrument] = None

    def _begin(self, timeframe: int, instrument: int, ts_ns: int) -> _Run | None:
        """A new run, if this is the fastest timeframe's first bar of a block."""
        self._runs[instrument] = None
        start_ns = ts_ns - self._lengths_ns[0]
        if timeframe != 0 or start_ns % self._lengths_ns[-1]:
            return None
        return self._start(instrument, start_ns)

    def _start(self, instrument: int, start_ns: int) -> _Run:
        self._stepper.reset(instrument)
        run = self._runs[instrument] = _Run(start_ns, self._lengths_ns)
        return run

    def _is_ready(self, run: _Run, ts_ns: int) -> bool:
        has_slowest = run.next_ns[-1] > run.start_ns + self._lengths_ns[-1]
        dues = zip(run.next_ns, self._lengths_ns, strict=True)
        return has_slowest and all(due - length_ns <= ts_ns < due for due, length_ns in dues)

    def _catch_up(self, timeframe: int, instruments: Iterable[int]) -> None:
        """Take the pending bars of one timeframe through the network, instruments with equally many side by side."""
        waiting: dict[int, list[int]] = defaultdict(list)
        for instrument in instruments:
            run = self._runs[instrument]
            if run is not None and run.pending[timeframe]:
                waiting[len(run.pending[timeframe])].append(instrument)
        for together in waiting.values():
            runs = [run for instrument in together if (run := self._runs[instrument])]
            x_btf = np.array([run.pending[timeframe] for run in runs])
            for run in runs:
                run.pending[timeframe] = []
            # The scaler's own arithmetic, from columns that are at hand.
            mean, std = self._scaling[timeframe]
            clip = self._scaler.clip
            self._advance(timeframe, together, np.minimum(np.maximum((x_btf - mean) / std, -clip), clip))

    def _advance(self, timeframe: int, instruments: list[int], x_btf: Float32s) -> None:
        self._newest_mbf[timeframe, instruments] = x_btf[:, -1]
        self._stepper.advance(timeframe, np.array(instruments), x_btf)


def _first_then_instrument(piece: Piece) -> tuple[int, int]:
    return piece.first, piece.instrument
