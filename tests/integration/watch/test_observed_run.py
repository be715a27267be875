"""A run's journal as a node has it: metrics that Prometheus can read, alerts that arrive."""

import socket
import urllib.request
from pathlib import Path

import pytest
from msgspec.structs import replace

from helios_nautilus.config import HeliosConfig, load_config
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import ConfigError
from helios_nautilus.journal.records import AS_ASKED, EventRecord, KillSwitchRecord
from helios_nautilus.node.observers import observed
from helios_nautilus.watch.settings import MetricsSettings
from helios_nautilus.watch.webhook import ALERT_SECRET, ALERT_URL
from tests.integration.journal.samples import RUN, status
from tests.integration.watch.receiver import receiving
from tests.unit.watch.test_observers import Kept

ROOT = Path(__file__).parents[3]
SECRET = "shared-secret"


class Told:
    """Remembers what a node would print."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, what: str, words: str) -> None:
        self.lines.append(f"{what} {words}")


@pytest.fixture
def config() -> HeliosConfig:
    return load_config(ROOT / "configs" / "paper.toml").config


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as reply:
        return str(reply.read().decode())


def test_prometheus_reads_what_the_records_and_the_status_say(config: HeliosConfig, port: int) -> None:
    told, config = Told(), replace(config, metrics=MetricsSettings(port=port))
    with observed(Kept(), config, "paper", "run-1", told) as journal:
        journal.append(KillSwitchRecord(ts_ns=1, state="HALT", trigger="DRAWDOWN", words=""))
        journal.on_status(status(7 * NS_PER_SEC))
        text = scrape(port)
    assert 'helios_kill_switch_moves_total{state="HALT",trigger="DRAWDOWN"} 1.0' in text
    assert "helios_equity_account_currency 100250.5" in text
    assert f"metrics http://127.0.0.1:{port}/metrics" in told.lines
    with pytest.raises(OSError, match="refused"):
        scrape(port)


def test_without_a_port_nobody_listens(config: HeliosConfig) -> None:
    told = Told()
    with observed(Kept(), config, "paper", "run-1", told):
        assert told.lines == ["alerts none: HELIOS_ALERT_URL is not set"]


def test_a_port_that_is_taken_is_said_before_anything_is_traded(config: HeliosConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = replace(config, metrics=MetricsSettings(port=port))
        with (
            pytest.raises(ConfigError, match=rf"cannot listen on 127.0.0.1:{port} \(.+\); choose another port"),
            observed(Kept(), config, "paper", "run-1", Told()),
        ):
            raise AssertionError("it began all the same")


def test_alerts_arrive_the_last_one_before_the_node_has_ended(
    config: HeliosConfig, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(503) as receiver:
        monkeypatch.setenv(ALERT_URL, receiver.url)
        monkeypatch.setenv(ALERT_SECRET, SECRET)
        told, config = Told(), replace(config, metrics=MetricsSettings(port=port))
        with observed(Kept(), config, "paper", "run-1", told) as journal:
            journal.append(KillSwitchRecord(ts_ns=1, state="HALT", trigger="DRAWDOWN", words="16 % below"))
            message = receiver.until("halt")[0]
            journal.append(RUN)
            journal.append(EventRecord(ts_ns=2, kind="stopped", words=AS_ASKED))
        kinds = [each["kind"] for each in receiver.messages()]
    assert (message["level"], message["mode"], message["run_id"]) == ("critical", "paper", "run-1")
    assert kinds.count("halt") == 2, "it was refused once"
    assert {"start", "stopped"} <= set(kinds)
    for secret in (receiver.url, SECRET):
        assert secret not in " ".join(told.lines)


def test_what_became_of_alerts_is_a_metric(config: HeliosConfig, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(404) as receiver:
        monkeypatch.setenv(ALERT_URL, receiver.url)
        config = replace(config, metrics=MetricsSettings(port=port))
        with observed(Kept(), config, "paper", "run-1", Told()) as journal:
            journal.append(RUN)
            journal.append(EventRecord(ts_ns=2, kind="stopped", words=AS_ASKED))
            receiver.until("stopped")
            wanted = 'helios_alerts_total{level="info",result="failed"} 1.0'
            while wanted not in (text := scrape(port)):
                assert "helios_alerts" in text
