"""Connections of strangers who ask for nothing."""

import socket

import pytest

from helios_nautilus.dashboard.prompt import PromptProtocol
from tests.integration.dashboard.site import Site

ASKED = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PromptProtocol, "silence_secs", 0.05)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "said", [b"", ASKED, ASKED + b"\r\n" + ASKED], ids=["nothing", "half a request", "one and a half"]
)
def test_who_does_not_come_to_the_point_is_hung_up_on(site: Site, said: bytes) -> None:
    with socket.create_connection((site.client.base_url.host, site.client.base_url.port), timeout=20) as stranger:
        stranger.sendall(said)
        answered = b"".join(iter(lambda: stranger.recv(65_536), b""))  # until it is closed
    assert answered.count(b"HTTP/1.1 200") == said.count(b"\r\n\r\n")
    assert site.ask("GET", "/api/v1/health").status_code == 200
