"""The demo catalogue: the synthetic market stored like any other data, and named synthetic in every file."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import DataError
from helios_nautilus.history.catalogue import Series, find_series
from helios_nautilus.history.provenance import Provenance
from helios_nautilus.history.staging import open_staging
from helios_nautilus.history.store import store_market
from helios_nautilus.simulator.market import PAIRS, MarketConfig, simulate_market


class DemoReport(Struct, frozen=True, kw_only=True):
    """What became of a request for the synthetic market."""

    label: str
    written: bool
    """False: that very market was there already."""
    instrument_ids: tuple[str, ...]
    bars: int
    trades: int


def write_demo(
    catalog: Path,
    config: MarketConfig,
    *,
    replace: bool = False,
    on_instrument: Callable[[str], None] = lambda _: None,
) -> DemoReport:
    """Simulate a market into the catalogue, instrument by instrument, unless it is there already.

    Another synthetic market there raises `DataError` unless ``replace``; recorded data are never replaced.
    """
    provenance = Provenance(synthetic=config)
    instrument_ids = tuple(f"{pair.symbol}.VALR" for pair in PAIRS)
    with open_staging(catalog) as staging:
        stored = [find_series(catalog, one, length) for one in instrument_ids for length in _lengths(config)]
        _check_replaceable(catalog, instrument_ids, provenance, replace)
        is_there = all(series is not None and series.provenance == provenance for series in stored)
        if not is_there:
            for instrument_id, data in simulate_market(config).items():
                store_market(staging, catalog, build_instrument(instrument_id), data, NS_PER_MIN, provenance)
                on_instrument(instrument_id)
    series = [find_series(catalog, one, length) for one in instrument_ids for length in (NS_PER_MIN, None)]
    return DemoReport(
        label=provenance.label("VALR"),
        written=not is_there,
        instrument_ids=instrument_ids,
        bars=sum(one.rows for one in series if one is not None and one.length_ns),
        trades=sum(one.rows for one in series if one is not None and not one.length_ns),
    )


def _lengths(config: MarketConfig) -> tuple[int | None, ...]:
    """The series a market of this configuration has: its bars and, where wanted, its trades."""
    return (NS_PER_MIN, None) if config.trades_days else (NS_PER_MIN,)


def _check_replaceable(catalog: Path, instrument_ids: tuple[str, ...], wanted: Provenance, replace: bool) -> None:
    found = [find_series(catalog, one, length) for one in instrument_ids for length in (NS_PER_MIN, None)]
    for series in found:
        if series is not None and not series.provenance.is_synthetic:
            raise DataError(f"{_name(series)} in {catalog} is {series.label}: give the demo a --catalog of its own")
        if series is not None and series.provenance != wanted and not replace:
            raise DataError(
                f"{_name(series)} in {catalog} is another synthetic market ({series.provenance.synthetic}): "
                "give --replace to overwrite it, or another --catalog"
            )


def _name(series: Series) -> str:
    return f"{series.instrument_id} {series.kind}"
