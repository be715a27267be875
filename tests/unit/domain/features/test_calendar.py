import numpy as np
import pytest
from msgspec.structs import replace

from helios_nautilus.domain.features import build_tables
from helios_nautilus.domain.features.calendar import place_in_time
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from tests.unit.domain.features.markets import ALONE, BTC, PRECISIONS, column, plain_market, random_bars

MIDNIGHT = 20_000 * NS_PER_DAY


@pytest.mark.parametrize(("hour", "sine", "cosine"), [(0, 0.0, 1.0), (6, 1.0, 0.0), (12, 0.0, -1.0), (18, -1.0, 0.0)])
def test_the_day_is_a_circle_that_starts_at_midnight_utc(hour: int, sine: float, cosine: float) -> None:
    (placed,) = place_in_time(np.array([MIDNIGHT + hour * NS_PER_HOUR]))
    assert placed[:2] == pytest.approx([sine, cosine], abs=1e-12)


def test_the_week_comes_round_after_seven_days_and_not_before() -> None:
    weeks = place_in_time(MIDNIGHT + np.arange(15) * NS_PER_DAY)[:, 2:]
    assert weeks[:7].tolist() == weeks[7:14].tolist()
    assert len({tuple(each) for each in weeks[:7].tolist()}) == 7
    assert np.hypot(*weeks.T) == pytest.approx(1.0)


def test_a_table_has_the_calendar_of_its_own_closes() -> None:
    spec = replace(ALONE, calendar=True)
    table = build_tables(spec, {BTC: plain_market(BTC, random_bars(1, 130))}, PRECISIONS)["1m"]
    expected = place_in_time(table.ts_ns)
    for at, name in enumerate(("day_sin", "day_cos", "week_sin", "week_cos")):
        assert (
            column(table.values[:, 0], spec, name)[table.ready[:, 0]].tolist()
            == expected[table.ready[:, 0], at].tolist()
        )
