"""A node under the eyes of Prometheus, of an operator's alerts and of a collector of logs; none sees a secret."""

import json
import socket
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from helios_nautilus.journal.connect import kill_path
from helios_nautilus.journal.records import PredictionRecord
from helios_nautilus.journal.running import NodeMode
from helios_nautilus.watch.webhook import ALERT_SECRET, ALERT_URL
from tests.acceptance.cli import confirmed, write_config
from tests.integration.watch.receiver import receiving
from tests.venue import commands
from tests.venue.commands import PATIENCE_SECS, POLL_SECS, Venue, journalled, of, settings

venue = commands.venue
"""The fixture: a simulator and a trained model, for this module."""
SIGNED_WITH = "a-shared-secret-of-alerts"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as reply:
        return str(reply.read().decode())


def scraped_until(port: int, wanted: str) -> str:
    """Scrape until something is shown; all that is shown then."""
    deadline = time.monotonic() + PATIENCE_SECS
    while wanted not in (shown := scrape(port)):
        assert time.monotonic() < deadline, shown
        time.sleep(POLL_SECS)
    return shown


def log_lines(home: Path, run_id: str) -> list[dict[str, Any]]:
    files = sorted((home / "logs").glob(f"{run_id}*.json*"))
    assert files
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_node_is_seen_by_all_who_watch_and_tells_none_of_them_a_secret(
    venue: Venue, own_home: Path, mode: NodeMode
) -> None:
    port = free_port()
    watched = settings(venue.url) | {"metrics.port": port, "logs.format": "json", "name": "watched"}
    write_config(venue.folder / "watched.toml", watched)
    with receiving() as receiver:
        alerts = {ALERT_URL: receiver.url, ALERT_SECRET: SIGNED_WITH}
        account = confirmed("simulator") if mode == "live" else ()
        node = venue.run(mode, "watched.toml", *account, **alerts, **venue.keys)
        try:
            started = receiver.until("start", PATIENCE_SECS)[0]
            run_id = started["run_id"]
            journalled(run_id, lambda found: of(PredictionRecord, found))
            scraped_until(port, "helios_ready 1.0")
            assert venue.run("kill", "--mode", mode, "--why", "a trial").end() == 0
            shown = scraped_until(port, 'helios_kill_state{state="HALT"} 1.0')
            receiver.until("halt", PATIENCE_SECS)
            assert venue.run("resume", "--mode", mode, "--why", "it is over").end() == 0
            scraped_until(port, 'helios_kill_state{state="NORMAL"} 1.0')
            assert node.stop() == 0, node.lines
        finally:
            node.kill()
            kill_path(mode).unlink(missing_ok=True)
        told = receiver.messages()

    assert f'run_id="{run_id}"' in shown
    assert "helios_predictions_total{" in shown
    assert {each["mode"] for each in told} == {mode}
    assert [each["kind"] for each in told][-1] == "stopped"
    assert [each["is_over"] for each in told if each["kind"] == "halt"] == [False, True]
    assert any(each["kind"] == "command" and "a trial" in each["words"] for each in told)

    printed = [json.loads(line) for line in node.lines]
    assert {line["mode"] for line in printed} == {mode}
    assert {line["run_id"] for line in printed} - {""} == {run_id}
    logged = log_lines(own_home, run_id)
    assert {line["trader_id"] for line in logged} == {run_id}

    said = "\n".join([*node.lines, shown, *map(json.dumps, told), *map(json.dumps, logged)])
    for secret in (receiver.url, "a-secret-path", SIGNED_WITH, venue.secret, venue.key):
        assert secret not in said
