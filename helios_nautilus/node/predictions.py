"""Writes a model's predictions into the catalogue, so that runs can replay them instead of stepping the network."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.funcs import class_to_filename

from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.features.table import FeatureTables, build_tables
from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.history.arrays import hash_data, unlabelled_arrays
from helios_nautilus.history.catalogue import load_instruments, load_market_data
from helios_nautilus.messages import Prediction, decision_id_of
from helios_nautilus.models.checkpoint import Model, load_model
from helios_nautilus.models.predict import predict_arrays
from helios_nautilus.models.threads import one_thread


def predictions_folder(catalog: Path) -> Path:
    """Where Nautilus keeps them in a catalogue."""
    return catalog / "data" / class_to_filename(Prediction)


def write_predictions(config: HeliosConfig) -> dict[str, int]:
    """Predict every decision of the backtest window in one pass and replace what the catalogue held.

    Returns the number of predictions by instrument. The new files are written aside and moved in as one.
    """
    model = load_model(config.model.folder, config.spec.hash)
    found = predict_window(config, model)
    catalog = config.data.catalog
    with tempfile.TemporaryDirectory(prefix=".predictions-", dir=catalog) as aside:
        draft = ParquetDataCatalog(aside)
        for predictions in found.values():
            draft.write_data(predictions)
        target = predictions_folder(catalog)
        if target.exists():
            target.rename(Path(aside) / "replaced")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(predictions_folder(Path(aside)), target)
    return {name: len(predictions) for name, predictions in found.items()}


def predict_window(config: HeliosConfig, model: Model) -> dict[str, list[Prediction]]:
    """The predictions of the backtest window by instrument, from all history there is before it."""
    spec, ids = config.spec, config.data.instruments
    data = load_market_data(
        config.data.catalog, ids, None, config.backtest.end_ns, bar=spec.base, trades=config.data.trades
    )
    precisions = {each.id.value: each.size_precision for each in load_instruments(config.data.catalog, ids)}
    tables = build_tables(spec, data, precisions)
    arrays = unlabelled_arrays(tables, config.plan, config.training.label, hash_data(data))
    with one_thread():
        raw = predict_arrays(model, arrays)
    p = raw.probabilities(model.card.temperature)
    rows = np.flatnonzero((arrays.ts_ns > config.backtest.start_ns) & (arrays.ts_ns <= config.backtest.end_ns))
    latency_ns = int(config.model.latency_ms * NS_PER_MS)
    closes = _decision_closes(tables)
    return {
        name: [
            _prediction(
                name, int(arrays.ts_ns[row]), latency_ns, model, p[row, i], raw.attention[row, i], closes[row, i]
            )
            for row in rows
            if np.isfinite(p[row, i]).all()
        ]
        for i, name in enumerate(ids)
    }


def _decision_closes(tables: FeatureTables) -> np.ndarray:
    return tables[tables.spec.timeframes.decision].close


def _prediction(
    name: str, ts_ns: int, latency_ns: int, model: Model, p: np.ndarray, attention: np.ndarray, close: float
) -> Prediction:
    high, medium, low = attention.tolist()
    return Prediction(
        ts_event=ts_ns,
        ts_init=ts_ns + latency_ns,
        instrument_id=InstrumentId.from_str(name),
        decision_id=decision_id_of(name, ts_ns),
        model_id=model.model_id,
        p_buy=float(p[Label.BUY]),
        p_sell=float(p[Label.SELL]),
        p_hold=float(p[Label.HOLD]),
        attention_high=high,
        attention_medium=medium,
        attention_low=low,
        price=float(close),
    )
