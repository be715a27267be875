from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.messages import Prediction


def test_a_prediction_read_from_a_catalogue_is_the_one_written(tmp_path):
    written = Prediction(
        ts_event=1_000,
        ts_init=1_200,
        instrument_id=InstrumentId.from_str("BTCZAR.VALR"),
        decision_id="BTCZAR.VALR-20260101T0005",
        model_id="0123456789ab",
        p_buy=0.5,
        p_sell=0.2,
        p_hold=0.3,
        attention_high=0.4,
        attention_medium=0.35,
        attention_low=0.25,
        price=1_900_000.0,
    )
    catalog = ParquetDataCatalog(tmp_path)
    catalog.write_data([written])
    (read,) = catalog.query(Prediction)
    assert read.data.to_dict() == written.to_dict()
    assert read.data.instrument_id == written.instrument_id
