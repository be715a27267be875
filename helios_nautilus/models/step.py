"""The network bar by bar, in service: one sequence, its state carried along.

On a CPU the arithmetic of a bar is compiled here, because torch needs ten times as long for its calls as for the sums
of a small network, and packs all the weights anew at each call for those of a large one. The formulas are those of
`models.network`, number by number; a test holds the two together. On any other device torch itself takes the steps.

Shape suffixes as there; i inputs of a layer, g its gates side by side.
"""

from collections.abc import Sequence
from math import erf, sqrt
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

from helios_nautilus.models.dataset import Float32s
from helios_nautilus.models.network import Branch, BranchState, Head, HeliosNetwork


class Stepper[S](Protocol):
    """A network that takes bars as they come. ``S`` is what it remembers of one timeframe."""

    def initial_state(self) -> list[S]:
        """The state before the first bar, a part for each timeframe."""
        ...

    def advance(self, timeframe: int, state: S, x_tf: Float32s) -> S:
        """The state of a timeframe after its next bars; ``state`` is used up."""
        ...

    def decide(self, states: Sequence[S]) -> tuple[Float32s, Float32s]:
        """Logits (k,) and attention (m,) from the newest bar of each timeframe."""
        ...


def build_stepper(network: HeliosNetwork) -> Stepper[Any]:
    """What serves a network on the device that it is on. The network must not be trained any further."""
    device = next(network.parameters()).device
    return CompiledStepper(network) if device.type == "cpu" else TorchStepper(network)


class TorchStepper:
    """The network itself, on whatever device it is."""

    def __init__(self, network: HeliosNetwork) -> None:
        self._network = network.eval()
        self._device = next(network.parameters()).device

    def initial_state(self) -> list[BranchState]:
        """See `Stepper`."""
        return list(self._network.initial_state(1))

    @torch.inference_mode()
    def advance(self, timeframe: int, state: BranchState, x_tf: Float32s) -> BranchState:
        """See `Stepper`."""
        _, after = self._network.branches[timeframe](torch.from_numpy(x_tf).to(self._device).unsqueeze(0), state)
        return after  # type: ignore[no-any-return]

    @torch.inference_mode()
    def decide(self, states: Sequence[BranchState]) -> tuple[Float32s, Float32s]:
        """See `Stepper`."""
        token_bdme = torch.stack([state.encoding_be for state in states], dim=1).unsqueeze(1)
        logits_bdk, attention_bdm = self._network.head(token_bdme)
        return logits_bdk[0, 0].cpu().numpy(), attention_bdm[0, 0].cpu().numpy()


class Memory(NamedTuple):
    """`BranchState` of a single sequence, changed in place."""

    lstm_h_lh: Float32s
    lstm_c_lh: Float32s
    gru_h_le: Float32s


class CompiledStepper:
    """The same numbers by compiled code, from weights laid out once."""

    def __init__(self, network: HeliosNetwork) -> None:
        branches = [each for each in network.branches if isinstance(each, Branch)]
        self._branches = [(_lay_out(each.lstm), _lay_out(each.gru)) for each in branches]
        self._head = _lay_out_head(network.head)

    def initial_state(self) -> list[Memory]:
        """See `Stepper`."""
        return [Memory(_zeros(lstm), _zeros(lstm), _zeros(gru)) for lstm, gru in self._branches]

    def advance(self, timeframe: int, state: Memory, x_tf: Float32s) -> Memory:
        """See `Stepper`."""
        lstm, gru = self._branches[timeframe]
        _advance(lstm, gru, state, np.ascontiguousarray(x_tf))
        return state

    def decide(self, states: Sequence[Memory]) -> tuple[Float32s, Float32s]:
        """See `Stepper`."""
        return _decide(self._head, np.array([state.gru_h_le[-1] for state in states]))


class _Layer(NamedTuple):
    """A recurrent layer; the gates in torch's order: input, forget, cell, output; or reset, update, new."""

    w_in_ig: Float32s
    w_state_hg: Float32s
    b_in_g: Float32s
    b_state_g: Float32s


class _Head(NamedTuple):
    """`network.Head`; ``w_qkv`` gives queries, keys and values side by side."""

    heads: int
    w_qkv: Float32s
    b_qkv: Float32s
    w_mix: Float32s
    b_mix: Float32s
    norm_eps: float
    norm_scale: Float32s
    norm_shift: Float32s
    w_dense: Float32s
    b_dense: Float32s
    w_out: Float32s
    b_out: Float32s


def _lay_out(layers: nn.RNNBase) -> tuple[_Layer, ...]:
    kinds = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    return tuple(
        _Layer(*(_columns(getattr(layers, f"{kind}_l{index}")) for kind in kinds)) for index in range(layers.num_layers)
    )


def _zeros(layers: tuple[_Layer, ...]) -> Float32s:
    return np.zeros((len(layers), len(layers[0].w_state_hg)), dtype=np.float32)


def _lay_out_head(head: Head) -> _Head:
    attention, dense = head.attention, head.dense[0]
    assert isinstance(dense, nn.Linear)
    return _Head(
        heads=attention.num_heads,
        w_qkv=_columns(attention.in_proj_weight),
        b_qkv=_columns(attention.in_proj_bias),
        w_mix=_columns(attention.out_proj.weight),
        b_mix=_columns(attention.out_proj.bias),
        norm_eps=head.norm.eps,
        norm_scale=_columns(head.norm.weight),
        norm_shift=_columns(head.norm.bias),
        w_dense=_columns(dense.weight),
        b_dense=_columns(dense.bias),
        w_out=_columns(head.out.weight),
        b_out=_columns(head.out.bias),
    )


def _columns(weight: Tensor) -> Float32s:
    """A weight with a column for each output; a bias as it is."""
    columns: Float32s = np.ascontiguousarray(weight.detach().numpy().T)
    return columns


_compiled = njit(cache=True, error_model="numpy")


@_compiled
def _advance(lstm: tuple[_Layer, ...], gru: tuple[_Layer, ...], state: Memory, x_ti: Float32s) -> None:
    """Take bars through the layers of a branch, one layer after the other."""
    for layer in range(len(lstm)):
        x_ti = _run_lstm(lstm[layer], state.lstm_h_lh[layer], state.lstm_c_lh[layer], x_ti)
    for layer in range(len(gru)):
        x_ti = _run_gru(gru[layer], state.gru_h_le[layer], x_ti)


@_compiled
def _run_lstm(layer: _Layer, h: Float32s, c: Float32s, x_ti: Float32s) -> Float32s:
    """Outputs (t, h) of an LSTM layer; ``h`` and ``c`` are left as they are after the last bar."""
    n = len(h)
    in_tg = _linear(x_ti, layer.w_in_ig, layer.b_in_g)
    out_th = np.empty((len(x_ti), n), np.float32)
    for t in range(len(x_ti)):
        gate = in_tg[t] + _linear(h.reshape(1, n), layer.w_state_hg, layer.b_state_g)[0]
        for j in range(n):
            kept = _sigmoid(gate[n + j]) * c[j]
            c[j] = kept + _sigmoid(gate[j]) * np.tanh(gate[2 * n + j])
            h[j] = _sigmoid(gate[3 * n + j]) * np.tanh(c[j])
        out_th[t] = h
    return out_th


@_compiled
def _run_gru(layer: _Layer, h: Float32s, x_ti: Float32s) -> Float32s:
    """Outputs (t, h) of a GRU layer; ``h`` is left as it is after the last bar."""
    n = len(h)
    in_tg = _linear(x_ti, layer.w_in_ig, layer.b_in_g)
    out_th = np.empty((len(x_ti), n), np.float32)
    for t in range(len(x_ti)):
        gate = _linear(h.reshape(1, n), layer.w_state_hg, layer.b_state_g)[0]
        for j in range(n):
            reset, update = _sigmoid(in_tg[t, j] + gate[j]), _sigmoid(in_tg[t, n + j] + gate[n + j])
            new = np.tanh(in_tg[t, 2 * n + j] + reset * gate[2 * n + j])
            h[j] = new + update * (h[j] - new)
        out_th[t] = h
    return out_th


@_compiled
def _decide(head: _Head, token_me: Float32s) -> tuple[Float32s, Float32s]:
    """Logits (k,) and attention (m,)."""
    mixed_me, attention_m = _attend(head, token_me)
    token_me = token_me + _linear(mixed_me, head.w_mix, head.b_mix)
    for token in token_me:
        _normalise(head, token)
    dense = _linear(token_me.reshape(1, token_me.size), head.w_dense, head.b_dense)
    for j in range(dense.size):
        dense[0, j] *= 0.5 * (1.0 + erf(dense[0, j] / sqrt(2.0)))
    return _linear(dense, head.w_out, head.b_out)[0], attention_m


@_compiled
def _attend(head: _Head, token_me: Float32s) -> tuple[Float32s, Float32s]:
    """Values mixed by attention (m, e), and how much of it each timeframe got (m,)."""
    m, e = token_me.shape
    width = e // head.heads
    qkv = _linear(token_me, head.w_qkv, head.b_qkv)
    mixed_me, attention_m, no_bias = np.empty((m, e), np.float32), np.zeros(m, np.float32), np.zeros(e, np.float32)
    for first in range(0, e, width):
        query_mw = qkv[:, first : first + width] / np.float32(sqrt(width))
        key_wm = qkv[:, e + first : e + first + width].T
        value_mw = qkv[:, 2 * e + first : 2 * e + first + width]
        weight_mm = _linear(query_mw, key_wm, no_bias[:m])
        for weight_m in weight_mm:
            weight_m[:] = np.exp(weight_m - weight_m.max())
            weight_m /= weight_m.sum()
            attention_m += weight_m / np.float32(m * head.heads)
        mixed_me[:, first : first + width] = _linear(weight_mm, value_mw, no_bias[:width])
    return mixed_me, attention_m


@_compiled
def _normalise(head: _Head, token: Float32s) -> None:
    """Layer norm, in place."""
    token -= token.mean()
    token *= head.norm_scale / np.float32(sqrt((token * token).mean() + head.norm_eps))
    token += head.norm_shift


@_compiled
def _linear(x_ti: Float32s, w_ig: Float32s, b_g: Float32s) -> Float32s:
    """``x w + b`` in an order of its own, so that the sums are the same whatever library and threads there are.

    Each row of the weights is read once for all bars, which is what takes the time in wide layers.
    """
    out_tg = np.empty((len(x_ti), len(b_g)), np.float32)
    out_tg[:] = b_g
    for i in range(len(w_ig)):
        for t in range(len(x_ti)):
            x = x_ti[t, i]
            for g in range(len(b_g)):
                out_tg[t, g] += x * w_ig[i, g]
    return out_tg


@_compiled
def _sigmoid(x: np.float32) -> np.float32:
    one = np.float32(1.0)
    return np.float32(one / (one + np.exp(-x)))
