"""Telling a prediction: to the journal and to every strategy, whoever made it."""

from nautilus_trader.common.component import MessageBus

from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import PredictionRecord
from helios_nautilus.messages import TOPIC_PREDICTIONS, Prediction


def announce(prediction: Prediction, msgbus: MessageBus, journal: Journal) -> None:
    """Journal a prediction, then publish it."""
    journal.append(
        PredictionRecord(
            ts_ns=prediction.ts_init,
            decision_id=prediction.decision_id,
            instrument_id=prediction.instrument_id.value,
            model_id=prediction.model_id,
            p_buy=prediction.p_buy,
            p_sell=prediction.p_sell,
            p_hold=prediction.p_hold,
            attention=prediction.attention,
            price=prediction.price,
            veto=prediction.veto,
        )
    )
    msgbus.publish(TOPIC_PREDICTIONS, prediction)
