"""``helios sim`` with a key of one's own, and ``helios data backfill`` from it, tell no secret while faults strike."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest

KEY, SECRET, SIGNATURE = "ab" * 32, "5e" * 32, "c0ffee" * 20
HELIOS = (sys.executable, "-c", "from helios_nautilus.cli.main import main; main()")
ENVIRONMENT = os.environ | {"VALR_API_KEY": KEY, "VALR_API_SECRET": SECRET}
FAULTS = "".join(
    f'[[fault]]\nkind = "{kind}"\non = "GET /v1/public/*/buckets"\nnth = {number}\nsecs = 0.2\n'
    for number, kind in enumerate(("error_before", "timeout_after", "truncate_reply", "slow_reply"), start=1)
)
HEADERS = {"X-VALR-API-KEY": KEY, "X-VALR-SIGNATURE": SIGNATURE, "X-VALR-TIMESTAMP": "1"}


def test_no_secret_is_told_by_the_simulator_or_a_back_fill_from_it(tmp_path: Path) -> None:
    script, log = tmp_path / "faults.toml", tmp_path / "log"
    script.write_text(FAULTS)
    options = "--port", "0", "--days", "2", "--limit-scale", "0", "--faults", str(script), "--json"
    with log.open("wb") as errors, simulator(*options, errors=errors) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = json.loads(first)["url"]
        refuse_a_forged_signature(url)
        filled = back_fill(url, tmp_path / "catalog")
        process.send_signal(signal.SIGINT)
        said = first + process.stdout.read()
        assert process.wait(timeout=30) == 0
    # The key is printed on purpose, for its owner to see which one it is.
    assert KEY in said
    assert KEY not in filled
    for text in (said, filled, log.read_text()):
        assert SECRET not in text
        assert SIGNATURE not in text


def simulator(*options: str, errors: IO[bytes]) -> subprocess.Popen[str]:
    command = [*HELIOS, "sim", *options]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=errors, text=True)


def refuse_a_forged_signature(url: str) -> None:
    request = urllib.request.Request(f"{url}/v1/account/balances", headers=HEADERS)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 401


def back_fill(url: str, catalog: Path) -> str:
    """An hour of recorded minutes, over every fault; all that was printed."""
    start, end = (datetime.now(UTC) - timedelta(hours=back) for back in (3, 2))
    times = "--from", f"{start:%Y-%m-%dT%H:%M}", "--to", f"{end:%Y-%m-%dT%H:%M}"
    command = [*HELIOS, "data", "backfill", "BTCZAR", *times, "--catalog", str(catalog), "--url", url]
    done = subprocess.run(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "60 filled" in done.stdout
    return done.stdout
