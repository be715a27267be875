import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.labels import Label
from helios_nautilus.models.evaluate import Metrics, calibration_curve, directional_confidence, evaluate

PRIOR = (0.3, 0.4, 0.3)


def judge(p: list[list[float]], label: list[int], net_long=None, net_short=None, **options) -> Metrics:
    n = len(label)
    return evaluate(
        np.array(p, dtype=np.float64).reshape(n, 3),
        np.array(label, dtype=np.int8),
        np.array(net_long if net_long is not None else [0.0] * n, dtype=np.float64),
        np.array(net_short if net_short is not None else [0.0] * n, dtype=np.float64),
        prior=PRIOR,
        **options,
    )


def test_predicting_the_prior_has_no_skill():
    assert judge([list(PRIOR)] * 4, [0, 1, 2, 1]).skill == pytest.approx(0.0)


def test_being_right_has_skill_and_being_wrong_has_less_than_none():
    sure = [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]]
    assert judge(sure, [0, 1, 2]).skill > 0.8
    assert judge(sure, [2, 0, 1]).skill < -1.0


def test_figures_agree_with_a_table_worked_by_hand():
    """Confusion, rows as they occurred: SELL 2 right of 3, HOLD 1 of 1, BUY 1 of 2; the rest went to HOLD and SELL."""
    sell, hold, buy = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]
    got = judge([sell, sell, hold, hold, buy, sell], [0, 0, 0, 1, 2, 2])
    assert got.accuracy == pytest.approx(4 / 6)
    assert got.balanced_accuracy == pytest.approx((2 / 3 + 1 + 1 / 2) / 3)
    t, q = np.array([3, 1, 2]), np.array([3, 2, 1])
    assert got.mcc == pytest.approx((4 * 6 - t @ q) / np.sqrt((36 - q @ q) * (36 - t @ t)))


def test_mcc_of_two_classes_is_the_textbook_formula():
    rng = np.random.default_rng(0)
    truth, said = rng.integers(0, 2, 300) * 2, rng.integers(0, 2, 300) * 2
    said[:150] = truth[:150]
    tp, tn = ((truth == 2) & (said == 2)).sum(), ((truth == 0) & (said == 0)).sum()
    fp, fn = ((truth == 0) & (said == 2)).sum(), ((truth == 2) & (said == 0)).sum()
    textbook = (tp * tn - fp * fn) / np.sqrt(float((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))
    assert judge((0.8 * np.eye(3)[said] + 0.05).tolist(), truth.tolist()).mcc == pytest.approx(textbook)


def test_direction_is_judged_on_rows_that_moved_and_by_confidence():
    rng = np.random.default_rng(1)
    n = 4000
    lean = rng.uniform(-0.3, 0.3, n)
    p = np.column_stack((0.35 - lean, np.full(n, 0.3), 0.35 + lean))
    label = np.where(rng.uniform(size=n) < 0.5 + lean, Label.BUY, Label.SELL)
    label[:100] = Label.HOLD
    got = judge(p.tolist(), label.tolist())
    accuracies = [each.accuracy for each in got.directional_deciles]
    assert sum(each.count for each in got.directional_deciles) == n - 100
    assert len(accuracies) == 10
    assert accuracies[-1] > 0.7 > 0.6 > accuracies[0]
    assert got.directional_accuracy == pytest.approx(0.65, abs=0.03)


def test_information_coefficient_ranks_leanings_against_what_they_earned():
    p = [[0.5, 0.2, 0.3], [0.4, 0.2, 0.4], [0.3, 0.2, 0.5], [0.2, 0.2, 0.6]]
    long, short = [-0.03, -0.01, 0.01, 0.05], [0.02, 0.0, -0.02, -0.06]
    assert judge(p, [0, 1, 2, 2], long, short).information_coefficient == pytest.approx(1.0)
    assert judge(p, [0, 1, 2, 2], short, long).information_coefficient == pytest.approx(-1.0)


def test_honest_probabilities_have_a_small_calibration_error_and_boastful_ones_a_large_one():
    rng = np.random.default_rng(2)
    p = rng.dirichlet((2, 2, 2), 20_000)
    label = (p.cumsum(axis=1) < rng.uniform(size=(20_000, 1))).sum(axis=1)
    boast = 0.9 * np.eye(3)[p.argmax(axis=1)] + 0.1 / 3
    assert judge(p.tolist(), label.tolist()).calibration_error < 0.01
    assert judge(boast.tolist(), label.tolist()).calibration_error > 0.1


def test_money_is_counted_on_sides_confident_enough_with_a_known_outcome():
    p = [[0.1, 0.5, 0.4], [0.4, 0.5, 0.1], [0.25, 0.5, 0.25], [0.1, 0.1, 0.8]]
    got = judge(p, [2, 0, 1, 2], [0.02, -9.0, -9.0, np.nan], [-9.0, 0.04, -9.0, 0.0], min_confidence=0.55)
    assert got.taken == 2
    assert got.taken_mean_net == pytest.approx(0.03)


def test_unknown_labels_and_missing_predictions_are_left_out():
    whole = judge([[0.2, 0.3, 0.5]] * 2, [2, 1])
    padded = judge([[0.2, 0.3, 0.5]] * 3 + [[np.nan] * 3], [2, 1, -1, 2])
    assert padded == whole


def test_directional_confidence_ignores_hold():
    got = directional_confidence(np.array([[0.1, 0.6, 0.3], [0.3, 0.6, 0.1], [0.0, 1.0, 0.0]]))
    assert got.tolist() == pytest.approx([0.75, 0.75, 0.5])


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 40), sure=st.booleans(), only=st.sampled_from([None, 0, 1, 2]))
def test_every_figure_is_finite_or_none_whatever_the_rows(seed, n, sure, only):
    rng = np.random.default_rng(seed)
    p = np.eye(3)[rng.integers(0, 3, n)] if sure else rng.dirichlet((1, 1, 1), n)
    label = rng.integers(-1, 3, n) if only is None else np.full(n, only)
    net = rng.normal(size=n)
    net[rng.uniform(size=n) < 0.3] = np.nan
    got = judge(p.tolist(), label.tolist(), net, -net)
    for value in msgspec.structs.asdict(got).values():
        assert value is None or isinstance(value, tuple) or np.isfinite(value)
    assert msgspec.json.decode(msgspec.json.encode(got), type=Metrics) == got


def test_the_most_confident_twentieth_is_judged_apart():
    rng = np.random.default_rng(3)
    n = 4000
    lean = rng.uniform(-0.3, 0.3, n)
    p = np.column_stack((0.35 - lean, np.full(n, 0.3), 0.35 + lean))
    label = np.where(rng.uniform(size=n) < 0.5 + lean, Label.BUY, Label.SELL)
    got = judge(p.tolist(), label.tolist())
    assert got.directional_top == pytest.approx(0.79, abs=0.06)
    assert got.directional_top > got.directional_accuracy + 0.08
    assert judge([[0.2, 0.5, 0.3]], [1]).directional_top is None


def test_base_rates_may_differ_from_row_to_row():
    """As they do where the rows of several folds are judged together."""
    p = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    label, net = np.array([2, 0], dtype=np.int8), np.zeros(2)
    assert evaluate(p, label, net, net, prior=p).skill == pytest.approx(0.0)


def test_calibration_curve_sets_what_was_said_against_what_came():
    p = np.array([[0.05, 0.25, 0.7]] * 4)
    label = np.array([2, 2, 2, 1], dtype=np.int8)
    got = [(each.p_mean, each.frequency, each.count) for each in calibration_curve(p, label)]
    assert got == [
        pytest.approx((0.05, 0.0, 4)),
        pytest.approx((0.25, 0.25, 4)),
        pytest.approx((0.7, 0.75, 4)),
    ]
