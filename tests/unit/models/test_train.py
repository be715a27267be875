import msgspec
import numpy as np
import pytest
import torch

from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.errors import ConfigError
from helios_nautilus.models.checkpoint import EpochLog, Model
from helios_nautilus.models.dataset import Arrays, SplitConfig, Splits, split_by_share
from helios_nautilus.models.learner import Learner
from helios_nautilus.models.network import HeliosNetwork
from helios_nautilus.models.predict import predict_arrays
from helios_nautilus.models.recipe import train_model
from helios_nautilus.models.train import TrainConfig, class_prior, fit_network
from tests.unit.models.synthetic import QUICK, TINY, make_arrays
from tests.unit.models.watching import Notes


def split(arrays: Arrays) -> Splits:
    return split_by_share(arrays, SplitConfig(train=0.6, validation=0.2))


@pytest.fixture(scope="module")
def with_signal() -> tuple[Arrays, Model]:
    arrays = make_arrays(hours=120, signal=1.5)
    return arrays, train_model(arrays, split(arrays), TINY, QUICK, created_ns=7, code_commit="abc")


def test_planted_signal_is_found(with_signal):
    _, model = with_signal
    test = model.card.test_metrics
    assert test.skill > 0.1
    assert test.directional_accuracy > 0.75
    assert test.information_coefficient > 0.5
    assert test.taken_mean_net > 0.0


def test_payoff_table_pays_for_higher_probabilities(with_signal):
    _, model = with_signal
    for side in Side:
        assert model.card.payoff.lookup(side, 0.8).p_win > model.card.payoff.lookup(side, 0.05).p_win + 0.3


def test_card_tells_how_the_model_came_about(with_signal):
    arrays, model = with_signal
    card = model.card
    assert (card.created_ns, card.code_commit, card.seed) == (7, "abc", 0)
    assert (card.spec_hash, card.data_hash) == (arrays.spec_hash, arrays.data_hash)
    assert card.parameters == sum(each.numel() for each in model.network.parameters())
    assert card.training == msgspec.to_builtins(QUICK)
    assert [each.epoch for each in card.log] == list(range(QUICK.epochs + 1))
    assert sum(card.prior) == pytest.approx(1.0)


def test_noise_gives_no_skill_and_the_base_rates_are_kept():
    arrays = make_arrays(hours=120, signal=0.0)
    model = train_model(arrays, split(arrays), TINY, QUICK, created_ns=0)
    assert model.card.test_metrics.skill < 0.005
    p = predict_arrays(model, arrays).probabilities(model.card.temperature)
    np.testing.assert_allclose(np.nanmean(p, axis=(0, 1)), model.card.prior, atol=0.05)


def test_same_seed_gives_the_same_curve_and_weights_and_another_seed_does_not():
    arrays = make_arrays(hours=72)
    config = msgspec.structs.replace(QUICK, epochs=2)
    other = msgspec.structs.replace(config, seed=1)
    network = msgspec.structs.replace(TINY, dropout=0.2)
    torch.manual_seed(5)
    first = fit_network(arrays, split(arrays), network, config)
    torch.manual_seed(6)
    again, different = (fit_network(arrays, split(arrays), network, each) for each in (config, other))

    def curve(fitted):
        return [(each.train_loss, each.validation_loss) for each in fitted.log]

    assert curve(first) == curve(again)
    assert curve(first) != curve(different)
    for one, two in zip(first.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_training_leaves_the_callers_random_numbers_alone():
    arrays = make_arrays(hours=72)
    torch.manual_seed(5)
    fit_network(arrays, split(arrays), TINY, msgspec.structs.replace(QUICK, epochs=1))
    after = torch.rand(1)
    torch.manual_seed(5)
    assert after == torch.rand(1)


def test_labels_and_features_beyond_the_training_span_do_not_reach_the_weights():
    arrays = make_arrays(hours=72)
    splits = split(arrays)
    config = msgspec.structs.replace(QUICK, epochs=1)
    before = fit_network(arrays, splits, TINY, config)
    validation = splits.validation.holds(arrays.ts_ns)
    arrays.label[arrays.ts_ns > splits.train.end_ns] = Label.UNKNOWN
    arrays.label[np.flatnonzero(validation)[-10]] = Label.HOLD
    for series in arrays.series:
        series.x[series.ts_ns > splits.validation.end_ns] = 50.0
    after = fit_network(arrays, splits, TINY, config)
    assert before.scaler == after.scaler
    assert before.prior == after.prior
    assert before.log[1].train_loss == after.log[1].train_loss


def test_training_stops_when_validation_no_longer_improves_and_keeps_the_best():
    arrays = make_arrays(hours=72, signal=0.0)
    heard: list[EpochLog] = []
    config = msgspec.structs.replace(QUICK, epochs=30, patience=2, learning_rate=0.05)
    fitted = fit_network(arrays, split(arrays), TINY, config, heard.append)
    losses = [each.validation_loss for each in fitted.log]
    assert len(losses) < 31
    assert len(losses) - 1 == int(np.argmin(losses)) + 2
    assert tuple(heard) == fitted.log[1:]


def test_holes_and_unready_rows_are_trained_around():
    arrays = make_arrays(hours=120, signal=1.5)
    rng = np.random.default_rng(3)
    for series in arrays.series:
        for row in rng.integers(len(series.ts_ns), size=4):
            series.ready[row], series.x[row] = False, np.nan
    model = train_model(arrays, split(arrays), TINY, QUICK, created_ns=0)
    assert model.card.test_metrics.skill > 0.05


def test_class_weights_do_not_bend_the_probabilities():
    arrays = make_arrays(hours=120, signal=0.0)
    arrays.label[np.random.default_rng(0).uniform(size=arrays.label.shape) < 0.7] = Label.HOLD
    config = msgspec.structs.replace(QUICK, class_balance=1.0, epochs=2)
    model = train_model(arrays, split(arrays), TINY, config, created_ns=0)
    p = predict_arrays(model, arrays).probabilities(1.0)
    np.testing.assert_allclose(np.nanmean(p, axis=(0, 1)), model.card.prior, atol=0.06)


def test_prior_counts_the_training_span_and_has_no_zero():
    arrays = make_arrays(hours=72)
    arrays.label[arrays.label == Label.BUY] = Label.HOLD
    prior = class_prior(arrays, split(arrays).train)
    assert 0.0 < prior[Label.BUY] < 0.01
    assert prior[Label.SELL] == pytest.approx(0.36, abs=0.06)


def forget_memory_beyond(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    """Let the network run out of memory whenever more pieces than this lie side by side."""
    forward = HeliosNetwork.forward

    def bounded(self, x_mbtf, state):
        if self.training and len(x_mbtf[0]) > pieces:
            raise torch.OutOfMemoryError
        return forward(self, x_mbtf, state)

    monkeypatch.setattr(HeliosNetwork, "forward", bounded)


def test_out_of_memory_halves_the_pieces_side_by_side_and_goes_on(monkeypatch):
    arrays = make_arrays(hours=48)
    config = msgspec.structs.replace(QUICK, epochs=2, piece_blocks=8)
    forget_memory_beyond(monkeypatch, 2)
    notes, again = Notes(), Notes()
    one, two = (fit_network(arrays, split(arrays), TINY, config, watcher=each) for each in (notes, again))
    assert notes.words == [
        "out of memory with 8 pieces side by side; going on with 4",
        "out of memory with 4 pieces side by side; going on with 2",
    ]
    assert [each.validation_loss for each in one.log] == [each.validation_loss for each in two.log]
    assert one.log[-1].validation_loss < one.log[0].validation_loss


def test_no_decision_is_left_out_when_memory_runs_out(monkeypatch):
    arrays = make_arrays(hours=48)
    config = msgspec.structs.replace(QUICK, epochs=1, piece_blocks=8)
    learnt: list[int] = []
    learn = Learner.learn

    def counted(self, chunks):
        learnt.append((result := learn(self, chunks)).decisions)
        return result

    monkeypatch.setattr(Learner, "learn", counted)
    fit_network(arrays, split(arrays), TINY, config)
    whole, learnt[:] = sum(learnt), []
    forget_memory_beyond(monkeypatch, 3)
    fit_network(arrays, split(arrays), TINY, config)
    assert sum(learnt) == whole > 0


def test_memory_for_not_even_one_piece_is_a_clear_error(monkeypatch):
    arrays = make_arrays(hours=48)
    forget_memory_beyond(monkeypatch, 0)
    with pytest.raises(ConfigError, match="smaller preset or fewer chunk_blocks"):
        fit_network(arrays, split(arrays), TINY, QUICK)


def test_pace_is_told_after_every_batch_and_ends_with_nothing_left():
    arrays = make_arrays(hours=48)
    notes = Notes()
    config = msgspec.structs.replace(QUICK, epochs=2, piece_blocks=8)
    fit_network(arrays, split(arrays), TINY, config, watcher=notes)
    shares = [pace.share for pace in notes.paces]
    assert shares == sorted(set(shares))
    assert (shares[-1], notes.paces[-1].secs_left) == (1.0, 0.0)
    assert {pace.epoch for pace in notes.paces} == {1, 2}
    assert all(pace.decisions_per_sec > pace.steps_per_sec > 0 for pace in notes.paces)


def test_cpu_is_not_compiled_for_and_stays_at_full_precision():
    arrays = make_arrays(hours=48)
    fitted = fit_network(arrays, split(arrays), TINY, msgspec.structs.replace(QUICK, epochs=1))
    assert fitted.network.head._compiled_call_impl is None
    exact = msgspec.structs.replace(QUICK, epochs=1, mixed_precision=False)
    assert fit_network(arrays, split(arrays), TINY, exact).log[1].train_loss == fitted.log[1].train_loss


def test_focal_loss_finds_the_signal_too_and_the_temperature_sharpens_what_it_left_unsure():
    arrays = make_arrays(hours=96, signal=1.5)
    config = msgspec.structs.replace(QUICK, focal_gamma=3.0)
    model = train_model(arrays, split(arrays), TINY, config, created_ns=0)
    assert model.card.test_metrics.skill > 0.1
    assert model.card.temperature < 0.95


def test_learning_rate_rises_then_falls_to_nothing():
    net = HeliosNetwork(TINY, 3, Timeframes())
    learner = Learner(net, (0.3, 0.4, 0.3), msgspec.structs.replace(QUICK, warm_up=0.2))
    rates = []
    for share in np.linspace(0.0, 1.0, 21):
        learner.set_rate(float(share))
        rates.append(learner.optimiser.param_groups[0]["lr"])
    assert np.argmax(rates) == 4
    assert rates[4] == pytest.approx(QUICK.learning_rate)
    assert (np.diff(rates[:5]) > 0).all()
    assert (np.diff(rates[4:]) < 0).all()
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "bad",
    [{"epochs": 0}, {"learning_rate": 0.0}, {"warm_up": 1.0}, {"threads": 0}, {"focal_gamma": -1.0}, {"seed": -1}],
)
def test_impossible_settings_are_refused(bad):
    with pytest.raises(ConfigError, match="train"):
        TrainConfig(**bad)
