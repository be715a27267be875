"""The weights of a network as the CPU serves them: laid out once, in single precision or in eight bits.

A bar's step through a wide network takes as long as its weights take to read. In eight bits they are a quarter as
long; sums stay in single precision. How far the probabilities may move by that is `INT8_TOLERANCE`.
"""

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from helios_nautilus.models.dataset import Float32s
from helios_nautilus.models.network import Branch, Head, HeliosNetwork

type Precision = Literal["fp32", "int8"]
"""How weights are kept in service on a CPU."""

INT8_TOLERANCE: Final = 0.005
"""How far a calibrated probability of a trained network may lie from that of single precision; a test holds it."""

_INT8_MAX: Final = 127


class Dense(NamedTuple):
    """``x w + b`` of i inputs and g outputs, the weights in units of their column's scale."""

    w_ig: Float32s | NDArray[np.int8]
    scale_g: Float32s
    b_g: Float32s


class Recurrent(NamedTuple):
    """A recurrent layer; the gates in torch's order: input, forget, cell, output; or reset, update, new."""

    of_input: Dense
    of_state: Dense


class Weights(NamedTuple):
    """The layers of a branch, from its input on."""

    lstm: tuple[Recurrent, ...]
    gru: tuple[Recurrent, ...]


class HeadWeights(NamedTuple):
    """`network.Head`; ``qkv`` gives queries, keys and values side by side."""

    heads: int
    qkv: Dense
    mix: Dense
    norm_eps: float
    norm_scale: Float32s
    norm_shift: Float32s
    dense: Dense
    out: Dense


def lay_out(network: HeliosNetwork, precision: Precision) -> tuple[tuple[Weights, ...], HeadWeights]:
    """The weights of every branch, and those of the head."""
    branches = [each for each in network.branches if isinstance(each, Branch)]
    weights = tuple(Weights(_layers(each.lstm, precision), _layers(each.gru, precision)) for each in branches)
    return weights, _head(network.head, precision)


def _layers(layers: nn.RNNBase, precision: Precision) -> tuple[Recurrent, ...]:
    def dense(kind: str, layer: int) -> Dense:
        weight, bias = (getattr(layers, f"{what}_{kind}_l{layer}") for what in ("weight", "bias"))
        return _dense(weight, bias, precision)

    return tuple(Recurrent(dense("ih", layer), dense("hh", layer)) for layer in range(layers.num_layers))


def _head(head: Head, precision: Precision) -> HeadWeights:
    attention, dense = head.attention, head.dense[0]
    assert isinstance(dense, nn.Linear)
    return HeadWeights(
        heads=attention.num_heads,
        qkv=_dense(attention.in_proj_weight, attention.in_proj_bias, precision),
        mix=_dense(attention.out_proj.weight, attention.out_proj.bias, precision),
        norm_eps=head.norm.eps,
        norm_scale=_columns(head.norm.weight),
        norm_shift=_columns(head.norm.bias),
        dense=_dense(dense.weight, dense.bias, precision),
        out=_dense(head.out.weight, head.out.bias, precision),
    )


def _dense(weight: Tensor, bias: Tensor, precision: Precision) -> Dense:
    w_ig, b_g = _columns(weight), _columns(bias)
    if precision == "fp32":
        return Dense(w_ig, np.ones(len(b_g), dtype=np.float32), b_g)
    largest_g = np.abs(w_ig).max(axis=0)
    scale_g = np.where(largest_g > 0, largest_g / _INT8_MAX, 1.0).astype(np.float32)
    return Dense(np.rint(w_ig / scale_g).astype(np.int8), scale_g, b_g)


def _columns(weight: Tensor) -> Float32s:
    """A weight with a column for each output; a bias as it is."""
    columns: Float32s = np.ascontiguousarray(weight.detach().cpu().numpy().T)
    return columns
