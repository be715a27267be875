"""What takes the steps: a network, its loss and its optimiser, on whatever device and at whatever precision."""

from collections.abc import Iterable
from importlib.util import find_spec
from math import cos, pi
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from helios_nautilus.domain.labels import Label
from helios_nautilus.models.dataset import Float32s
from helios_nautilus.models.loss import training_loss
from helios_nautilus.models.network import HeliosNetwork, State
from helios_nautilus.models.sequences import Chunk
from helios_nautilus.models.train_config import TrainConfig


class Learnt(NamedTuple):
    """What came of some chunks: steps, the sum of their losses, and the labelled decisions in them."""

    steps: int
    loss_sum: float
    decisions: int


class Learner:
    """Teaches ``net``, on the device that it is on. ``prior`` holds the base rates that weigh the classes."""

    def __init__(self, net: HeliosNetwork, prior: tuple[float, ...], config: TrainConfig) -> None:
        self._net, self._config = net, config
        self._device = next(net.parameters()).device
        self._log_weight = -config.class_balance * torch.tensor(prior, device=self._device).log()
        self.optimiser = torch.optim.AdamW(_parameter_groups(net, config.weight_decay), fused=True)
        if _is_compiled(config, self._device):
            net.head.compile()

    def set_rate(self, share: float) -> None:
        """The learning rate at a share of the training: a linear warm-up, then half a cosine down to nothing."""
        warm_up = self._config.warm_up
        if share < warm_up:
            factor = (share + 1e-3) / warm_up
        else:
            factor = 0.5 * (1.0 + cos(pi * (share - warm_up) / (1.0 - warm_up)))
        for group in self.optimiser.param_groups:
            group["lr"] = self._config.learning_rate * factor

    def learn(self, chunks: Iterable[Chunk]) -> Learnt:
        """One step per chunk that has a label, the state carried from chunk to chunk, from a fresh one."""
        self._net.train()
        state: State | None = None
        losses, decisions = [], 0
        for chunk in chunks:
            logits_bdk, state = self._forward(chunk, state)
            known = int((chunk.label != Label.UNKNOWN).sum())
            if known:
                losses.append(self._step(logits_bdk, chunk))
                decisions += known
        # Only here does a GPU have to be waited for.
        total = float(torch.stack(losses).double().sum()) if losses else 0.0
        return Learnt(len(losses), total, decisions)

    def _forward(self, chunk: Chunk, state: State | None) -> tuple[Tensor, State]:
        x_mbtf = tuple(_to_device(x, self._device) for x in chunk.x)
        with self._precision():
            logits_bdk, _, after = self._net(x_mbtf, state or self._net.initial_state(len(chunk.instrument)))
        return logits_bdk, tuple(branch.detach() for branch in after)

    def _precision(self) -> torch.autocast:
        """Where the head's matrix products run in bf16; `network.Branch` keeps itself out of it."""
        is_mixed = self._config.mixed_precision and self._device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.autocast(self._device.type, torch.bfloat16, enabled=is_mixed)

    def _step(self, logits_bdk: Tensor, chunk: Chunk) -> Tensor:
        label_n = torch.from_numpy(chunk.label).to(self._device).flatten().long()
        loss = training_loss(logits_bdk.flatten(0, 1), label_n, self._log_weight, self._config.focal_gamma)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._net.parameters(), self._config.clip_norm)
        self.optimiser.step()
        return loss.detach()


def _parameter_groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases and norms do not."""
    weights = [each for each in net.parameters() if each.ndim > 1]
    others = [each for each in net.parameters() if each.ndim == 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def _is_compiled(config: TrainConfig, device: torch.device) -> bool:
    # The head alone: torch does not compile recurrent layers. Triton is what it compiles with for a GPU.
    return config.compile == "on" or (config.compile == "auto" and device.type == "cuda" and bool(find_spec("triton")))


def _to_device(x: Float32s, device: torch.device) -> Tensor:
    """Onto a GPU without waiting: from pinned memory the copy runs beside the sums of the chunk before."""
    tensor = torch.from_numpy(x)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)
