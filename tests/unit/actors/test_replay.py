import pytest

from helios_nautilus.actors.replay import PredictionReplay, ReplayConfig
from helios_nautilus.errors import ModelError
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import PredictionRecord
from helios_nautilus.messages import TOPIC_PREDICTIONS
from tests.fakes import MODEL_ID, Kit, prediction


@pytest.fixture
def replay(kit: Kit, journal: MemoryJournal) -> PredictionReplay:
    return kit.start(PredictionReplay(ReplayConfig(model_ids=(MODEL_ID,)), journal))


def test_a_stored_prediction_is_told_again_as_it_was(
    kit: Kit, replay: PredictionReplay, journal: MemoryJournal
) -> None:
    told = kit.listen(TOPIC_PREDICTIONS)
    stored = prediction(p_buy=0.6, p_sell=0.25)

    replay.handle_data(stored)

    assert told == [stored]
    (record,) = journal.of(PredictionRecord)
    assert (record.decision_id, record.ts_ns) == (stored.decision_id, stored.ts_init)
    assert (record.p_buy, record.p_sell, record.attention) == (0.6, 0.25, (0.5, 0.3, 0.2))


def test_a_prediction_is_journalled_before_anybody_acts_on_it(
    kit: Kit, replay: PredictionReplay, journal: MemoryJournal
) -> None:
    in_journal_when_told: list[int] = []
    kit.msgbus.subscribe(TOPIC_PREDICTIONS, lambda _each: in_journal_when_told.append(len(journal)))

    replay.handle_data(prediction())

    assert in_journal_when_told == [1]


def test_another_models_predictions_are_refused(kit: Kit, replay: PredictionReplay, journal: MemoryJournal) -> None:
    told = kit.listen(TOPIC_PREDICTIONS)

    with pytest.raises(ModelError, match=r"model another.*helios predict"):
        replay.handle_data(prediction(model_id="another"))

    assert told == []
    assert len(journal) == 0
