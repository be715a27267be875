"""Market data at rest: importing, reading, verifying; the one place that knows how the catalogue is laid out."""

from helios_nautilus.history.catalogue import Series, describe, find_catalogues, load_instruments, load_market_data
from helios_nautilus.history.demo import DemoReport, write_demo
from helios_nautilus.history.depths import load_depths
from helios_nautilus.history.importer import ImportReport, import_bars, parse_columns
from helios_nautilus.history.ledger import Hole, SeriesHoles, find_holes, read_ledger
from helios_nautilus.history.recordings import load_recordings
from helios_nautilus.history.verify import Finding, verify_catalogue

__all__ = [
    "DemoReport",
    "Finding",
    "Hole",
    "ImportReport",
    "Series",
    "SeriesHoles",
    "describe",
    "find_catalogues",
    "find_holes",
    "import_bars",
    "load_depths",
    "load_instruments",
    "load_market_data",
    "load_recordings",
    "parse_columns",
    "read_ledger",
    "verify_catalogue",
    "write_demo",
]
