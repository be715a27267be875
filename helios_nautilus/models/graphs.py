"""Steps on CUDA as captured graphs: the launches of a whole step are handed to the device in one go.

A step of one bar is a hundred small kernels, and calling them takes torch longer than the device takes to run them. A
graph is of one shape; it is captured when that shape first comes. Other shapes, and parts of the slots, go the usual
way.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor

from helios_nautilus.domain.bars import Ints
from helios_nautilus.models.dataset import Float32s
from helios_nautilus.models.network import HeliosNetwork
from helios_nautilus.models.step import TorchStepper

type Play = Callable[[], object]
"""Does the captured work again, on what its tensors hold by then."""
type Capture = Callable[[Callable[[], None]], Play]

_MOST_BARS: Final = 16
"""Longer stretches come but once, when catching up."""
_WARM_UP: Final = 3
"""Runs before a capture, in which libraries choose their algorithms and take their memory."""


def capture_on_cuda(work: Callable[[], None]) -> Play:
    """Run the work a few times on a side stream, as torch asks for, then capture it."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


class _Step(NamedTuple):
    x_stf: Tensor
    play: Play


class _Decision(NamedTuple):
    logits_sk: Tensor
    attention_sm: Tensor
    play: Play


class GraphStepper(TorchStepper):
    """`TorchStepper` whose steps of all slots at once are captured."""

    def __init__(self, network: HeliosNetwork, n_slots: int, capture: Capture = capture_on_cuda) -> None:
        super().__init__(network, n_slots)
        self._n_slots = n_slots
        self._capture = capture
        self._steps: dict[tuple[int, int], _Step] = {}
        self._decision: _Decision | None = None

    @torch.inference_mode()
    def advance(self, timeframe: int, slot_b: Ints, x_btf: Float32s) -> None:
        """See `Stepper`."""
        bars = x_btf.shape[1]
        if len(slot_b) < self._n_slots or bars > _MOST_BARS:
            super().advance(timeframe, slot_b, x_btf)
            return
        step = self._steps.get((timeframe, bars))
        if step is None:
            step = self._steps[timeframe, bars] = self._capture_step(timeframe, torch.from_numpy(x_btf))
        step.x_stf.copy_(torch.from_numpy(x_btf))
        step.play()

    @torch.inference_mode()
    def decide(self, slot_b: Ints) -> tuple[Float32s, Float32s]:
        """See `Stepper`."""
        if len(slot_b) < self._n_slots:
            return super().decide(slot_b)
        if self._decision is None:
            self._decision = self._capture_decision()
        self._decision.play()
        return self._decision.logits_sk.cpu().numpy(), self._decision.attention_sm.cpu().numpy()

    def _capture_step(self, timeframe: int, like: Tensor) -> _Step:
        x_stf, memory = torch.empty_like(like, device=self._device).copy_(like), self._memory[timeframe]
        before = [each.clone() for each in memory]
        play = self._capture(partial(self._take, timeframe, x_stf))
        for kept, old in zip(memory, before, strict=True):
            kept.copy_(old)  # warming up has moved it on
        return _Step(x_stf, play)

    def _take(self, timeframe: int, x_stf: Tensor) -> None:
        memory = self._memory[timeframe]
        _, after = self._branch(timeframe)(x_stf, memory)
        for kept, new in zip(memory, after, strict=True):
            kept.copy_(new)

    def _capture_decision(self) -> _Decision:
        logits_sk, attention_sm = (each.clone() for each in self._look())

        def look() -> None:
            for kept, new in zip((logits_sk, attention_sm), self._look(), strict=True):
                kept.copy_(new)

        return _Decision(logits_sk, attention_sm, self._capture(look))

    def _look(self) -> tuple[Tensor, Tensor]:
        token_sme = torch.stack([state.encoding_be for state in self._memory], dim=1)
        logits_sdk, attention_sdm = self._network.head(token_sme.unsqueeze(1))
        return logits_sdk[:, 0], attention_sdm[:, 0]
