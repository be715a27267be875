"""How to train: the settings of `models.train`, apart because its parts share them."""

from typing import Literal

from msgspec import Struct

from helios_nautilus.errors import ConfigError
from helios_nautilus.models.network import Device


class TrainConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to train. Defaults suit `helios-nano` on a month of a few instruments."""

    seed: int = 0
    epochs: int = 12
    patience: int = 4
    """Epochs without a better validation log-loss before training stops."""
    batch_size: int = 16
    """Pieces of history side by side."""
    piece_blocks: int = 128
    """Length of a piece, in bars of the slowest timeframe: as far as the state is carried in training."""
    chunk_blocks: int = 16
    """How far gradients flow back, in bars of the slowest timeframe."""
    learning_rate: float = 1e-3
    warm_up: float = 0.1
    """Share of the training during which the learning rate rises."""
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    class_balance: float = 0.25
    """Rare classes weigh (1 / frequency) ** class_balance; probabilities stay those of the data."""
    focal_gamma: float = 0.0
    """Above 0, rows that are right already count less; bends the probabilities, which the temperature then undoes."""
    mixed_precision: bool = True
    """On a GPU, bf16 for the attention and dense layers and TF32 for the recurrent ones; a CPU stays at fp32."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Whether attention and dense layers are compiled: auto does so on a GPU; on a CPU it costs more than it saves."""
    threads: int = 1
    """Of the CPU. Two or more pay for helios-40m alone; the rounding of the sums depends on their number."""
    device: Device = "auto"

    def __post_init__(self) -> None:
        counts = self.epochs, self.patience, self.batch_size, self.piece_blocks, self.chunk_blocks, self.threads
        if min(counts) < 1:
            raise ConfigError(
                "train: epochs, patience, batch_size, piece_blocks, chunk_blocks and threads must be 1 or more"
            )
        if self.learning_rate <= 0 or self.clip_norm <= 0 or not 0 <= self.warm_up < 1:
            raise ConfigError("train: learning_rate and clip_norm must be above 0, warm_up in [0, 1)")
        if self.seed < 0 or not 0 <= self.focal_gamma <= 10:
            raise ConfigError("train: seed must not be negative, and focal_gamma must lie in [0, 10]")
