"""A few seconds of the campaign."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos_journal.run import Plan, Trial


def test_a_few_seconds_with_kills_and_outages_lose_nothing() -> None:
    plan = Plan(secs=2.0, rate=200.0, seed=3, secs_between_kills=1.0, secs_between_outages=0.5, outage_secs=0.3)
    with TemporaryDirectory(prefix="helios-journal-") as folder:
        report = Trial(plan, Path(folder)).play()
    assert report.kept <= report.rows <= report.appended
    assert report.kills >= 1
    assert report.outages
    assert report.up_ns
    assert report.down_ns
