"""Writes a model's predictions into the catalogue, so that runs can replay them instead of stepping the network."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.funcs import class_to_filename

from helios_nautilus.actors.prediction import GRACE_MS
from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.features.table import FeatureTables, build_tables
from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.errors import ModelError, NotEnoughHistoryError
from helios_nautilus.history.arrays import hash_data, unlabelled_arrays
from helios_nautilus.history.catalogue import load_instruments, load_market_data
from helios_nautilus.messages import Prediction, decision_id_of
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.profile import veto_of
from helios_nautilus.models.succession import Term, name_terms, predict_terms
from helios_nautilus.models.threads import one_thread
from helios_nautilus.node.model import load_terms

_KEY: Final = b"helios"
"""Under which a file's metadata say what it is."""


def predictions_folder(catalog: Path) -> Path:
    """Where Nautilus keeps them in a catalogue."""
    return catalog / "data" / class_to_filename(Prediction)


def write_predictions(config: HeliosConfig) -> dict[str, int]:
    """Predict every decision of the backtest window in one pass and replace what the catalogue held.

    Returns the number of predictions by instrument. The new files are written aside and moved in as one. Raises what
    `load_terms` and `load_market_data` raise, and `NotEnoughHistoryError` where there is nothing to predict.
    """
    terms = load_terms(config)
    found = predict_window(config, terms)
    if not any(found.values()):
        raise NotEnoughHistoryError(
            f"{config.data.catalog} has no decision between {config.backtest.start} and {config.backtest.end} that "
            "could be predicted; choose another window or fill the gaps ('helios data gaps')"
        )
    catalog = config.data.catalog
    with tempfile.TemporaryDirectory(prefix=".predictions-", dir=catalog) as aside:
        draft = ParquetDataCatalog(aside)
        for predictions in found.values():
            draft.write_data(predictions)
        _sign(predictions_folder(Path(aside)), _Signature.of(config, name_terms(terms)))
        _swap(predictions_folder(Path(aside)), predictions_folder(catalog), Path(aside) / "replaced")
    return {name: len(predictions) for name, predictions in found.items()}


def check_predictions(config: HeliosConfig, terms: Sequence[Term]) -> None:
    """`ModelError` unless the catalogue holds the predictions of these models for the whole backtest window."""
    folder, wanted = predictions_folder(config.data.catalog), _Signature.of(config, name_terms(terms))
    signatures = [_signature_of(path) for path in folder.rglob("*.parquet")]
    if not signatures:
        raise ModelError(f"{config.data.catalog} holds no predictions to replay: write them with 'helios predict'")
    for found in signatures:
        if found is None or not found.serves(wanted):
            raise ModelError(
                f"the predictions in {config.data.catalog} are of another model or another window than this run's: "
                "write them again with 'helios predict'"
            )


class _Signature(Struct, frozen=True, kw_only=True):
    """What written predictions are of."""

    model_id: str
    """What `name_terms` calls the models."""
    start_ns: int
    end_ns: int

    @classmethod
    def of(cls, config: HeliosConfig, model_id: str) -> Self:
        return cls(model_id=model_id, start_ns=config.backtest.start_ns, end_ns=config.backtest.end_ns)

    def serves(self, run: Self) -> bool:
        return self.model_id == run.model_id and self.start_ns <= run.start_ns and run.end_ns <= self.end_ns


def _sign(folder: Path, signature: _Signature) -> None:
    """Write into every file what its predictions are of."""
    for path in folder.rglob("*.parquet"):
        table = pq.read_table(path)
        metadata = {**(table.schema.metadata or {}), _KEY: msgspec.json.encode(signature)}
        pq.write_table(table.replace_schema_metadata(metadata), path)


def _signature_of(path: Path) -> _Signature | None:
    """None for a file that is damaged, or that `write_predictions` did not write."""
    try:
        return msgspec.json.decode((pq.read_schema(path).metadata or {}).get(_KEY, b""), type=_Signature)
    except (pa.ArrowInvalid, msgspec.DecodeError):
        return None


def _swap(draft: Path, target: Path, replaced: Path) -> None:
    """Put a folder in another's place; interrupted in between, the old one comes back."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(replaced)
    try:
        draft.rename(target)
    except BaseException:
        if replaced.exists() and not target.exists():
            replaced.rename(target)
        raise


def predict_window(config: HeliosConfig, terms: Sequence[Term]) -> dict[str, list[Prediction]]:
    """The predictions of the backtest window by instrument, from all history there is before it."""
    spec, ids = config.spec, config.data.instruments
    data = load_market_data(
        config.data.catalog, ids, None, config.backtest.end_ns, bar=spec.base, trades=config.data.trades
    )
    precisions = {each.id.value: each.size_precision for each in load_instruments(config.data.catalog, ids)}
    tables = build_tables(spec, data, precisions)
    arrays = unlabelled_arrays(tables, config.plan, config.training.label, hash_data(data))
    with one_thread():
        told = predict_terms(terms, arrays)
    known_ns = arrays.ts_ns + _delays_ns(tables, config.model.latency_ms)
    closes = tables[spec.timeframes.decision].close
    found: dict[str, list[Prediction]] = {name: [] for name in ids}
    for said in told:
        ts_ns = arrays.ts_ns[said.decision]
        rows = np.flatnonzero((ts_ns > config.backtest.start_ns) & (ts_ns <= config.backtest.end_ns))
        for i, name in enumerate(ids):
            found[name] += [
                _prediction(
                    name,
                    int(ts_ns[row]),
                    int(known_ns[said.decision[row]]),
                    said.model,
                    said.p[row, i],
                    said.attention[row, i],
                    float(closes[said.decision[row], i]),
                    float(said.novelty[row, i]),
                )
                for row in rows
                if np.isfinite(said.p[row, i]).all()
            ]
    return found


def _delays_ns(tables: FeatureTables, latency_ms: float) -> Ints:
    """How long after each decision close (d,) its predictions are known in service: later where a bar is missing."""
    ts_ns = tables.decision_closes
    is_complete = np.ones(len(ts_ns), dtype=np.bool_)
    for table, length_ns in zip(tables.tables, tables.spec.timeframes.lengths_ns, strict=True):
        closing = np.flatnonzero(ts_ns % length_ns == 0)
        rows = np.searchsorted(table.ts_ns, ts_ns[closing])
        is_complete[closing] &= np.isfinite(table.close[rows]).all(axis=1)
    return np.where(is_complete, int(latency_ms * NS_PER_MS), int(GRACE_MS * NS_PER_MS))


def _prediction(
    name: str, ts_ns: int, known_ns: int, model: Model, p: Floats, attention: Floats, close: float, novelty: float
) -> Prediction:
    high, medium, low = attention.tolist()
    return Prediction(
        ts_event=ts_ns,
        ts_init=known_ns,
        instrument_id=InstrumentId.from_str(name),
        decision_id=decision_id_of(name, ts_ns),
        model_id=model.model_id,
        p_buy=float(p[Label.BUY]),
        p_sell=float(p[Label.SELL]),
        p_hold=float(p[Label.HOLD]),
        attention_high=high,
        attention_medium=medium,
        attention_low=low,
        price=close,
        veto=veto_of(novelty),
    )
