import msgspec
import numpy as np
import pytest

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.models import rivals
from helios_nautilus.models.dataset import Arrays, SplitConfig, Splits, split_by_share
from helios_nautilus.models.rivals import RIVALS, Standing, meet_rivals, row_losses
from tests.unit.models.synthetic import make_arrays

ARRAYS = make_arrays(hours=240, signal=1.5)
PRIOR = (0.4, 0.2, 0.4)


def split(arrays: Arrays) -> Splits:
    return split_by_share(arrays, SplitConfig(train=0.4, validation=0.2))


def knowing(arrays: Arrays, *, sharpness: float = 2.0) -> Floats:
    """Probabilities of a model that sees the score behind the labels: more than any feature tells."""
    logits = np.full((*arrays.label.shape, 3), 0.0)
    logits[..., Label.BUY] = sharpness * 100 * (arrays.net_long - 0.003)
    logits[..., Label.SELL] = sharpness * 100 * (arrays.net_short - 0.003)
    p = np.exp(logits)
    return p / p.sum(axis=-1, keepdims=True)


def constant(arrays: Arrays, p: tuple[float, ...] = PRIOR) -> Floats:
    return np.broadcast_to(np.array(p), (*arrays.label.shape, 3)).copy()


def meet(arrays: Arrays, p: Floats, seed: int = 0) -> Standing:
    return meet_rivals(arrays, split(arrays), p, PRIOR, seed=seed)


def test_a_model_that_knows_more_is_surely_ahead_of_all():
    standing = meet(ARRAYS, knowing(ARRAYS))
    assert tuple(each.name for each in standing.rivals) == RIVALS
    for rival in standing.rivals:
        assert 0 < rival.lead.low <= rival.lead.estimate <= rival.lead.high
        assert rival.side_lead.low > 0


def test_a_model_that_knows_nothing_is_surely_behind_those_that_learn():
    standing = meet(ARRAYS, constant(ARRAYS))
    for name in ("logistic", "boosting"):
        assert standing.rival(name).lead.high < 0
        assert standing.rival(name).metrics.skill > 0.1


def test_a_models_own_base_rates_give_it_no_lead_over_themselves():
    train = ARRAYS.label[split(ARRAYS).train.holds(ARRAYS.ts_ns)]
    rates = (np.bincount(train.ravel(), minlength=3) + 1.0) / (train.size + 3)
    prior = meet(ARRAYS, constant(ARRAYS, tuple(rates))).rival("prior")
    assert prior.lead.estimate == pytest.approx(0.0, abs=1e-3)
    assert prior.temperature == 1.0


def test_an_edge_is_a_lead_over_base_rates_known_in_hindsight():
    """A constant that leans as the test rows happen to lean beats the training span's rates, and has no edge."""
    test = ARRAYS.label[split(ARRAYS).test.holds(ARRAYS.ts_ns)]
    rates = np.bincount(test.ravel(), minlength=3) / test.size
    assert meet(ARRAYS, constant(ARRAYS, tuple(rates))).edge.estimate == pytest.approx(0.0, abs=1e-4)
    assert meet(ARRAYS, constant(ARRAYS)).edge.high < 1e-4
    assert meet(ARRAYS, knowing(ARRAYS)).edge.low > 0.1


def test_all_are_judged_on_the_rows_that_the_network_can_predict():
    p = knowing(ARRAYS)
    test = split(ARRAYS).test.holds(ARRAYS.ts_ns)
    p[np.flatnonzero(test)[::3]] = np.nan
    standing = meet(ARRAYS, p)
    rows = int(np.isfinite(p[test]).all(axis=2).sum())
    assert {each.metrics.count for each in standing.rivals} == {rows}


def test_rows_beyond_the_test_span_and_their_labels_change_nothing():
    splits = split(ARRAYS)
    early = msgspec.structs.replace(splits, test=msgspec.structs.replace(splits.test, end_ns=int(ARRAYS.ts_ns[-800])))
    before = meet_rivals(ARRAYS, early, knowing(ARRAYS), PRIOR)
    changed = make_arrays(hours=240, signal=1.5)
    changed.label[-799:] = Label.HOLD
    assert meet_rivals(changed, early, knowing(ARRAYS), PRIOR) == before


def test_the_same_seed_draws_the_same_days():
    one, again, other = (meet(ARRAYS, knowing(ARRAYS), seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_days_are_those_of_the_test_rows():
    ts_ns = ARRAYS.ts_ns[split(ARRAYS).test.holds(ARRAYS.ts_ns)]
    assert meet(ARRAYS, knowing(ARRAYS)).days == len(np.unique(ts_ns // NS_PER_DAY)) == 5


def test_one_day_tells_no_lead():
    arrays = make_arrays(hours=96)
    splits = split(arrays)
    short = msgspec.structs.replace(
        splits.test, end_ns=int(arrays.ts_ns[-1]) // NS_PER_DAY * NS_PER_DAY - NS_PER_DAY - 1
    )
    standing = meet_rivals(arrays, msgspec.structs.replace(splits, test=short), knowing(arrays), PRIOR)
    assert standing.days == 1
    assert [each.lead for each in standing.rivals] == [None] * 3
    assert standing.edge is None


def test_where_nothing_can_be_predicted_nobody_is_met():
    assert meet(ARRAYS, np.full((*ARRAYS.label.shape, 3), np.nan)) == Standing(days=0, rivals=())


def test_without_the_extra_the_base_rates_are_met_alone(monkeypatch):
    monkeypatch.setattr(rivals, "find_spec", lambda package: None)
    standing = meet(ARRAYS, knowing(ARRAYS))
    assert [each.name for each in standing.rivals] == ["prior"]
    assert standing.rival("boosting") is None


def test_a_rows_loss_is_that_of_whether_it_moved_and_of_where_to():
    p = np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5], [0.2, 0.3, 0.5]])
    label = np.array([Label.SELL, Label.HOLD, Label.BUY], dtype=np.int8)
    whole, side = row_losses(np.log(p), label).T
    np.testing.assert_allclose(whole, -np.log([0.2, 0.3, 0.5]))
    np.testing.assert_allclose(side, [-np.log(0.2 / 0.7), 0.0, -np.log(0.5 / 0.7)])
    np.testing.assert_allclose(whole - side, [-np.log(0.7), -np.log(0.3), -np.log(0.7)])
