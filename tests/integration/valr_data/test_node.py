"""The example: Nautilus's own data tester in a real node, in a process of its own, against the running simulator."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[3]
SIM = "from helios_nautilus.cli.sim import sim; sim()"
WANTED = {"QuoteTick", "TradeTick", "MarkPriceUpdate", "FundingRateUpdate", "InstrumentStatus"}


@pytest.fixture
def simulator() -> Iterator[str]:
    command = [sys.executable, "-c", SIM, "--port", "0", "--days", "2", "--limit-scale", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=_environment()) as process:
        assert process.stdout is not None
        yield msgspec.json.decode(process.stdout.readline())["url"]
        process.terminate()


@pytest.mark.slow
def test_the_data_tester_sees_every_kind_of_data_and_unsubscribes_on_stop(simulator: str) -> None:
    environment = _environment() | {"VALR_URL": simulator, "VALR_SECONDS": "15"}
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "valr_data_tester.py"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    told = Counter(kind for line in done.stdout.splitlines() for kind in WANTED if f"DataTester: {kind}" in line)
    assert told.keys() >= WANTED
    assert "Traceback" not in done.stdout + done.stderr
    for what in ("order book deltas", "quotes", "trades", "bars"):
        assert any("Unsubscribed BTCZAR.VALR" in line and what in line for line in done.stdout.splitlines()), what


def _environment() -> dict[str, str]:
    secrets = ("VALR_API_KEY", "VALR_API_SECRET")
    return {name: value for name, value in os.environ.items() if name not in secrets} | {"PYTHONPATH": str(ROOT)}
