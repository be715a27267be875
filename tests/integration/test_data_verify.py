"""Verifying finds what an import would not have let in, and reports holes and silence."""

from pathlib import Path

import numpy as np
import pytest

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.bar_types import name_bar_type
from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import DataError
from helios_nautilus.history import Finding, describe, read_ledger, verify_catalogue
from helios_nautilus.history.catalogue import bars_directory
from helios_nautilus.history.columns import BarBlock, bars_schema
from helios_nautilus.history.staging import open_staging, stage_bars, store_instrument, swap_in

PAIR = "BTCZAR.VALR"
MINUTES = np.array([1, 2, 3, 4, 5])


def store(catalog: Path, minutes: Ints | Floats = MINUTES, *, define: bool = True, **changed: tuple[int, int]) -> None:
    """Five quiet bars, some of whose cells were changed: ``column=(row, units)``; no check stands in between."""
    units = np.tile([1000, 1010, 990, 1000, 5], (len(minutes), 1))
    for column, (row, value) in changed.items():
        units[row, ("open", "high", "low", "close", "volume").index(column)] = value
    block = BarBlock(ts_ns=(NS_PER_MIN * minutes).astype(np.int64), units=units)
    with open_staging(catalog) as staging:
        staged = staging / "bars.parquet"
        _, *span = stage_bars(staged, [block], bars_schema(name_bar_type(PAIR, NS_PER_MIN), PAIR, 0, 8))
        if define:
            store_instrument(staging, catalog, build_instrument(PAIR))
        swap_in(staged, bars_directory(catalog, PAIR, NS_PER_MIN), *span)


def only(findings: tuple[Finding, ...]) -> Finding:
    (finding,) = findings
    return finding


def test_sound_bars_have_no_findings(tmp_path: Path) -> None:
    store(tmp_path)
    assert verify_catalogue(tmp_path) == ()
    assert read_ledger(tmp_path)[0].holes == ()


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ({"high": (2, 999)}, "ohlc"),
        ({"low": (2, 1001)}, "ohlc"),
        ({"low": (2, 0)}, "price"),
    ],
)
def test_an_impossible_bar_is_a_violation(tmp_path: Path, changed: dict[str, tuple[int, int]], check: str) -> None:
    store(tmp_path, **changed)
    finding = only(verify_catalogue(tmp_path))
    assert (finding.check, finding.count, finding.first_ns) == (check, 1, 3 * NS_PER_MIN)
    assert finding.is_violation


def test_a_hole_is_a_violation_unless_holes_are_allowed(tmp_path: Path) -> None:
    store(tmp_path, np.array([1, 2, 5, 6, 9]))
    finding = only(verify_catalogue(tmp_path))
    assert (finding.check, finding.count, finding.first_ns) == ("gap", 4, 3 * NS_PER_MIN)
    assert finding.is_violation
    assert not only(verify_catalogue(tmp_path, allow_gaps=True)).is_violation
    assert [hole.missing for hole in read_ledger(tmp_path, [PAIR])[0].holes] == [2, 2]
    assert read_ledger(tmp_path, ["OTHER.VALR"]) == ()


def test_a_bar_without_volume_is_a_warning(tmp_path: Path) -> None:
    store(tmp_path, volume=(4, 0))
    finding = only(verify_catalogue(tmp_path))
    assert (finding.check, finding.count, finding.is_violation) == ("volume", 1, False)


def test_bars_off_their_grid_are_a_violation(tmp_path: Path) -> None:
    store(tmp_path, np.array([1.0, 2.0, 3.5, 4.0, 5.0]))
    checks = {finding.check: finding.count for finding in verify_catalogue(tmp_path)}
    assert checks["grid"] == 1


def test_bars_of_an_undefined_instrument_are_a_violation(tmp_path: Path) -> None:
    store(tmp_path, define=False)
    assert only(verify_catalogue(tmp_path)).check == "definition"


def test_rows_out_of_order_or_twice_are_not_even_written(tmp_path: Path) -> None:
    for minutes in ([1, 3, 2], [1, 2, 2]):
        with pytest.raises(DataError, match="not in order of time"):
            store(tmp_path / "catalog", np.array(minutes))
    assert not (tmp_path / "catalog").exists()


def test_rows_twice_in_two_files_are_found(tmp_path: Path) -> None:
    store(tmp_path)
    (path,) = describe(tmp_path)[0].files
    path.with_name("9999-01-01T00-00-00-000000000Z_9999-01-01T00-00-00-000000000Z.parquet").write_bytes(
        path.read_bytes()
    )
    assert {finding.check for finding in verify_catalogue(tmp_path)} >= {"order"}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store(tmp_path)
    (path,) = describe(tmp_path)[0].files
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"\.parquet: not a readable Parquet file"):
        verify_catalogue(tmp_path)


def test_no_catalogue_is_said_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="helios data demo"):
        verify_catalogue(tmp_path / "nowhere")
