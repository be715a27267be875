"""A back-fill killed at any step has lost no answer, and the next one asks for the rest alone."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.history.empties import backfill_file, read_empties
from helios_nautilus.history.spans import stamps_of
from helios_nautilus.history.spool import Origin, Spool
from tests.integration.backfill_kill_points import NOW, TRADED
from tests.unit.history.test_backfill import PAIR, START, Minutes, run, stored

ROOT = Path(__file__).parents[2]


def answered(catalog: Path) -> set[int]:
    """Minutes with a bar in the catalogue or in the spool."""
    instrument = build_instrument(PAIR)
    origin = Origin(
        address=Minutes.address, price_precision=instrument.price_precision, size_precision=instrument.size_precision
    )
    spool = Spool(backfill_file(catalog, PAIR, NS_PER_MIN, ".jsonl"), origin)
    stamps = [stamp for answer in spool.read() for stamp in answer.ts_ns]
    return {*stored(catalog), *((stamp - START) // NS_PER_MIN - 1 for stamp in stamps)}


def test_killed_at_any_step_it_has_lost_no_answer(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.integration.backfill_kill_points", str(tmp_path)]
    kills = int(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    assert kills > 25
    known = [answered(tmp_path / str(step)) for step in range(kills + 1)]
    assert all(earlier <= later for earlier, later in pairwise(known))
    assert known[-1] == set(TRADED)
    for step in range(0, kills + 1, 2):
        catalog = tmp_path / str(step)
        venue = Minutes(TRADED, now=NOW)
        run(venue, catalog, 0)
        assert not known[step] & set(venue.asked)
        assert stored(catalog) == list(TRADED)
        assert not (catalog / ".staging").exists()
        empty = (stamps_of(read_empties(catalog, PAIR, NS_PER_MIN), NS_PER_MIN) - START) // NS_PER_MIN - 1
        assert empty.tolist() == np.setdiff1d(np.arange(NOW - 1), TRADED).tolist()
