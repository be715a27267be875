"""`helios dashboard` as its user starts it, and the tokens it goes by."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import httpx
import msgspec
import pytest
from click.testing import CliRunner, Result

from helios_nautilus.cli.main import cli
from helios_nautilus.dashboard.settings import DashboardSettings
from helios_nautilus.dashboard.tokens import TokenFile
from helios_nautilus.errors import ConfigError, HeliosError

AWAY = "postgresql://ann:hunter2@127.0.0.1:1/journal"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HELIOS_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["dashboard", *arguments])


def test_it_starts_without_node_and_database_says_so_and_ends_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from helios_nautilus.cli.main import main; main()", "dashboard", "--port", "0"]
    environment = os.environ | {"HELIOS_HOME": str(tmp_path), "HELIOS_DATABASE_URL": AWAY}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        where, node = process.stdout.readline(), process.stdout.readline()
        url = where.split()[3].rstrip(",")
        health = httpx.get(f"{url}/api/v1/health", timeout=30.0)
        login = httpx.get(f"{url}/login", timeout=30.0)
        nowhere = [
            httpx.get(f"{url}{path}", timeout=30.0) for path in ("/api/v1/nowhere", "/_nicegui/nowhere", "/nowhere")
        ]
        niceness = os.getpriority(os.PRIO_PROCESS, process.pid)
        process.send_signal(signal.SIGTERM)
        rest, trouble = process.communicate(timeout=60)
    assert where.startswith("paper dashboard at http://127.0.0.1:")
    assert node.startswith("node: unknown, for now: the journal's database")
    assert (health.status_code, health.json()["is_healthy"], login.status_code) == (503, False, 200)
    # No page is made for them: whoever asks for many would fill the memory.
    assert [(answer.status_code, list(answer.json())) for answer in nowhere] == [(404, ["detail"])] * 3
    assert (process.returncode, rest, trouble) == (0, "", "")
    assert "hunter2" not in where + node + health.text
    assert niceness >= 10  # trading goes first


def test_it_does_not_listen_to_others_without_a_token(home: Path) -> None:
    refused = run("--host", "0.0.0.0")
    assert isinstance(refused.exception, ConfigError)
    assert "helios dashboard token add" in str(refused.exception)


def test_an_address_in_use_is_said_in_a_line(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        refused = run("--port", str(other.getsockname()[1]))
    assert isinstance(refused.exception, HeliosError)
    assert "--port takes another" in str(refused.exception)


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="go together"):
        DashboardSettings(mode="paper", folder=tmp_path, tls_cert=tmp_path / "cert.pem")


def test_a_token_is_shown_once_listed_by_name_and_revoked(home: Path) -> None:
    made = msgspec.json.decode(run("token", "add", "ann", "--role", "trader", "--json").stdout)
    kept = TokenFile(home / "dashboard" / "tokens.json")
    found = kept.find(made["token"])
    assert found is not None
    assert (found.name, found.role) == ("ann", "trader")
    listed = run("token", "list")
    assert ("ann" in listed.output, made["token"] in listed.output) == (True, False)
    run("token", "revoke", "ann")
    assert kept.find(made["token"]) is None


def test_a_token_needs_a_role_that_there_is(home: Path) -> None:
    refused = run("token", "add", "ann", "--role", "owner")
    assert refused.exit_code == click.UsageError.exit_code
    assert not (home / "dashboard").exists()
