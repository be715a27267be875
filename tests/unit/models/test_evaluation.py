"""Whole evaluations of tiny training sets: what is judged, on which rows, and that a verdict can be trusted."""

import shutil
from functools import cache

import msgspec
import numpy as np
import pytest

from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.errors import ConfigError, LookaheadError, ModelError
from helios_nautilus.models.baselines import BoostingConfig, LogisticConfig
from helios_nautilus.models.checkpoint import build_model
from helios_nautilus.models.contest import BASELINES, MODELS
from helios_nautilus.models.dataset import Splits
from helios_nautilus.models.evaluation import (
    EvaluationConfig,
    hold_contests,
    judge,
    subject_of_model,
    subject_of_settings,
)
from helios_nautilus.models.folds import WalkForwardConfig, walk_forward
from helios_nautilus.models.judgement import Judgement
from helios_nautilus.models.rows import predictable
from helios_nautilus.models.sequences import Blocks
from tests.unit.models.synthetic import QUICK, TINY, make_arrays, make_model

CONFIG = EvaluationConfig(
    walk_forward=WalkForwardConfig(folds=2, first=0.35),
    logistic=LogisticConfig(strengths=(0.1,)),
    boosting=BoostingConfig(rounds=30, patience=5, leaves=4),
    draws=200,
)
SLOW = Timeframes(high="5m", medium="15m", low="1h", decision="5m")
"""Fewer bars a day: so that more days can be judged in a test's time."""
TRAINING = msgspec.structs.replace(QUICK, epochs=3, chunk_blocks=4, learning_rate=0.04)
COLUMNS = ("return_1", "volume_change", "rsi_14")


def subject(arrays, config=CONFIG, training=TRAINING):
    return subject_of_settings(arrays, "tiny", TINY, training, config)


def evaluate(arrays, folder, *, config=CONFIG, tell=lambda words: None):
    judged = subject(arrays, config)
    folds = hold_contests(arrays, judged, COLUMNS, folder, tell)
    return judge(arrays, judged, folds, config, created_ns=0), folds


@cache
def arrays_of(signal):
    return make_arrays(hours=400, signal=signal, seed=1, timeframes=SLOW)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the folds of `clear` are kept."""
    return tmp_path_factory.mktemp("clear")


@pytest.fixture(scope="module")
def clear(folder):
    """An evaluation where the features tell much."""
    return evaluate(arrays_of(1.0), folder)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """An evaluation where the features tell nothing."""
    return evaluate(arrays_of(0.0), tmp_path_factory.mktemp("noise"))


def test_where_features_tell_much_the_network_is_better_than_the_prior(clear):
    judgement, _ = clear
    verdicts = {each.baseline: each.verdict for each in judgement.against("network")}
    assert verdicts["prior"] == "better"
    assert judgement.showing("network").skill.low > 0.05
    assert (
        judgement.showing("network").metrics.directional_top > judgement.showing("network").metrics.directional_accuracy
    )


def test_where_features_tell_nothing_no_model_is_called_better_than_the_prior(noise):
    judgement, _ = noise
    assert "better" not in {each.verdict for each in judgement.comparisons if each.baseline == "prior"}
    assert judgement.showing("network").skill.low <= 0


def test_a_feature_that_knows_the_label_raises_the_alarm(tmp_path):
    arrays = make_arrays(hours=400, seed=1, timeframes=SLOW)
    decided = arrays.series[0].x
    decided[:, :, 1] = np.where(arrays.label == Label.BUY, 3.0, np.where(arrays.label == Label.SELL, -3.0, 0.0))
    judgement, _ = evaluate(arrays, tmp_path)
    assert any("skill over the prior" in words and "look for a leak" in words for words in judgement.alarms)
    assert any("of directions" in words for words in judgement.alarms)


def test_an_honest_evaluation_raises_no_alarm(noise):
    assert noise[0].alarms == ()


def test_all_models_answer_for_every_row_the_network_can_predict_and_no_other(clear):
    judgement, folds = clear
    arrays = arrays_of(1.0)
    can = predictable(arrays, Blocks(arrays)) & (arrays.label >= 0)
    for fold in folds:
        rows = np.zeros_like(can)
        rows[fold.decision, fold.instrument] = True
        np.testing.assert_array_equal(rows, can & fold.splits.test.holds(arrays.ts_ns)[:, None])
        for name in MODELS:
            assert np.isfinite(fold.raw[name]).all()
            np.testing.assert_allclose(np.exp(fold.log_p(name)).sum(axis=1), 1.0, atol=1e-6)
    assert judgement.count == sum(len(fold.decision) for fold in folds)
    assert {each.metrics.count for each in judgement.showings} == {judgement.count}


def test_slices_of_a_kind_hold_every_row_once(clear):
    judgement, _ = clear
    for by in ("regime", "hour", "instrument"):
        assert sum(each.count for each in judgement.slices if each.by == by) == judgement.count
    for each in judgement.slices:
        assert sum(each.attention) == pytest.approx(1.0, abs=1e-5)


def test_part_that_tells_the_label_is_the_one_that_is_missed(clear):
    judgement, _ = clear
    added = {each.part: each.added_loss for each in judgement.importance}
    assert set(added) == {"price", "volume", "indicators", "5m", "15m", "1h"}
    for model in ("network", "boosting"):
        assert max(added, key=lambda part: added[part][model]) in ("price", "5m")
        assert added["price"][model] > 0.03 > abs(added["indicators"][model])
        assert added["5m"][model] > 0.03 > abs(added["1h"][model])


def test_money_is_counted_for_every_threshold_as_taker_and_as_maker(clear):
    judgement, _ = clear
    takings = judgement.showing("network").takings
    assert [(each.entry, each.threshold) for each in takings] == [
        (entry, threshold) for entry in ("taker", "maker") for threshold in CONFIG.thresholds
    ]
    for each in takings:
        assert each.trades <= each.rows
    taker, maker = takings[0], takings[len(CONFIG.thresholds)]
    assert maker.mean_net == pytest.approx(taker.mean_net + 0.001)
    lines = [each for each in judgement.equity if each.model == "network"]
    assert [each.total[-1] for each in lines] == pytest.approx([each.total_net for each in takings])
    assert {len(each.total) for each in lines} == {len(judgement.day_stamps_ns)}


def test_the_more_variants_were_tried_the_less_a_sharpe_ratio_is_worth(clear, tmp_path):
    _, folds = clear
    arrays = arrays_of(1.0)
    worth = {}
    for variants in (1, 1000):
        config = msgspec.structs.replace(CONFIG, variants_tried=variants)
        judgement = judge(arrays, subject(arrays), folds, config, created_ns=0)
        assert judgement.trials == variants * 2 * 5 * 2
        worth[variants] = [each.deflated_sharpe for each in judgement.showing("boosting").takings]
    assert all(few is None or few >= many for few, many in zip(worth[1], worth[1000], strict=True))


def test_the_judgement_survives_json(clear):
    judgement, _ = clear
    assert msgspec.json.decode(msgspec.json.encode(judgement), type=Judgement) == judgement


def test_an_interrupted_evaluation_goes_on_where_it_was(clear, tmp_path):
    arrays = arrays_of(1.0)

    def interrupt(words: str) -> None:
        if words == "fold 2 of 2":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(arrays, tmp_path, tell=interrupt)
    told: list[str] = []
    resumed, _ = evaluate(arrays, tmp_path, tell=told.append)
    assert "fold 1 of 2" not in told
    assert resumed == clear[0]


def test_a_fold_kept_for_other_settings_is_not_used():
    arrays = arrays_of(1.0)
    other = msgspec.structs.replace(TRAINING, learning_rate=0.03)
    assert subject(arrays).key == subject(arrays).key
    assert subject(arrays).key != subject(arrays, training=other).key
    assert subject(arrays).key != subject(msgspec.structs.replace(arrays, data_hash="other")).key
    assert subject(arrays).key != subject(msgspec.structs.replace(arrays, label=arrays.label[::-1])).key


@pytest.mark.parametrize("name", ["raw_network.npy", "fold.json"])
def test_a_fold_that_was_damaged_is_made_anew(folder, clear, tmp_path, name):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (path,) = tmp_path.glob(f"*/fold-0/{name}")
    path.write_bytes(path.read_bytes()[:50])
    told: list[str] = []
    again, _ = evaluate(arrays_of(1.0), tmp_path, tell=told.append)
    assert "fold 1 of 2" in told
    assert "fold 2 of 2" not in told
    assert again == clear[0]


def test_a_fold_without_a_purge_is_refused(tmp_path):
    arrays = arrays_of(1.0)
    fold = walk_forward(arrays, CONFIG.walk_forward)[0]
    touching = msgspec.structs.replace(fold.train, end_ns=fold.validation.start_ns)
    leaking = Splits(train=touching, validation=fold.validation, test=fold.test)
    with pytest.raises(LookaheadError, match="purge the boundary"):
        hold_contests(arrays, msgspec.structs.replace(subject(arrays), folds=(leaking,)), COLUMNS, tmp_path, print)


def trained_model(arrays):
    (fold,) = walk_forward(arrays, WalkForwardConfig(folds=1, first=0.7))
    model = make_model(arrays)
    return build_model(model.network, msgspec.structs.replace(model.card, splits=fold))


def test_a_trained_model_is_judged_on_the_test_span_of_its_card(tmp_path):
    arrays = arrays_of(1.0)
    model = trained_model(arrays)
    judged = subject_of_model(arrays, "tiny", tmp_path / "model", model, CONFIG)
    (fold,) = hold_contests(arrays, judged, COLUMNS, tmp_path, lambda words: None)
    assert fold.splits == model.card.splits
    assert judge(arrays, judged, (fold,), CONFIG, created_ns=0).model_folder == str(tmp_path / "model")


def test_a_model_of_other_data_is_refused(tmp_path):
    arrays = arrays_of(1.0)
    other = msgspec.structs.replace(arrays, data_hash="other")
    with pytest.raises(ModelError, match="trained on other data"):
        subject_of_model(other, "tiny", tmp_path, trained_model(arrays), CONFIG)


def test_several_seeds_are_averaged(tmp_path):
    arrays = arrays_of(1.0)
    config = msgspec.structs.replace(CONFIG, seeds=2, walk_forward=WalkForwardConfig(folds=1, first=0.7))
    (fold,) = hold_contests(arrays, subject(arrays, config), COLUMNS, tmp_path, lambda words: None)
    assert np.isfinite(fold.raw["network"]).all()
    assert set(fold.temperature) == set(MODELS)


@pytest.mark.parametrize(
    "wrong", [{"seeds": 0}, {"variants_tried": 0}, {"draws": 0}, {"thresholds": ()}, {"thresholds": (0.4,)}]
)
def test_settings_that_judge_nothing_are_refused(wrong):
    with pytest.raises(ConfigError, match="evaluation"):
        EvaluationConfig(**wrong)


def test_every_candidate_is_compared_with_every_baseline(noise):
    pairs = {(each.model, each.baseline) for each in noise[0].comparisons}
    assert pairs == {(model, baseline) for model in ("network", "ensemble") for baseline in BASELINES}
