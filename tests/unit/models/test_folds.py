import numpy as np
import pytest
from msgspec.structs import replace

from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.errors import ConfigError, LookaheadError, NotEnoughHistoryError
from helios_nautilus.models.dataset import Span
from helios_nautilus.models.folds import WalkForwardConfig, check_splits, walk_forward
from tests.unit.models.synthetic import make_arrays


def test_test_spans_follow_each_other_to_the_last_decision_and_never_overlap():
    arrays = make_arrays(hours=200)
    folds = walk_forward(arrays, WalkForwardConfig(folds=3, first=0.4))
    held = np.sum([fold.test.holds(arrays.ts_ns) for fold in folds], axis=0)
    assert held.max() == 1
    assert held[-1] == 1
    lengths = [fold.test.end_ns - fold.test.start_ns for fold in folds]
    assert max(lengths) - min(lengths) < NS_PER_HOUR


def test_spans_hold_as_many_labels_as_their_shares_promise_however_many_hours_are_missing():
    arrays = make_arrays(hours=400)
    label = arrays.label.copy()
    label[len(label) // 4 : 3 * len(label) // 4] = Label.UNKNOWN  # two segments with a hole as long as both between
    arrays = replace(arrays, label=label)

    def count(span: Span) -> int:
        return int((label[span.holds(arrays.ts_ns)] >= 0).sum())

    known = int((label >= 0).sum())
    for number, fold in enumerate(walk_forward(arrays, WalkForwardConfig(folds=3, first=0.4, validation=0.25))):
        before = known * (0.4 + 0.2 * number)
        assert count(fold.validation) == pytest.approx(before * 0.25, rel=0.1)
        assert count(fold.test) == pytest.approx(known * 0.2, rel=0.1)


def test_each_fold_trains_on_all_that_came_before():
    folds = walk_forward(make_arrays(hours=200), WalkForwardConfig(folds=3, first=0.4))
    assert len({fold.train.start_ns for fold in folds}) == 1
    ends = [fold.train.end_ns for fold in folds]
    assert ends == sorted(ends)
    for fold in folds:
        assert fold.train.end_ns < fold.validation.start_ns < fold.validation.end_ns < fold.test.start_ns


def test_every_fold_is_purged_by_a_labels_reach_and_an_embargo():
    arrays = make_arrays(hours=200)
    for fold in walk_forward(arrays, WalkForwardConfig(embargo_mins=30)):
        check_splits(arrays, fold)
        assert fold.validation.start_ns - fold.train.end_ns == (60 + 30) * NS_PER_MIN
        assert fold.test.start_ns - fold.validation.end_ns == (60 + 30) * NS_PER_MIN


@pytest.mark.parametrize("span", ["train", "validation"])
def test_a_fold_without_a_purge_is_refused(span):
    arrays = make_arrays(hours=200)
    fold = walk_forward(arrays, WalkForwardConfig(embargo_mins=0))[0]
    unpurged = replace(getattr(fold, span), end_ns=getattr(fold, span).end_ns + NS_PER_MIN)
    with pytest.raises(LookaheadError, match=f"the {span} span ends 59 minutes before"):
        check_splits(arrays, replace(fold, **{span: unpurged}))


def test_too_many_folds_for_the_history_is_a_clear_error():
    with pytest.raises(NotEnoughHistoryError, match="train on a longer window"):
        walk_forward(make_arrays(hours=20), WalkForwardConfig(folds=12))


@pytest.mark.parametrize("wrong", [{"folds": 0}, {"first": 1.0}, {"validation": 0.0}, {"embargo_mins": -1}])
def test_settings_that_make_no_folds_are_refused(wrong):
    with pytest.raises(ConfigError):
        WalkForwardConfig(**wrong)
