from pathlib import Path

import pytest
from starlette.requests import HTTPConnection

from helios_nautilus.dashboard.access import NEEDED, Access, Caller, host_of, is_loopback, is_of_this_machine
from helios_nautilus.dashboard.sessions import LASTS_NS, Sessions
from helios_nautilus.dashboard.throttle import Rates, Throttle
from helios_nautilus.dashboard.tokens import TokenFile
from helios_nautilus.journal.commands import TIGHTENING


class Door:
    """An `Access` whose time can be moved."""

    def __init__(self, path: Path) -> None:
        self.now_ns = 0
        self.tokens = TokenFile(path)
        sessions = Sessions(b"k" * 32, self.tokens.named, self.clock)
        self.access = Access(self.tokens, sessions, Throttle(Rates()), lambda *_: None, self.clock)

    def clock(self) -> int:
        return self.now_ns

    def knock(self, **headers: str) -> Caller | None:
        return self.access.recognise(asking(**headers))


def asking(address: str = "127.0.0.1", **headers: str) -> HTTPConnection:
    given = {"host": "localhost:8080"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    return HTTPConnection({"type": "http", "headers": raw, "client": (address, 5000), "path": "/"})


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path / "tokens.json")


def test_an_open_page_is_let_go_when_its_session_ends(door: Door) -> None:
    value = door.access.start_session(door.tokens.add("ann", "trader", 1), "127.0.0.1")
    caller = door.knock(cookie=f"helios_session={value}")
    assert caller is not None
    door.now_ns = LASTS_NS - 1
    assert door.access.stands(caller)
    door.now_ns = LASTS_NS
    assert not door.access.stands(caller)


def test_every_open_page_is_let_go_when_its_visitor_logs_out_in_one(door: Door) -> None:
    value = door.access.start_session(door.tokens.add("ann", "trader", 1), "127.0.0.1")
    caller = door.knock(cookie=f"helios_session={value}")
    assert caller is not None
    door.access.end_session(asking(cookie=f"helios_session={value}"))
    assert not door.access.stands(caller)
    assert door.knock(cookie=f"helios_session={value}") is None


def test_an_open_page_is_let_go_when_its_token_is(door: Door) -> None:
    caller = door.knock(authorization=f"Bearer {door.tokens.add('ann', 'trader', 1)}")
    assert caller is not None
    assert door.access.stands(caller)
    door.tokens.revoke("ann")
    door.tokens.add("ann", "trader", 2)
    assert not door.access.stands(caller)


def test_an_open_page_is_let_go_when_the_tokens_cannot_be_read(door: Door, tmp_path: Path) -> None:
    caller = door.knock(authorization=f"Bearer {door.tokens.add('ann', 'trader', 1)}")
    assert caller is not None
    (tmp_path / "tokens.json").write_text("{")
    assert not door.access.stands(caller)


def test_this_machine_stands_until_there_is_a_token(door: Door) -> None:
    caller = door.knock()
    assert caller is not None
    assert (caller.way, door.access.stands(caller)) == ("local", True)
    door.tokens.add("ann", "viewer", 1)
    assert (door.knock(), door.access.stands(caller)) == (None, False)


def test_a_role_may_what_those_before_it_may() -> None:
    viewer, trader, admin = (Caller(name="x", role=role, way="token") for role in ("viewer", "trader", "admin"))
    assert not any(viewer.may(verb) for verb in NEEDED)
    assert {verb for verb in NEEDED if trader.may(verb)} == TIGHTENING - {"tier_off"} | {"entries_on"}
    assert all(admin.may(verb) for verb in NEEDED)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("LOCALHOST:8080", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]:8080", "::1"),
        ("a.example:1", "a.example"),
        ("", ""),
    ],
)
def test_a_host_is_told_from_its_port(host: str, name: str) -> None:
    assert host_of(asking(host=host)) == name


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_addresses_that_never_leave_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.0.0.1", "localhost.evil.example", "::", "127.0.0.1.evil.example"])
def test_addresses_and_names_that_may(host: str) -> None:
    assert not is_loopback(host)


def test_another_machine_is_not_this_one_whatever_it_says() -> None:
    assert is_of_this_machine(asking())
    assert not is_of_this_machine(asking("10.0.0.1"))
    assert not is_of_this_machine(asking(host="evil.example"))
    assert not is_of_this_machine(asking(x_real_ip="127.0.0.1"))
