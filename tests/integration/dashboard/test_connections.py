"""Connections that ask for nothing, and those that do not read what they asked for."""

import socket
import time
from pathlib import Path

import httpx
import pytest

from helios_nautilus.dashboard.prompt import PromptProtocol
from tests.integration.dashboard.site import Site, serve

ASKED = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """So much that a busy machine may pause between a connection and what is said over it."""
    monkeypatch.setattr(PromptProtocol, "silence_secs", 1.0)


def ask(site: Site) -> int:
    """What an honest client is answered: hung up on for the machine's slowness, it asks again, as browsers do."""
    give_up_at = time.monotonic() + 20
    while True:
        try:
            return site.ask("GET", "/api/v1/health").status_code
        except httpx.TransportError:
            assert time.monotonic() < give_up_at


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "said", [b"", ASKED, ASKED + b"\r\n" + ASKED], ids=["nothing", "half a request", "one and a half"]
)
def test_who_does_not_come_to_the_point_is_hung_up_on(site: Site, said: bytes) -> None:
    with socket.create_connection((site.client.base_url.host, site.client.base_url.port), timeout=20) as stranger:
        stranger.sendall(said)
        answered = b"".join(iter(lambda: stranger.recv(65_536), b""))  # until it is closed
    assert answered.count(b"HTTP/1.1 200") == said.count(b"\r\n\r\n")
    assert ask(site) == 200


@pytest.fixture
def amid_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PromptProtocol, "unread_secs", 0.2)


@pytest.fixture
def after_its_last_answer(monkeypatch: pytest.MonkeyPatch, hasty: None, amid_its_answers: None) -> None:
    """All that it asked for stands in the buffer, as a little would without any patch."""
    monkeypatch.setattr(PromptProtocol, "pause_writing", lambda _: None)
    monkeypatch.setattr(PromptProtocol, "resume_writing", lambda _: None)


@pytest.mark.parametrize("stops", ["amid_its_answers", "after_its_last_answer"])
def test_who_asks_and_does_not_read_makes_room_for_others(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, stops: str
) -> None:
    request.getfixturevalue(stops)
    with serve(database, tmp_path, connections=2) as site, socket.socket() as reader:
        bearer = f"Authorization: Bearer {site.tokens['viewer']}\r\n\r\n".encode()
        asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n" + bearer
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        reader.settimeout(20)
        reader.connect((site.client.base_url.host, site.client.base_url.port))
        reader.sendall(asked * 300)
        give_up_at = time.monotonic() + 20
        while ask(site) == 503:
            assert time.monotonic() < give_up_at
