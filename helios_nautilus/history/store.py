"""Storing an instrument's whole market at once: definition, bars and trades, each series in one file."""

import shutil
from pathlib import Path

from nautilus_trader.model.instruments import Instrument

from helios_nautilus.bar_types import name_bar_type
from helios_nautilus.domain.bars import MarketData, Trades
from helios_nautilus.history.catalogue import bars_directory, trades_directory
from helios_nautilus.history.columns import bars_schema, block_from_bars, encode_trades, trades_schema
from helios_nautilus.history.provenance import Provenance, attach
from helios_nautilus.history.staging import stage_bars, stage_trades, store_instrument, swap_in


def store_market(
    staging: Path, catalog: Path, instrument: Instrument, data: MarketData, length_ns: int, provenance: Provenance
) -> None:
    """Put bars of ``length_ns`` and trades in place of those that are there; prices and sizes lie on the grid.

    Trades first: once the bars say where they come from, everything of the instrument is there.
    """
    precisions = instrument.price_precision, instrument.size_precision
    store_instrument(staging, catalog, instrument)
    _store_trades(staging, catalog, data.instrument_id, data.trades, precisions, provenance)
    schema = bars_schema(name_bar_type(data.instrument_id, length_ns), data.instrument_id, *precisions)
    staged = staging / "bars.parquet"
    block = block_from_bars(data.bars, *precisions)
    _, first_ns, last_ns = stage_bars(staged, [block], attach(schema, provenance))
    swap_in(staged, bars_directory(catalog, data.instrument_id, length_ns), first_ns, last_ns)


def _store_trades(
    staging: Path,
    catalog: Path,
    instrument_id: str,
    trades: Trades | None,
    precisions: tuple[int, int],
    provenance: Provenance,
) -> None:
    directory = trades_directory(catalog, instrument_id)
    if trades is None or not len(trades):
        shutil.rmtree(directory, ignore_errors=True)
        return
    staged = staging / "trades.parquet"
    stage_trades(staged, encode_trades(trades, attach(trades_schema(instrument_id, *precisions), provenance)))
    swap_in(staged, directory, int(trades.ts_ns[0]), int(trades.ts_ns[-1]))
