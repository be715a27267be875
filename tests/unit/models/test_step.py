import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.models.graphs import GraphStepper
from helios_nautilus.models.network import PRESETS, HeliosNetwork, NetworkConfig
from helios_nautilus.models.service import build_stepper
from helios_nautilus.models.step import CompiledStepper, Stepper, TorchStepper

N_FEATURES = 5
NETWORKS = {
    "nano": PRESETS["helios-nano"],
    "one layer": NetworkConfig(lstm_layers=1, gru_layers=1, heads=2, lstm_width=6, gru_width=8, dense_width=7),
    "more layers": NetworkConfig(lstm_layers=3, gru_layers=1, heads=1, lstm_width=9, gru_width=4, dense_width=3),
}
TOGETHER = ([0, 1, 2],) * 6
APART = ([0], [0, 1, 2], [1, 2], [2], [0, 2], [0, 1, 2])
"""Which slots get the bars of each of six pieces."""


def make_network(config: NetworkConfig) -> HeliosNetwork:
    """Random weights, wide enough apart for every gate and all attention to move."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = HeliosNetwork(config, N_FEATURES, Timeframes()).eval().requires_grad_(False)
        for weight in network.parameters():
            weight.mul_(2.0).add_(0.1 * torch.randn_like(weight))
    return network


def bars(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, count, N_FEATURES)).astype(np.float32)


def serve(stepper: Stepper, pieces: list[int], seed: int = 0, slot: int = 0) -> np.ndarray:
    """Bars of all timeframes in pieces to one slot, a decision after each; (pieces, logits and attention)."""
    said, at, slots = [], 0, np.array([slot])
    x = [bars(sum(pieces), seed + timeframe) for timeframe in range(3)]
    for count in pieces:
        for timeframe in range(3):
            stepper.advance(timeframe, slots, x[timeframe][:, at : at + count])
        said.append(np.concatenate(stepper.decide(slots), axis=1)[0])
        at += count
    return np.array(said)


def serve_all(stepper: Stepper, turns: tuple[list[int], ...]) -> np.ndarray:
    """Five bars of every timeframe to the slots whose turn it is; then what all three slots say."""
    rng = np.random.default_rng(7)
    for slots in turns:
        for timeframe in range(3):
            x_btf = rng.standard_normal((3, 5, N_FEATURES)).astype(np.float32)[slots]
            stepper.advance(timeframe, np.array(slots), x_btf)
    return np.concatenate(stepper.decide(np.arange(3)), axis=1)


def run_again(work):
    """A capture where there is no CUDA: warm up as it does, then play by doing the work anew."""
    for _ in range(3):
        work()
    return work


@pytest.mark.parametrize("name", NETWORKS)
def test_compiled_steps_give_the_networks_own_numbers(name):
    network = make_network(NETWORKS[name])
    pieces = [1, 5, 1, 15, 2, 5]
    compiled, torchs = serve(CompiledStepper(network, 1), pieces), serve(TorchStepper(network, 1), pieces)
    np.testing.assert_allclose(compiled, torchs, atol=5e-6, rtol=0)
    assert np.ptp(torchs, axis=0).min() > 1e-3, "every output must move for this to mean anything"


@pytest.mark.parametrize("turns", [TOGETHER, APART], ids=["together", "apart"])
def test_every_way_of_stepping_several_instruments_gives_the_same_numbers(turns):
    network = make_network(NETWORKS["nano"])
    reference = serve_all(TorchStepper(network, 3), turns)
    for stepper in (CompiledStepper(network, 3), GraphStepper(network, 3, run_again)):
        np.testing.assert_allclose(serve_all(stepper, turns), reference, atol=5e-6, rtol=0)


def test_captured_steps_of_other_lengths_are_kept_apart():
    network = make_network(NETWORKS["one layer"])
    pieces = [5, 1, 5, 30, 1, 15]
    graphs = serve(GraphStepper(network, 1, run_again), pieces)
    np.testing.assert_allclose(graphs, serve(TorchStepper(network, 1), pieces), atol=5e-6, rtol=0)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 100))
def test_bars_taken_together_or_one_by_one_lead_to_the_same_decision(pieces, seed):
    network = make_network(NETWORKS["one layer"])
    together = serve(CompiledStepper(network, 1), pieces, seed)
    singly = serve(CompiledStepper(network, 1), [1] * sum(pieces), seed)
    np.testing.assert_allclose(together[-1], singly[-1], atol=5e-6, rtol=0)


@pytest.mark.parametrize("kind", [CompiledStepper, TorchStepper])
def test_an_instruments_numbers_depend_on_no_other_instrument(kind):
    network = make_network(NETWORKS["nano"])
    alone = serve(kind(network, 1), [5, 5])
    crowded = kind(network, 3)
    for timeframe in range(3):
        crowded.advance(timeframe, np.array([0, 2]), np.concatenate([bars(20, seed=9), bars(20, seed=10)]))
    np.testing.assert_allclose(serve(crowded, [5, 5], slot=1), alone, atol=5e-6, rtol=0)


@pytest.mark.parametrize("kind", [CompiledStepper, TorchStepper])
def test_a_slot_that_is_reset_starts_from_nothing_and_the_others_go_on(kind):
    network = make_network(NETWORKS["nano"])
    fresh, stepper, other = serve(kind(network, 2), [5, 5]), kind(network, 2), kind(network, 2)
    serve(stepper, [5, 1], seed=4)
    serve(stepper, [5], slot=1)
    serve(other, [5], slot=1)
    stepper.reset(0)
    np.testing.assert_array_equal(serve(stepper, [5, 5]), fresh)
    slots = np.array([1])
    np.testing.assert_array_equal(stepper.decide(slots)[0], other.decide(slots)[0])


def test_eight_bit_weights_say_nearly_the_same():
    network = make_network(NETWORKS["nano"])
    exact = serve(CompiledStepper(network, 1), [5] * 20)
    near = serve(CompiledStepper(network, 1, "int8"), [5] * 20)
    assert 0 < np.abs(near - exact).max() < 0.3, "of logits that lie units apart; on trained networks it is far less"


def test_eight_bit_weights_that_are_all_zero_stay_zero():
    network = make_network(NETWORKS["one layer"])
    network.head.out.weight.zero_()
    near, exact = (serve(CompiledStepper(network, 1, precision), [5]) for precision in ("int8", "fp32"))
    np.testing.assert_array_equal(near[:, :3], exact[:, :3])


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_network_on_the_cpu_is_served_by_compiled_code(precision):
    assert isinstance(build_stepper(make_network(NETWORKS["one layer"]), 1, precision), CompiledStepper)


def test_a_network_elsewhere_is_served_by_torch():
    with torch.device("meta"):
        network = HeliosNetwork(NETWORKS["one layer"], N_FEATURES, Timeframes())
    assert type(build_stepper(network, 1)) is TorchStepper


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA here")
@pytest.mark.parametrize("turns", [TOGETHER, APART], ids=["together", "apart"])
def test_captured_graphs_give_the_numbers_of_the_cpu(turns):
    network = make_network(NETWORKS["nano"])
    reference = serve_all(TorchStepper(network, 3), turns)
    captured = build_stepper(network.to("cuda"), 3)
    assert isinstance(captured, GraphStepper)
    np.testing.assert_allclose(serve_all(captured, turns), reference, atol=1e-4, rtol=0)
