"""What `deploy/`, the Dockerfile and compose.yaml promise: they name what there is, and open nothing to the world."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from helios_nautilus.config import load_config
from helios_nautilus.watch.alert import Source
from helios_nautilus.watch.alerts import sending_alerts
from helios_nautilus.watch.record_metrics import RecordMetrics
from helios_nautilus.watch.settings import AlertSettings
from helios_nautilus.watch.status_metrics import StatusMetrics
from helios_nautilus.watch.webhook import Webhook

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
NAME = re.compile(r"\bhelios_[a-z_]+[a-z]\b(?!=)")
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",), "gauge": ("",)}
CONNECTIONS_SECS = 30.0
"""What the engine, the last alerts and the interpreter need to end."""


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """Every name that a node's endpoint can show."""
    registry = CollectorRegistry()
    RecordMetrics(registry)
    StatusMetrics(registry)
    webhook = Webhook("http://127.0.0.1:9", "", 1.0)
    with sending_alerts(AlertSettings(), webhook, Source(mode="paper", run_id="none"), registry, print):
        return {family.name + suffix for family in registry.collect() for suffix in SUFFIXES[family.type]}


def queries(board: Path) -> Iterator[str]:
    """What a dashboard's panels and notes ask of Prometheus."""
    shown = json.loads(board.read_text())
    for panel in shown["panels"]:
        assert panel["targets"], panel["title"]
        yield from (target["expr"] for target in panel["targets"])
    yield from (note["expr"] for note in shown["annotations"]["list"])


def test_every_metric_a_dashboard_shows_exists(metrics: set[str]) -> None:
    (board,) = (DEPLOY / "grafana" / "dashboards").glob("*.json")
    asked = {name for query in queries(board) for name in NAME.findall(query)}
    assert len(asked) > 30
    assert asked - metrics == set()


def test_every_metric_a_rule_goes_by_exists(metrics: set[str]) -> None:
    asked = set(NAME.findall((DEPLOY / "alerts.yml").read_text()))
    assert len(asked) > 8
    assert asked - metrics == set()


def test_the_runbook_lists_the_metrics_there_are(metrics: set[str]) -> None:
    named = set(re.findall(r"`(helios_[a-z_]+)", (ROOT / "docs" / "operations.md").read_text()))
    stems = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in metrics}
    assert {re.sub(r"_total$", "", name) for name in named} == stems


def test_panels_of_a_dashboard_do_not_overlap() -> None:
    (board,) = (DEPLOY / "grafana" / "dashboards").glob("*.json")
    taken = [
        (column, row)
        for place in (panel["gridPos"] for panel in json.loads(board.read_text())["panels"])
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(column for column, _ in taken) < 24


def test_every_port_is_published_on_this_machine_alone() -> None:
    published = re.findall(r'^ +- "([^"]*:\d+)"$', (ROOT / "compose.yaml").read_text(), re.MULTILINE)
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_environment_file_has_an_example_without_a_secret_and_git_ignores_the_real_one() -> None:
    named = set(re.findall(r"env_file: (\S+)", (ROOT / "compose.yaml").read_text()))
    examples = {f"deploy/{path.stem}" for path in DEPLOY.glob("*.env.example")}
    assert named == examples
    assert "/deploy/*.env" in (ROOT / ".gitignore").read_text().splitlines()
    for example in DEPLOY.glob("*.env.example"):
        values = re.findall(r"^#?\w*(?:KEY|SECRET|PASSWORD|_URL)=(.*)$", example.read_text(), re.MULTILINE)
        assert all(not value or "CHANGE-ME" in value for value in values), example


def test_every_file_that_compose_mounts_is_there() -> None:
    mounted = re.findall(r"- \./(\S+?):", (ROOT / "compose.yaml").read_text())
    assert mounted
    assert [name for name in mounted if not (ROOT / name).exists()] == []


def test_a_node_s_service_has_the_time_its_stop_takes() -> None:
    unit = (DEPLOY / "helios-paper.service").read_text()
    found = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert found is not None
    stop_secs = load_config(ROOT / "configs" / "paper.toml").config.node.stop_secs
    assert int(found[1]) >= 2 * stop_secs + CONNECTIONS_SECS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_a_service(unit: Path, tmp_path: Path) -> None:
    installed = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text(), flags=re.MULTILINE)
    copy = tmp_path / unit.name
    copy.write_text(installed)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
