import msgspec
import pytest

from helios_nautilus.errors import ModelError
from helios_nautilus.models.bootstrap import Interval
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.promotion import MIN_TEST_DAYS, find_objections, promote
from helios_nautilus.models.registry import Registry
from helios_nautilus.models.rivals import Rival, RivalName, Standing
from tests.unit.models.synthetic import make_arrays, make_model

MODEL = make_model(make_arrays(hours=4))


def interval(estimate: float, low: float) -> Interval:
    return Interval(estimate=estimate, low=low, high=2 * estimate - low)


def rival(name: RivalName, lead: Interval) -> Rival:
    return Rival(name=name, temperature=1.0, metrics=MODEL.card.test_metrics, lead=lead, side_lead=lead)


SURE, UNSURE = interval(0.02, 0.01), interval(0.02, -0.01)
BEHIND, SURELY_BEHIND = interval(-0.0012, -0.01), interval(-0.0012, -0.002)


def standing(
    prior: Interval = SURE,
    logistic: Interval = BEHIND,
    boosting: Interval = UNSURE,
    *,
    edge: Interval | None = SURE,
    days: int = 20,
) -> Standing:
    """A model that passes, but for what a test changes."""
    rivals = rival("prior", prior), rival("logistic", logistic), rival("boosting", boosting)
    return Standing(days=days, rivals=rivals, edge=edge)


def model_with(standing: Standing) -> Model:
    return msgspec.structs.replace(MODEL, card=msgspec.structs.replace(MODEL.card, standing=standing))


def objections_to(standing: Standing) -> tuple[str, ...]:
    return find_objections(model_with(standing).card)


def test_surely_better_than_the_base_rates_with_an_edge_ahead_of_the_trees_and_a_match_for_the_linear_model_passes():
    assert objections_to(standing()) == ()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            standing(prior=UNSURE),
            "not surely better than the base rates: ahead by 0.0200, which may be luck",
        ),
        (standing(prior=BEHIND), "not surely better than the base rates: its log-loss is higher by 0.0012"),
        (standing(edge=UNSURE), "knows nothing sure about the side: ahead by 0.0200, which may be luck"),
        (standing(edge=None), "does not say what it knows about the side"),
        (standing(logistic=SURELY_BEHIND), "logistic regression is surely better: its log-loss is higher by 0.0012"),
        (standing(boosting=BEHIND), "not better than LightGBM: its log-loss is higher by 0.0012"),
        (standing(boosting=interval(0.0, -0.1)), "not better than LightGBM"),
        (standing(days=MIN_TEST_DAYS - 1), f"has {MIN_TEST_DAYS - 1} days"),
        (Standing(days=20, rivals=standing().rivals[:1]), "never held against logistic regression"),
        (Standing(days=20, rivals=standing().rivals[:2]), "never held against LightGBM"),
    ],
)
def test_the_gate_says_what_it_has_against_a_model(found, words):
    (objection,) = objections_to(found)[:1]
    assert words in objection


def test_all_that_is_wrong_is_said():
    found = objections_to(standing(prior=UNSURE, edge=UNSURE, logistic=SURELY_BEHIND, boosting=BEHIND))
    assert len(found) == 4


def test_a_model_that_passes_is_put_in_charge(tmp_path):
    registry = Registry(tmp_path)
    registry.add(model_with(standing()), "good")
    pointer = promote(registry, "good", ts_ns=5, who="ann", why="better")
    assert (pointer.current.model, pointer.current.is_forced) == ("good", False)


def test_a_model_that_does_not_is_refused_in_words_and_nothing_is_written(tmp_path):
    registry = Registry(tmp_path)
    registry.add(model_with(standing(boosting=BEHIND)), "worse")
    with pytest.raises(ModelError, match="worse is not promoted: it is not better than LightGBM"):
        promote(registry, "worse", ts_ns=5, who="ann", why="I like it")
    assert registry.pointers() == ()


def test_force_overrules_the_gate_and_the_history_keeps_what_it_said(tmp_path):
    registry = Registry(tmp_path)
    registry.add(model_with(standing(boosting=BEHIND)), "worse")
    change = promote(registry, "worse", ts_ns=5, who="ann", why="to try it", force=True).current
    assert change.is_forced
    assert change.objections == ("it is not better than LightGBM: its log-loss is higher by 0.0012",)


def test_force_on_a_model_that_passes_overrules_nothing(tmp_path):
    registry = Registry(tmp_path)
    registry.add(model_with(standing()), "good")
    assert not promote(registry, "good", ts_ns=5, who="ann", why="sure", force=True).current.is_forced
