"""The guard in front of something that would serve anybody: sockets too, which carry a page's clicks."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from helios_nautilus.dashboard.access import Access
from helios_nautilus.dashboard.guard import Guard
from helios_nautilus.dashboard.sessions import Sessions
from helios_nautilus.dashboard.throttle import Rates, Throttle
from helios_nautilus.dashboard.tokens import TokenFile


class Gate:
    """A guard, what passed it, and what it answered."""

    def __init__(self, folder: Path) -> None:
        self.tokens = TokenFile(folder / "tokens.json")
        throttle = Throttle(Rates())
        sessions = Sessions(b"k" * 32, self.tokens.named, lambda: 0)
        access = Access(self.tokens, sessions, throttle, self._tell, lambda: 0)
        self._guard = Guard(self._serve, access=access, throttle=throttle, hosts=("desk.example",), tell=self._tell)
        self.passed: list[Scope] = []
        self.answered: list[Message] = []
        self.told: list[str] = []

    def knock(self, kind: str = "websocket", path: str = "/_nicegui_ws/", **headers: str) -> bool:
        """Whether a request with these headers passes; it comes from this machine."""
        given = {"host": "127.0.0.1:8080"} | {name.replace("_", "-"): value for name, value in headers.items()}
        scope: dict[str, Any] = {
            "type": kind,
            "path": path,
            "scheme": "http",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 5000),
        }
        if kind == "http":
            scope["method"] = "GET"
        before = len(self.passed)
        asyncio.run(self._guard(scope, self._receive, self._send))
        return len(self.passed) > before

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.passed.append(scope)

    async def _receive(self) -> Message:
        return {"type": "http.request"}

    async def _send(self, message: Message) -> None:
        self.answered.append(message)

    def _tell(self, what: str, subject: str, source: str) -> None:
        self.told.append(what)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_a_socket_of_this_machines_own_page_passes(gate: Gate) -> None:
    assert gate.knock(origin="http://127.0.0.1:8080")
    assert gate.passed[0]["state"]["caller"].way == "local"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:9999", "null"])
def test_a_socket_of_another_page_is_closed_though_this_machine_may(gate: Gate, origin: str) -> None:
    assert not gate.knock(origin=origin)
    assert gate.answered == [{"type": "websocket.close", "code": 1008, "reason": ""}]
    assert gate.told == ["requests of another site's pages are not taken"]


def test_a_socket_without_a_caller_is_closed(gate: Gate) -> None:
    gate.tokens.add("ann", "viewer", 1)
    assert not gate.knock(origin="http://127.0.0.1:8080")
    assert gate.knock(authorization=f"Bearer {gate.tokens.add('bob', 'viewer', 1)}")


def test_files_of_the_page_library_are_for_everybody_and_its_pages_are_not(gate: Gate) -> None:
    gate.tokens.add("ann", "viewer", 1)
    assert gate.knock("http", "/_nicegui/3.18.0/static/nicegui.js")
    assert not gate.knock("http", "/")
    assert not gate.knock("http", "/_nicegui")
    assert not gate.knock("http", "/login/../controls")


def test_the_way_past_the_guard_is_not_asked_for_by_the_name_of_the_host(gate: Gate) -> None:
    gate.tokens.add("ann", "viewer", 1)
    for host in ("127.0.0.1:/_nicegui/?", "127.0.0.1:/login#", "127.0.0.1:80/_nicegui/#"):
        assert not gate.knock("http", "/api/v1/status", host=host)
        assert not gate.knock("http", "/", host=host)


def test_another_page_cannot_fall_back_to_requests_where_its_socket_is_closed(gate: Gate) -> None:
    assert gate.knock("http", "/_nicegui_ws/socket.io/")
    assert not gate.knock("http", "/_nicegui_ws/socket.io/", origin="http://evil.example")


def test_a_file_of_tokens_that_cannot_be_read_closes_everything(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("{")
    assert not gate.knock()
    assert not gate.knock("http", "/api/v1/status")
    assert gate.answered[-2]["status"] == 503


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1.evil.example", "desk.example.evil.example"])
def test_a_host_that_is_not_ours_is_closed_to(gate: Gate, host: str) -> None:
    assert not gate.knock("http", "/api/v1/status", host=host)


def test_nothing_but_sockets_requests_and_the_servers_own_life_comes_through(gate: Gate) -> None:
    assert gate.knock("lifespan")
