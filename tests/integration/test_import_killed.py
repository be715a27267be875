"""An import killed at any step leaves the rows that were there, and can simply be run again."""

import subprocess
import sys
from pathlib import Path

import pytest
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.history import describe, import_bars
from tests.integration.test_import import PAIR, START, save, table

SCRIPT = Path(__file__).with_name("kill_points.py")

type Span = tuple[int, int]


def minutes_of(catalog: Path) -> list[int]:
    """What NautilusTrader itself finds, by the opening minutes of the bars."""
    if not (catalog / "data" / "bar").exists():
        return []
    return [(bar.ts_event - START) // NS_PER_MIN - 1 for bar in ParquetDataCatalog(catalog).bars()]


@pytest.mark.parametrize(
    ("stored", "imported"),
    [((), (0, 30)), (((10, 20),), (0, 30)), (((0, 10), (20, 30)), (5, 25))],
    ids=["a new catalogue", "wider on both sides", "filling a hole"],
)
def test_killed_at_any_step_the_catalogue_is_as_it_was_or_complete(
    tmp_path: Path, stored: tuple[Span, ...], imported: Span
) -> None:
    for span in stored:
        import_bars([save(table(*span), tmp_path / f"{span[0]}.csv")], PAIR, tmp_path / "before")
    bars = save(table(*imported), tmp_path / "bars.csv")
    before = sorted(minute for span in stored for minute in range(*span))
    after = sorted({*before, *range(*imported)})
    command = [sys.executable, str(SCRIPT), str(bars), PAIR, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    kills = int(run.stdout)
    found = [minutes_of(tmp_path / str(step)) for step in range(kills + 1)]
    assert kills > 8
    assert all(minutes in (before, after) for minutes in found)
    assert found[0] == before
    assert found[-1] == after
    for step in range(0, kills, 3):
        catalog = tmp_path / str(step)
        import_bars([bars], PAIR, catalog)
        assert minutes_of(catalog) == after
        assert not (catalog / ".staging").exists()
        (series,) = describe(catalog)
        assert (len(series.files), series.rows) == (1, len(after))
