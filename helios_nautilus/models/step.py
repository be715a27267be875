"""The network bar by bar, in service: a state is kept for each of several sequences, and they advance side by side.

On a CPU the steps are compiled (`models.kernels`); on CUDA they are captured (`models.graphs`); anywhere else torch
itself takes them. All three give the same numbers.

Shape suffixes as in `models.network`; s slots, the sequences whose state is kept; b those of them that are meant.
"""

from typing import Protocol

import numpy as np
import torch

from helios_nautilus.domain.bars import Ints
from helios_nautilus.models import kernels
from helios_nautilus.models.dataset import Float32s
from helios_nautilus.models.network import Branch, BranchState, HeliosNetwork
from helios_nautilus.models.precision import Precision, Recurrent, lay_out


class Stepper(Protocol):
    """A network that takes bars as they come, and remembers them for every slot."""

    def reset(self, slot: int) -> None:
        """Forget a slot's past: its next bar is its first."""
        ...

    def advance(self, timeframe: int, slot_b: Ints, x_btf: Float32s) -> None:
        """Take the next bars of one timeframe, as many for each of the rising slots (b,)."""
        ...

    def decide(self, slot_b: Ints) -> tuple[Float32s, Float32s]:
        """Logits (b, k) and attention (b, m) from the newest bar of each timeframe."""
        ...


class TorchStepper:
    """The network itself, on whatever device it is."""

    def __init__(self, network: HeliosNetwork, n_slots: int) -> None:
        self._network = network.eval()
        self._device = next(network.parameters()).device
        with torch.inference_mode():
            # Cloned, because the two parts of a fresh LSTM state are one tensor.
            fresh = network.initial_state(n_slots)
            self._memory = tuple(BranchState(*(each.clone() for each in state)) for state in fresh)

    @torch.inference_mode()
    def reset(self, slot: int) -> None:
        """See `Stepper`."""
        for state in self._memory:
            for each in state:
                each[:, slot] = 0.0

    @torch.inference_mode()
    def advance(self, timeframe: int, slot_b: Ints, x_btf: Float32s) -> None:
        """See `Stepper`."""
        index, memory = torch.from_numpy(slot_b).to(self._device), self._memory[timeframe]
        before = BranchState(*(each.index_select(1, index) for each in memory))
        _, after = self._branch(timeframe)(torch.from_numpy(x_btf).to(self._device), before)
        for kept, new in zip(memory, after, strict=True):
            kept.index_copy_(1, index, new)

    @torch.inference_mode()
    def decide(self, slot_b: Ints) -> tuple[Float32s, Float32s]:
        """See `Stepper`."""
        index = torch.from_numpy(slot_b).to(self._device)
        token_bme = torch.stack([state.encoding_be[index] for state in self._memory], dim=1)
        logits_bdk, attention_bdm = self._network.head(token_bme.unsqueeze(1))
        return logits_bdk[:, 0].cpu().numpy(), attention_bdm[:, 0].cpu().numpy()

    def _branch(self, timeframe: int) -> Branch:
        branch = self._network.branches[timeframe]
        assert isinstance(branch, Branch)
        return branch


class CompiledStepper:
    """The same numbers by compiled code on the CPU, from weights laid out once."""

    def __init__(self, network: HeliosNetwork, n_slots: int, precision: Precision = "fp32") -> None:
        self._weights, self._head = lay_out(network, precision)
        self._memory = [
            kernels.Memory(_zeros(each.lstm, n_slots), _zeros(each.lstm, n_slots), _zeros(each.gru, n_slots))
            for each in self._weights
        ]

    def reset(self, slot: int) -> None:
        """See `Stepper`."""
        for memory in self._memory:
            for each in memory:
                each[:, slot] = 0.0

    def advance(self, timeframe: int, slot_b: Ints, x_btf: Float32s) -> None:
        """See `Stepper`."""
        kernels.advance(self._weights[timeframe], self._memory[timeframe], slot_b, np.ascontiguousarray(x_btf))

    def decide(self, slot_b: Ints) -> tuple[Float32s, Float32s]:
        """See `Stepper`."""
        token_bme = np.stack([memory.gru_h_lse[-1, slot_b] for memory in self._memory], axis=1)
        return kernels.decide(self._head, token_bme)


def _zeros(layers: tuple[Recurrent, ...], n_slots: int) -> Float32s:
    return np.zeros((len(layers), n_slots, len(layers[0].of_state.w_ig)), dtype=np.float32)
