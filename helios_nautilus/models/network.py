"""The network: a recurrent branch per timeframe, attention across them, three logits.

Every branch runs at the rate of its own bars, and each decision sees the latest encoding of each. The network is
causal, and all it remembers is an explicit state, so training over long chunks and serving bar by bar are the same
computation. Scaling, calibration and storage live elsewhere.

Shape suffixes: b sequences side by side, t bars of one timeframe, d decisions, m timeframes (fastest first),
f features, e encoding width, k classes (`domain.labels.Label`), l layers, h hidden width.
"""

from typing import Final, Literal, NamedTuple

import torch
from msgspec import Struct
from torch import Tensor, nn

from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.errors import ConfigError

type Device = Literal["auto", "cpu", "cuda"]

N_CLASSES: Final = len(Label) - 1
"""All labels but `Label.UNKNOWN`."""


MOST_LAYERS: Final = 64
MOST_WIDTH: Final = 16_384
"""What no machine would train, though a damaged card may ask for it."""


class NetworkConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Layers and widths. `PRESETS` differ in widths only."""

    lstm_layers: int = 2
    gru_layers: int = 2
    heads: int = 8
    lstm_width: int = 32
    gru_width: int = 32
    """Also the width of an encoding; a multiple of ``heads``."""
    dense_width: int = 32
    dropout: float = 0.2
    """Between recurrent layers and before the output; off outside training."""

    def __post_init__(self) -> None:
        sizes = (self.lstm_layers, self.gru_layers, self.heads, self.lstm_width, self.gru_width, self.dense_width)
        if min(sizes) < 1 or self.gru_width % self.heads:
            raise ConfigError("network: layers and widths must be above 0, and gru_width a multiple of heads")
        if max(self.lstm_layers, self.gru_layers) > MOST_LAYERS or max(sizes) > MOST_WIDTH:
            raise ConfigError(f"network: layers must be {MOST_LAYERS} at most, and widths {MOST_WIDTH}")
        if not 0 <= self.dropout < 1:
            raise ConfigError("network: dropout must be in [0, 1)")


PRESETS: Final = {
    "helios-nano": NetworkConfig(lstm_width=32, gru_width=32, dense_width=32),
    "helios-small": NetworkConfig(lstm_width=128, gru_width=128, dense_width=128),
    "helios-40m": NetworkConfig(lstm_width=736, gru_width=736, dense_width=512),
}


class BranchState(NamedTuple):
    """What a branch remembers; its last encoding is the last row of ``gru_h_lbe``."""

    lstm_h_lbh: Tensor
    lstm_c_lbh: Tensor
    gru_h_lbe: Tensor

    @property
    def encoding_be(self) -> Tensor:
        """The latest encoding, zeros before the first bar."""
        return self.gru_h_lbe[-1]

    def detach(self) -> "BranchState":
        """The same numbers, cut off from the graph: where truncated back-propagation ends."""
        return BranchState(*(each.detach() for each in self))


type State = tuple[BranchState, ...]
"""One `BranchState` per timeframe."""


class Branch(nn.Module):
    """LSTM layers, then GRU layers, over the bars of one timeframe."""

    def __init__(self, config: NetworkConfig, n_features: int) -> None:
        super().__init__()
        self.lstm = _recurrent(nn.LSTM, n_features, config.lstm_width, config.lstm_layers, config.dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.gru = _recurrent(nn.GRU, config.lstm_width, config.gru_width, config.gru_layers, config.dropout)

    def initial_state(self, batch: int) -> BranchState:
        """The state before the first bar of ``batch`` sequences."""
        device = next(self.parameters()).device
        lstm_lbh = torch.zeros(self.lstm.num_layers, batch, self.lstm.hidden_size, device=device)
        gru_lbe = torch.zeros(self.gru.num_layers, batch, self.gru.hidden_size, device=device)
        return BranchState(lstm_lbh, lstm_lbh, gru_lbe)

    def forward(self, x_btf: Tensor, state: BranchState) -> tuple[Tensor, BranchState]:
        """Encodings (b, t, e) after each bar, and the state after the last."""
        # Whatever type autocast is asked for, on CUDA it takes recurrent layers to fp16, where small gradients vanish.
        with torch.autocast(x_btf.device.type, enabled=False):
            lstm_bth, (lstm_h_lbh, lstm_c_lbh) = self.lstm(x_btf, (state.lstm_h_lbh, state.lstm_c_lbh))
            encoding_bte, gru_h_lbe = self.gru(self.dropout(lstm_bth), state.gru_h_lbe)
        return encoding_bte, BranchState(lstm_h_lbh, lstm_c_lbh, gru_h_lbe)


class Head(nn.Module):
    """Attention across the encodings of the timeframes, residual, layer norm, dense layers, logits."""

    def __init__(self, config: NetworkConfig, n_timeframes: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(config.gru_width, config.heads, batch_first=True)
        self.norm = nn.LayerNorm(config.gru_width)
        self.dense = nn.Sequential(
            nn.Linear(n_timeframes * config.gru_width, config.dense_width),
            nn.GELU(),
            nn.Dropout(config.dropout),
        )
        self.out = nn.Linear(config.dense_width, N_CLASSES)

    def forward(self, token_bdme: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (b, d, k), and how much attention each timeframe got (b, d, m; sums to one over m)."""
        b, d, m, e = token_bdme.shape
        token_nme = token_bdme.reshape(b * d, m, e)
        mixed_nme, weight_nmm = self.attention(token_nme, token_nme, token_nme)
        token_nme = self.norm(token_nme + mixed_nme)
        logits_nk = self.out(self.dense(token_nme.flatten(1)))
        return logits_nk.view(b, d, N_CLASSES), weight_nmm.mean(1).view(b, d, m)


class HeliosNetwork(nn.Module):
    """Three branches and a head. ``n_features`` is the number of columns of every timeframe."""

    def __init__(self, config: NetworkConfig, n_features: int, timeframes: Timeframes) -> None:
        super().__init__()
        self.config = config
        self.n_features = n_features
        block_ns = timeframes.lengths_ns[-1]
        self.bars_per_block = tuple(block_ns // length for length in timeframes.lengths_ns)
        self.decisions_per_block = block_ns // timeframes.decision_ns
        self.branches = nn.ModuleList(Branch(config, n_features) for _ in timeframes.names)
        self.head = Head(config, len(timeframes.names))

    def initial_state(self, batch: int) -> State:
        """The state before the first bar of ``batch`` sequences."""
        return tuple(branch.initial_state(batch) for branch in self.branches)  # type: ignore[operator]

    def forward(self, x_mbtf: tuple[Tensor, ...], state: State) -> tuple[Tensor, Tensor, State]:
        """Logits (b, d, k), attention (b, d, m) and the state after a chunk of whole blocks.

        A block is one bar of the slowest timeframe and all that lies in it. ``x_mbtf`` holds a tensor (b, t, f) per
        timeframe, where t is the number of blocks times the timeframe's bars in a block. At each decision a
        timeframe is represented by its newest closed bar, or by what the state carries from the chunk before.
        """
        n_decisions = x_mbtf[-1].shape[1] * self.decisions_per_block
        number_d = torch.arange(1, n_decisions + 1, device=x_mbtf[-1].device)
        tokens, after = [], []
        for branch, x_btf, before, bars in zip(self.branches, x_mbtf, state, self.bars_per_block, strict=True):
            encoding_bte, now = branch(x_btf, before)
            known_bte = torch.cat((before.encoding_be.unsqueeze(1), encoding_bte), dim=1)
            tokens.append(known_bte[:, number_d * bars // self.decisions_per_block])
            after.append(now)
        logits_bdk, attention_bdm = self.head(torch.stack(tokens, dim=2))
        return logits_bdk, attention_bdm, tuple(after)

    @torch.no_grad()
    def start_at(self, prior: tuple[float, ...]) -> None:
        """Make the untrained network predict ``prior`` (k probabilities above 0) whatever it sees.

        From there on, training moves away from the base rates only as far as the features pull.
        """
        self.head.out.weight.zero_()
        self.head.out.bias.copy_(torch.tensor(prior, dtype=torch.float64).log())


def count_parameters(network: nn.Module) -> int:
    """Number of trained numbers in a network."""
    return sum(each.numel() for each in network.parameters())


def choose_device(device: Device) -> str:
    """The torch device meant: ``auto`` takes CUDA where there is one."""
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise ConfigError("device cuda is asked for, but torch sees none; write auto or cpu")
    return "cuda" if has_cuda and device != "cpu" else "cpu"


def _recurrent[T: (nn.LSTM, nn.GRU)](kind: type[T], n_in: int, width: int, layers: int, dropout: float) -> T:
    # One layer has nothing to drop out between, and torch warns about it.
    return kind(n_in, width, num_layers=layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
