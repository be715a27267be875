"""The arithmetic of the network on a CPU, compiled: bars through a branch, encodings through the head.

Torch needs ten times as long for its calls as for the sums of a small network, and packs all the weights anew at each
call for those of a large one. The formulas are those of `models.network`, number by number; a test holds the two
together. Sums are taken in an order of their own, so that on one kind of processor they are the same whatever library
and threads there are.

Shape suffixes as there; n rows that share a product, s slots (the sequences whose state is kept), i inputs and g
outputs of a layer.
"""

from math import erf, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from helios_nautilus.domain.bars import Ints
from helios_nautilus.models.dataset import Float32s
from helios_nautilus.models.precision import Dense, HeadWeights, Recurrent, Weights


class Memory(NamedTuple):
    """`network.BranchState` of every slot, changed in place."""

    lstm_h_lsh: Float32s
    lstm_c_lsh: Float32s
    gru_h_lse: Float32s


_compiled = njit(cache=True, error_model="numpy")
_fused = njit(cache=True, error_model="numpy", fastmath={"contract"})
"""Products and sums in one instruction where the processor has it."""


@_compiled
def advance(weights: Weights, memory: Memory, slot_b: Ints, x_bti: Float32s) -> None:
    """Take bars (b, t, i) of some slots through the layers of a branch, one layer after the other."""
    for layer in range(len(weights.lstm)):
        x_bti = _run_lstm(weights.lstm[layer], memory.lstm_h_lsh[layer], memory.lstm_c_lsh[layer], slot_b, x_bti)
    for layer in range(len(weights.gru)):
        x_bti = _run_gru(weights.gru[layer], memory.gru_h_lse[layer], slot_b, x_bti)


@_compiled
def decide(head: HeadWeights, token_bme: Float32s) -> tuple[Float32s, Float32s]:
    """Logits (b, k) and attention (b, m) from the newest encoding of each timeframe."""
    b, m, e = token_bme.shape
    token_ne = token_bme.reshape(b * m, e)
    qkv_ng = _linear(token_ne, head.qkv)
    mixed_ne, attention_bm = np.empty((b * m, e), np.float32), np.zeros((b, m), np.float32)
    for row in range(b):
        rows = slice(row * m, row * m + m)
        _attend(qkv_ng[rows], head.heads, mixed_ne[rows], attention_bm[row])
    token_ne = token_ne + _linear(mixed_ne, head.mix)
    for token in token_ne:
        _normalise(head, token)
    dense = _linear(token_ne.reshape(b, m * e), head.dense)
    for row in range(b):
        for j in range(dense.shape[1]):
            dense[row, j] *= 0.5 * (1.0 + erf(dense[row, j] / sqrt(2.0)))
    return _linear(dense, head.out), attention_bm


@_compiled
def _run_lstm(layer: Recurrent, h_sh: Float32s, c_sh: Float32s, slot_b: Ints, x_bti: Float32s) -> Float32s:
    """Outputs (b, t, h) of an LSTM layer; the slots' ``h`` and ``c`` are left as they are after the last bar."""
    b, t, i = x_bti.shape
    n = h_sh.shape[1]
    in_btg = _linear(x_bti.reshape(b * t, i), layer.of_input).reshape(b, t, 4 * n)
    h_bh, out_bth = h_sh[slot_b], np.empty((b, t, n), np.float32)
    for bar in range(t):
        gate_bg = _linear(h_bh, layer.of_state)
        for row in range(b):
            gate, c, h = gate_bg[row] + in_btg[row, bar], c_sh[slot_b[row]], h_bh[row]
            for j in range(n):
                kept = _sigmoid(gate[n + j]) * c[j]
                c[j] = kept + _sigmoid(gate[j]) * np.tanh(gate[2 * n + j])
                h[j] = _sigmoid(gate[3 * n + j]) * np.tanh(c[j])
            out_bth[row, bar] = h
    _store(h_bh, slot_b, h_sh)
    return out_bth


@_compiled
def _run_gru(layer: Recurrent, h_se: Float32s, slot_b: Ints, x_bti: Float32s) -> Float32s:
    """Outputs (b, t, e) of a GRU layer; the slots' ``h`` is left as it is after the last bar."""
    b, t, i = x_bti.shape
    n = h_se.shape[1]
    in_btg = _linear(x_bti.reshape(b * t, i), layer.of_input).reshape(b, t, 3 * n)
    h_be, out_bte = h_se[slot_b], np.empty((b, t, n), np.float32)
    for bar in range(t):
        gate_bg = _linear(h_be, layer.of_state)
        for row in range(b):
            gate, given, h = gate_bg[row], in_btg[row, bar], h_be[row]
            for j in range(n):
                reset, update = _sigmoid(given[j] + gate[j]), _sigmoid(given[n + j] + gate[n + j])
                new = np.tanh(given[2 * n + j] + reset * gate[2 * n + j])
                h[j] = new + update * (h[j] - new)
            out_bte[row, bar] = h
    _store(h_be, slot_b, h_se)
    return out_bte


@_compiled
def _store(h_bh: Float32s, slot_b: Ints, h_sh: Float32s) -> None:
    for row in range(len(slot_b)):
        h_sh[slot_b[row]] = h_bh[row]


@_compiled
def _attend(qkv_mg: Float32s, heads: int, mixed_me: Float32s, attention_m: Float32s) -> None:
    """Mix the values by attention, head by head, and add up how much of it each timeframe got."""
    m, e = mixed_me.shape
    width = e // heads
    for first in range(0, e, width):
        query_mw = qkv_mg[:, first : first + width] / np.float32(sqrt(width))
        key_wm = qkv_mg[:, e + first : e + first + width].T
        value_mw = qkv_mg[:, 2 * e + first : 2 * e + first + width]
        weight_mm = _product(query_mw, key_wm)
        for weight_m in weight_mm:
            weight_m[:] = np.exp(weight_m - weight_m.max())
            weight_m /= weight_m.sum()
            attention_m += weight_m / np.float32(m * heads)
        mixed_me[:, first : first + width] = _product(weight_mm, value_mw)


@_compiled
def _normalise(head: HeadWeights, token: Float32s) -> None:
    """Layer norm, in place."""
    token -= token.mean()
    token *= head.norm_scale / np.float32(sqrt((token * token).mean() + head.norm_eps))
    token += head.norm_shift


@_compiled
def _linear(x_ni: Float32s, dense: Dense) -> Float32s:
    """``x w + b``."""
    out_ng = _product(x_ni, dense.w_ig)
    for out_g in out_ng:
        out_g *= dense.scale_g
        out_g += dense.b_g
    return out_ng


@_fused
def _product(x_ni: Float32s, w_ig: Float32s | NDArray[np.int8]) -> Float32s:
    """``x w``. Each row of the weights is read once for all rows of ``x``; reading them is what takes the time.

    Four of them at a time, so that the sums are fetched and stored a quarter as often, for two rows of ``x`` at a time,
    so that eight bits are made floats half as often. In one piece, because only here does the compiler know that the
    sums overlap nothing, and takes eight of them at once.
    """
    n, inputs = x_ni.shape
    out_ng = np.zeros((n, w_ig.shape[1]), np.float32)
    fours = inputs - inputs % 4
    for i in range(0, fours, 4):
        w0, w1, w2, w3 = w_ig[i], w_ig[i + 1], w_ig[i + 2], w_ig[i + 3]
        for row in range(0, n - 1, 2):
            x0, x1, x2, x3 = x_ni[row, i], x_ni[row, i + 1], x_ni[row, i + 2], x_ni[row, i + 3]
            y0, y1, y2, y3 = x_ni[row + 1, i], x_ni[row + 1, i + 1], x_ni[row + 1, i + 2], x_ni[row + 1, i + 3]
            out_g, next_g = out_ng[row], out_ng[row + 1]
            for g in range(len(out_g)):
                a, b, c, d = np.float32(w0[g]), np.float32(w1[g]), np.float32(w2[g]), np.float32(w3[g])
                out_g[g] += (x0 * a + x1 * b) + (x2 * c + x3 * d)
                next_g[g] += (y0 * a + y1 * b) + (y2 * c + y3 * d)
        if n % 2:
            x0, x1, x2, x3 = x_ni[n - 1, i], x_ni[n - 1, i + 1], x_ni[n - 1, i + 2], x_ni[n - 1, i + 3]
            out_g = out_ng[n - 1]
            for g in range(len(out_g)):
                a, b, c, d = np.float32(w0[g]), np.float32(w1[g]), np.float32(w2[g]), np.float32(w3[g])
                out_g[g] += (x0 * a + x1 * b) + (x2 * c + x3 * d)
    for i in range(fours, inputs):
        for row in range(n):
            for g in range(out_ng.shape[1]):
                out_ng[row, g] += x_ni[row, i] * np.float32(w_ig[i, g])
    return out_ng


@_compiled
def _sigmoid(x: np.float32) -> np.float32:
    one = np.float32(1.0)
    return np.float32(one / (one + np.exp(-x)))
