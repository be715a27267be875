import numpy as np
import pytest

from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.errors import DataError
from helios_nautilus.models.dataset import Arrays, cut_arrays
from helios_nautilus.models.predict import predict_arrays
from helios_nautilus.models.service import PredictionValues
from helios_nautilus.models.succession import Succession, Term, model_at, name_terms, predict_terms
from tests.unit.models.synthetic import START_NS, make_arrays, make_model
from tests.unit.models.test_predict import serve

HOURS = 60
"""The models look on for 48 hours before their terms."""
ARRAYS = make_arrays(hours=HOURS)
FIRST, SECOND, THIRD = (make_model(ARRAYS, seed=seed) for seed in range(3))


def hour(hours: float) -> int:
    return START_NS + round(hours * NS_PER_HOUR)


def terms() -> list[Term]:
    """Nobody in charge at first, then three models; the second takes over in the middle of a bar of 15 minutes."""
    return [
        Term(model=FIRST, start_ns=hour(49.0), end_ns=hour(52.0) + 5 * NS_PER_MIN),
        Term(model=SECOND, start_ns=hour(52.0) + 5 * NS_PER_MIN, end_ns=hour(55.0)),
        Term(model=THIRD, start_ns=hour(55.0)),
    ]


def all_at_once(given: list[Term], arrays: Arrays) -> np.ndarray:
    out = np.full((len(arrays.ts_ns), len(arrays.instrument_ids), 6), np.nan)
    for said in predict_terms(given, arrays):
        assert np.isnan(out[said.decision]).all(), "one decision, one model"
        out[said.decision] = np.concatenate((said.p, said.attention), axis=2)
    return out


def test_service_bar_by_bar_and_one_pass_over_the_history_agree_through_every_change() -> None:
    arrays = make_arrays(hours=HOURS)
    arrays.series[0].ready[53 * 60 + 20, 1] = False
    served = serve(Succession(terms(), 2), arrays)
    np.testing.assert_allclose(served, all_at_once(terms(), arrays), atol=1e-5, rtol=0)
    is_said = np.isfinite(served).all(axis=2)
    assert is_said[:, 0].tolist() == (arrays.ts_ns >= hour(49.0)).tolist()
    assert not is_said[:, 1].all()


def test_catching_up_with_the_past_equals_having_seen_it_live() -> None:
    live, late = Succession(terms(), 2), Succession(terms(), 2)
    started = hour(50.0)
    late.catch_up(cut_arrays(ARRAYS, 0, started))
    served = serve(live, ARRAYS), serve(late, cut_arrays(ARRAYS, started, hour(HOURS)))
    np.testing.assert_allclose(served[0][-len(served[1]) :], served[1], atol=1e-6, rtol=0)
    assert np.isfinite(served[1]).all()


def test_each_decision_is_made_by_the_model_in_charge_at_its_stamp() -> None:
    told: dict[int, set[str]] = {}

    class Witnessed(Succession):
        def decide(self, ts_ns: int) -> list[PredictionValues | None]:
            said = super().decide(ts_ns)
            told[ts_ns] = {each.model_id for each in said if each is not None}
            return said

    serve(Witnessed(terms(), 2), ARRAYS)
    assert list(told) == ARRAYS.ts_ns.tolist()
    for ts_ns, ids in told.items():
        model = model_at(terms(), ts_ns)
        assert ids == (set() if model is None else {model.model_id})
    assert set().union(*told.values()) == {FIRST.model_id, SECOND.model_id, THIRD.model_id}


def test_a_model_takes_over_with_a_settled_state() -> None:
    said = {each.model.model_id: each for each in predict_terms(terms(), ARRAYS)}[SECOND.model_id]
    since_ever = predict_arrays(SECOND, ARRAYS).probabilities(SECOND.card.temperature)
    np.testing.assert_allclose(said.p, since_ever[said.decision], atol=1e-4, rtol=0)


def test_one_model_for_always_is_that_model_alone() -> None:
    (said,) = predict_terms([Term(model=FIRST)], ARRAYS)
    assert said.decision.tolist() == list(range(len(ARRAYS.ts_ns)))
    alone = predict_arrays(FIRST, ARRAYS).probabilities(FIRST.card.temperature)
    np.testing.assert_array_equal(said.p, alone)
    assert name_terms([Term(model=FIRST)]) == FIRST.model_id


def test_other_models_or_other_times_have_another_name() -> None:
    one, two, three = terms()
    sooner = [Term(model=FIRST, start_ns=hour(48.0), end_ns=one.end_ns), two, three]
    assert len({name_terms(given) for given in (terms(), sooner, [one, two], [three], [Term(model=THIRD)])}) == 5
    assert name_terms(terms()) == name_terms(terms())


def test_arrays_are_cut_after_the_start_and_up_to_the_end() -> None:
    part = cut_arrays(ARRAYS, hour(1), hour(2))
    assert (int(part.ts_ns[0]), int(part.ts_ns[-1])) == (hour(1) + 5 * NS_PER_MIN, hour(2))
    assert [len(series.ts_ns) for series in part.series] == [60, 12, 4]
    np.testing.assert_array_equal(part.label, ARRAYS.label[12:24])
    np.testing.assert_array_equal(part.series[1].x, ARRAYS.series[1].x[12:24])
    with pytest.raises(DataError):
        cut_arrays(ARRAYS, hour(HOURS), hour(HOURS + 1))
