"""Small synthetic markets in a catalogue, whole or with a hole, and a quickly trained model."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.config import LoadedConfig, load_config
from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.history.provenance import Provenance
from helios_nautilus.history.staging import open_staging
from helios_nautilus.history.store import store_market
from helios_nautilus.simulator.market import MarketConfig, simulate_market
from tests.acceptance.cli import EAGER, succeed, write_config

IDS = ("BTCZAR.VALR", "ETHZAR.VALR", "SOLZAR.VALR")


def write_market(catalog: Path, market: MarketConfig, holes: Mapping[str, tuple[int, int]] | None = None) -> None:
    """Store a market; ``holes`` names for some instruments the first and last row that are missing."""
    with open_staging(catalog) as staging:
        for name, data in simulate_market(market).items():
            first, last = (holes or {}).get(name, (0, -1))
            kept = structs.replace(data, bars=_without(data.bars, first, last))
            store_market(staging, catalog, build_instrument(name), kept, NS_PER_MIN, Provenance(synthetic=market))


def _without(bars: Bars, first: int, last: int) -> Bars:
    keep = [row for row in range(len(bars)) if not first <= row <= last]
    return Bars(**{name: getattr(bars, name)[keep] for name in Bars.__struct_fields__})


def prepare(folder: Path, changed: Mapping[str, object]) -> LoadedConfig:
    """Train for one epoch on the first five days of ``folder``'s market; the sixth is left to trade, edge or not."""
    settings = {
        **EAGER,
        "gate.provider": "off",
        "data.catalog": str(folder / "market"),
        "model.folder": str(folder / "model"),
        "training.window.end": "2026-01-06",
        "training.optimiser.epochs": 1,
        "backtest.start": "2026-01-06",
        "backtest.end": "2026-01-07",
        **changed,
    }
    path = write_config(folder / "run.toml", settings)
    succeed("train", str(path))
    return load_config(path)
