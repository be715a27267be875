import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.models.network import PRESETS, HeliosNetwork, NetworkConfig
from helios_nautilus.models.step import CompiledStepper, Stepper, TorchStepper, build_stepper

N_FEATURES = 5
NETWORKS = {
    "nano": PRESETS["helios-nano"],
    "one layer": NetworkConfig(lstm_layers=1, gru_layers=1, heads=2, lstm_width=6, gru_width=8, dense_width=7),
    "more layers": NetworkConfig(lstm_layers=3, gru_layers=1, heads=1, lstm_width=9, gru_width=4, dense_width=3),
}


def make_network(config: NetworkConfig) -> HeliosNetwork:
    """Random weights, wide enough apart for every gate and all attention to move."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = HeliosNetwork(config, N_FEATURES, Timeframes()).eval().requires_grad_(False)
        for weight in network.parameters():
            weight.mul_(2.0).add_(0.1 * torch.randn_like(weight))
    return network


def bars(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, N_FEATURES)).astype(np.float32)


def serve(stepper: Stepper, pieces: list[int], seed: int = 0) -> np.ndarray:
    """Bars of all timeframes in pieces, a decision after each; (pieces, logits and attention)."""
    states, said, at = stepper.initial_state(), [], 0
    x = [bars(sum(pieces), seed + timeframe) for timeframe in range(3)]
    for count in pieces:
        for timeframe in range(3):
            states[timeframe] = stepper.advance(timeframe, states[timeframe], x[timeframe][at : at + count])
        said.append(np.concatenate(stepper.decide(states)))
        at += count
    return np.array(said)


@pytest.mark.parametrize("name", NETWORKS)
def test_compiled_steps_give_the_networks_own_numbers(name):
    network = make_network(NETWORKS[name])
    pieces = [1, 5, 1, 15, 2, 5]
    compiled, torchs = serve(CompiledStepper(network), pieces), serve(TorchStepper(network), pieces)
    np.testing.assert_allclose(compiled, torchs, atol=2e-6, rtol=0)
    assert np.ptp(torchs, axis=0).min() > 1e-3, "every output must move for this to mean anything"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 100))
def test_bars_taken_together_or_one_by_one_lead_to_the_same_decision(pieces, seed):
    stepper = CompiledStepper(make_network(NETWORKS["one layer"]))
    together, singly = serve(stepper, pieces, seed), serve(stepper, [1] * sum(pieces), seed)
    np.testing.assert_allclose(together[-1], singly[-1], atol=2e-6, rtol=0)


def test_two_instruments_do_not_share_their_state():
    stepper = CompiledStepper(make_network(NETWORKS["nano"]))
    alone = serve(stepper, [5, 5])
    other = stepper.initial_state()
    for timeframe in range(3):
        stepper.advance(timeframe, other[timeframe], bars(20, seed=9))
    np.testing.assert_array_equal(serve(stepper, [5, 5]), alone)


def test_a_network_on_the_cpu_is_served_by_compiled_code():
    assert isinstance(build_stepper(make_network(NETWORKS["one layer"])), CompiledStepper)


def test_a_network_elsewhere_is_served_by_torch():
    with torch.device("meta"):
        network = HeliosNetwork(NETWORKS["one layer"], N_FEATURES, Timeframes())
    assert isinstance(build_stepper(network), TorchStepper)
