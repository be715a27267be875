"""GRU layers on a CPU, learning included: the numbers of `torch.nn.GRU` at a fraction of its time.

Torch keeps a graph of a dozen operations for every bar of every layer, and walks it back one by one: for small
networks that is most of a training. Here the way back is written out, and all of it that does not hang on the bar after
is reckoned for the whole chunk at once.

With the gates of a bar ``r`` (reset), ``z`` (update) and ``n`` (new), from what its input gives (``given``) and what
the state before it says (``gate``)::

    r = sigmoid(given_r + gate_r)    z = sigmoid(given_z + gate_z)    n = tanh(given_n + r * gate_n)
    h = n + z * (h_before - n)

Shape suffixes as in `models.network`; t before b; i inputs of a layer, g its three gates side by side.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


def run_gru(gru: nn.GRU, x_bti: Tensor, h_lbe: Tensor) -> tuple[Tensor, Tensor]:
    """What ``gru(x_bti, h_lbe)`` returns: outputs (b, t, e) of its last layer, and the state after the last bar."""
    x_tbi, after = x_bti.transpose(0, 1), []
    for layer in range(gru.num_layers):
        if layer:
            x_tbi = functional.dropout(x_tbi, gru.dropout, gru.training)
        of_input, of_state, input_bias, state_bias = (
            getattr(gru, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        x_tbi = _Scan.apply(functional.linear(x_tbi, of_input, input_bias), h_lbe[layer], of_state, state_bias)
        after.append(x_tbi[-1])
    return x_tbi.transpose(0, 1), torch.stack(after)


class _Scan(torch.autograd.Function):
    """One layer over its bars: ``given`` (t, b, g) and the state before (b, e) to the states after each bar."""

    @staticmethod
    def forward(ctx: Any, given_tbg: Tensor, h_be: Tensor, weight_ge: Tensor, bias_g: Tensor) -> Tensor:
        t, b, g = given_tbg.shape
        e = g // 3
        gate_tbg, rz_tbf = given_tbg.new_empty(t, b, g), given_tbg.new_empty(t, b, 2 * e)
        n_tbe, h_tbe = given_tbg.new_empty(t, b, e), given_tbg.new_empty(t, b, e)
        weight_eg, before_be = weight_ge.t(), h_be
        # Views are taken once for all bars: each would cost as much as a sum.
        bars = zip(
            gate_tbg.unbind(),
            gate_tbg[..., : 2 * e].unbind(),
            gate_tbg[..., 2 * e :].unbind(),
            given_tbg[..., : 2 * e].unbind(),
            given_tbg[..., 2 * e :].unbind(),
            rz_tbf.unbind(),
            rz_tbf[..., :e].unbind(),
            rz_tbf[..., e:].unbind(),
            n_tbe.unbind(),
            h_tbe.unbind(),
            strict=True,
        )
        for gate, gate_rz, gate_n, given_rz, given_n, rz, r, z, n, h in bars:
            torch.addmm(bias_g, before_be, weight_eg, out=gate)
            torch.add(given_rz, gate_rz, out=rz).sigmoid_()
            torch.addcmul(given_n, r, gate_n, out=n).tanh_()
            torch.lerp(n, before_be, z, out=h)
            before_be = h
        ctx.save_for_backward(gate_tbg, rz_tbf, n_tbe, h_tbe, h_be, weight_ge)
        return h_tbe

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, out_tbe: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """From the gradient of the states to those of ``forward``'s arguments.

        The gradient of every gate is that of its bar's state times a slope that is known beforehand, so only
        the states' own gradients are carried from bar to bar.
        """
        gate_tbg, rz_tbf, n_tbe, h_tbe, h_be, weight_ge = ctx.saved_tensors
        e = n_tbe.shape[-1]
        before_tbe = torch.cat((h_be.unsqueeze(0), h_tbe[:-1]))
        r_tbe, z_tbe = rz_tbf[..., :e], rz_tbf[..., e:]
        of_n = (1 - z_tbe) * (1 - n_tbe * n_tbe)
        of_r = of_n * gate_tbg[..., 2 * e :] * r_tbe * (1 - r_tbe)
        of_z = (before_tbe - n_tbe) * z_tbe * (1 - z_tbe)
        slope_tb3e = torch.stack((of_r, of_z, of_n * r_tbe), dim=2)

        grad_tbe, carried_be = torch.empty_like(h_tbe), torch.zeros_like(h_be)
        bars = zip(out_tbe.unbind(), slope_tb3e.unbind(), z_tbe.unbind(), grad_tbe.unbind(), strict=True)
        for out_be, slope_b3e, z_be, grad_be in reversed(list(bars)):
            torch.add(out_be, carried_be, out=grad_be)
            gate_bg = (slope_b3e * grad_be.unsqueeze(1)).flatten(1)
            carried_be = torch.addmm(grad_be * z_be, gate_bg, weight_ge)

        gate_tbg = (slope_tb3e * grad_tbe.unsqueeze(2)).flatten(2)
        given_tbg = torch.cat((gate_tbg[..., : 2 * e], of_n * grad_tbe), dim=-1)
        weight_ge = gate_tbg.flatten(0, 1).t() @ before_tbe.flatten(0, 1)
        return given_tbg, carried_be, weight_ge, gate_tbg.sum((0, 1))
