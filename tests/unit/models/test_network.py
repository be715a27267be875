import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.errors import ConfigError
from helios_nautilus.models.network import PRESETS, HeliosNetwork, NetworkConfig, count_parameters
from tests.unit.models.synthetic import TINY

RATIOS = [
    Timeframes(),
    Timeframes(decision="1m"),
    Timeframes(decision="15m"),
    Timeframes(high="5m", medium="15m", low="1h", decision="5m"),
]


def make_network(timeframes: Timeframes, config: NetworkConfig = TINY) -> HeliosNetwork:
    torch.manual_seed(0)
    return HeliosNetwork(config, 3, timeframes).eval()


def make_x(network: HeliosNetwork, blocks: int, batch: int = 2) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(batch, blocks * bars, 3, generator=generator) for bars in network.bars_per_block)


def cut(network: HeliosNetwork, x: tuple[torch.Tensor, ...], first: int, stop: int) -> tuple[torch.Tensor, ...]:
    return tuple(each[:, first * bars : stop * bars] for each, bars in zip(x, network.bars_per_block, strict=True))


def test_forty_million_means_forty_to_forty_five():
    with torch.device("meta"):
        assert 40e6 <= count_parameters(HeliosNetwork(PRESETS["helios-40m"], 30, Timeframes())) <= 45e6


def test_nano_has_less_than_a_million_parameters():
    assert count_parameters(HeliosNetwork(PRESETS["helios-nano"], 30, Timeframes())) < 1e6


def test_presets_differ_in_widths_only():
    rest = {(each.lstm_layers, each.gru_layers, each.heads, each.dropout) for each in PRESETS.values()}
    assert len(rest) == 1
    assert PRESETS["helios-40m"].heads == 8


@pytest.mark.parametrize("bad", [{"gru_width": 12}, {"lstm_layers": 0}, {"dropout": 1.0}])
def test_impossible_widths_are_refused(bad):
    with pytest.raises(ConfigError, match="network"):
        NetworkConfig(**bad)


@pytest.mark.parametrize("timeframes", RATIOS)
def test_one_decision_for_every_close_of_the_decision_bar(timeframes):
    network = make_network(timeframes)
    logits, attention, _ = network(make_x(network, blocks=4), network.initial_state(2))
    per_block = timeframes.lengths_ns[-1] // timeframes.decision_ns
    assert logits.shape == (2, 4 * per_block, 3)
    assert attention.shape == (2, 4 * per_block, 3)
    torch.testing.assert_close(attention.sum(-1), torch.ones(2, 4 * per_block))


@pytest.mark.parametrize("timeframes", RATIOS)
@settings(max_examples=5)
@given(at=st.integers(1, 5))
def test_state_carried_across_chunks_equals_one_pass(timeframes, at):
    network = make_network(timeframes, NetworkConfig(lstm_width=8, gru_width=8, dense_width=8))
    x = make_x(network, blocks=6)
    with torch.no_grad():
        whole, _, _ = network(x, network.initial_state(2))
        first, _, state = network(cut(network, x, 0, at), network.initial_state(2))
        second, _, _ = network(cut(network, x, at, 6), state)
    torch.testing.assert_close(torch.cat((first, second), 1), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("timeframes", RATIOS)
def test_changing_the_future_changes_no_past_output(timeframes):
    """Bars of each timeframe that close after a decision are replaced: outputs up to it stay, later ones move."""
    network = make_network(timeframes)
    x = make_x(network, blocks=4)
    before, _, _ = network(x, network.initial_state(2))
    n_decisions = before.shape[1]
    for decision in range(n_decisions - 1):
        stamp = (decision + 1) * timeframes.decision_ns
        changed = []
        for each, length in zip(x, timeframes.lengths_ns, strict=True):
            each = each.clone()
            each[:, stamp // length :] += 5.0
            changed.append(each)
        after, _, _ = network(tuple(changed), network.initial_state(2))
        np.testing.assert_array_equal(after[:, : decision + 1].detach(), before[:, : decision + 1].detach())
        assert not torch.equal(after[:, decision + 1], before[:, decision + 1])


def test_slow_timeframe_is_seen_from_its_close_on_and_held_meanwhile():
    """The decisions 5 and 10 minutes into a 15-minute bar see the bar before; the one at its close sees it."""
    network = make_network(Timeframes())
    x = make_x(network, blocks=2)
    before, _, _ = network(x, network.initial_state(2))
    x[2][:, 1] += 3.0
    after, _, _ = network(x, network.initial_state(2))
    moved = (after != before).any(-1).any(0)
    assert moved.tolist() == [False, False, False, False, False, True]


def test_untrained_network_predicts_the_prior():
    network = make_network(Timeframes())
    network.start_at((0.2, 0.5, 0.3))
    logits, _, _ = network(make_x(network, blocks=2), network.initial_state(2))
    torch.testing.assert_close(logits.softmax(-1), torch.tensor([0.2, 0.5, 0.3]).expand(2, 6, 3))


def test_recurrent_layers_stay_at_full_precision_where_the_head_runs_in_half():
    net = HeliosNetwork(PRESETS["helios-nano"], 3, Timeframes()).eval()
    x_mbtf = tuple(torch.randn(2, bars, 3) for bars in (30, 6, 2))
    _, _, exact = net(x_mbtf, net.initial_state(2))
    with torch.autocast("cpu", torch.bfloat16):
        logits, _, state = net(x_mbtf, net.initial_state(2))
    assert logits.dtype == torch.bfloat16
    for branch, wanted in zip(state, exact, strict=True):
        for tensor, same in zip(branch, wanted, strict=True):
            assert torch.equal(tensor, same)
