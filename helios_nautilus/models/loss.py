"""The training loss: cross-entropy with class weights that do not bend the probabilities, or its focal form."""

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from helios_nautilus.domain.labels import Label

_LEAST_DOUBT: Final = 1e-6
"""Powers below one have no slope at 0."""


def training_loss(logits_nk: Tensor, label_n: Tensor, log_weight_k: Tensor, focal_gamma: float = 0.0) -> Tensor:
    """Mean loss over the rows whose label is known (at least one), a row weighing ``exp(log_weight_k)`` of its class.

    Weighted classes make a network learn p(k|x) w_k instead of p(k|x). Adding log w_k to its logits inside the loss
    takes that tilt upon the loss, so that the logits themselves stay unweighted.

    With ``focal_gamma`` above 0 a row counts (1 - p)^gamma times, p being the probability of its label (Lin et al.
    2017): rows that are right already count less. That loss is no proper score: its optimum is less sure than the
    data warrant, the more so the larger gamma, and a temperature below 1 has to undo it afterwards.
    """
    tilted_nk = logits_nk.float() + log_weight_k
    if focal_gamma == 0.0:
        return cross_entropy(tilted_nk, label_n, weight=log_weight_k.exp(), ignore_index=int(Label.UNKNOWN))
    known = label_n != int(Label.UNKNOWN)
    log_p = log_softmax(tilted_nk[known], dim=1).gather(1, label_n[known, None]).squeeze(1)
    weight = log_weight_k.exp()[label_n[known]]
    doubt = (-torch.expm1(log_p)).clamp_min(_LEAST_DOUBT)
    return -(weight * doubt**focal_gamma * log_p).sum() / weight.sum()
