"""Who gets in: tokens, sessions, this machine; and what is turned away, slowed down and never said."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from helios_nautilus.dashboard.throttle import Rates
from helios_nautilus.dashboard.tokens import TokenFile
from tests.integration.dashboard.site import Site, serve

WRONG = (
    "Bearer helios_" + "x" * 43,
    "Bearer",
    "Bearer ein Schlüssel",
    "Bearer " + "0" * 5000,
    "Basic YW5uOmFubg==",
    "x",
)


@pytest.fixture
def fresh(database: str, tmp_path: Path) -> Iterator[Site]:
    """Nobody has tried anything on it yet."""
    with serve(database, tmp_path) as running:
        yield running


@pytest.fixture
def open_site(database: str, tmp_path: Path) -> Iterator[Site]:
    """There is no token."""
    with serve(database, tmp_path, has_tokens=False) as running:
        yield running


def log_in(site: Site, token: str) -> httpx.Response:
    return site.ask("POST", "/session", data={"token": token})


def test_a_revoked_token_is_out_at_once_and_so_are_its_sessions(fresh: Site) -> None:
    log_in(fresh, fresh.tokens["viewer"])
    assert fresh.ask("GET", "/api/v1/session").json()["name"] == "the viewer"
    TokenFile(fresh.folder / "tokens.json").revoke("the viewer")
    assert fresh.ask("GET", "/api/v1/session").status_code == 401
    fresh.client.cookies.clear()
    assert fresh.ask("GET", "/api/v1/session", "viewer").status_code == 401
    assert fresh.ask("GET", "/api/v1/session", "trader").status_code == 200


def test_a_wrong_token_learns_nothing(fresh: Site) -> None:
    gone = fresh.tokens["viewer"]
    TokenFile(fresh.folder / "tokens.json").revoke("the viewer")
    answers = [
        fresh.ask("GET", "/api/v1/status", headers={"Authorization": given.encode()})
        for given in (*WRONG, f"Bearer {gone}")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, '{"detail":"this token is not valid"}')}


def test_guessing_is_slowed_down_and_locks_out_nobody_who_has_a_token(fresh: Site) -> None:
    statuses = [
        fresh.ask("GET", "/api/v1/status", headers={"Authorization": "Bearer x"}).status_code for _ in range(11)
    ]
    assert statuses == [401] * 10 + [429]
    answer = fresh.ask("GET", "/api/v1/status", headers={"Authorization": "Bearer y"})
    assert (answer.status_code, 0 < int(answer.headers["retry-after"]) <= 60) == (429, True)
    assert fresh.ask("GET", "/api/v1/status", "admin").status_code == 200
    assert log_in(fresh, fresh.tokens["admin"]).headers["location"] == "/"


def test_who_guesses_does_not_end_the_sessions_of_others(fresh: Site) -> None:
    log_in(fresh, fresh.tokens["viewer"])
    for _ in range(12):
        fresh.ask("GET", "/api/v1/status", headers={"Authorization": "Bearer x"})
    assert fresh.ask("GET", "/api/v1/status").status_code == 200


def test_who_reads_too_often_has_to_wait(database: str, tmp_path: Path) -> None:
    with serve(database, tmp_path, rates=Rates(reads="3/minute")) as site:
        answers = [site.ask("GET", "/api/v1/session", "viewer") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert site.ask("GET", "/api/v1/session", "trader").status_code == 200


def test_who_builds_pages_all_day_has_to_wait_and_may_still_read(database: str, tmp_path: Path) -> None:
    with serve(database, tmp_path, rates=Rates(pages="2/hour")) as site:
        answers = [site.ask("GET", "/docs", "viewer") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[2].headers["retry-after"]) > 0
        assert site.ask("GET", "/api/v1/session", "viewer").status_code == 200


def test_a_session_begins_with_a_token_and_its_cookie_is_for_pages_of_this_site_alone(fresh: Site) -> None:
    answer = log_in(fresh, fresh.tokens["trader"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    attributes = {part.strip().split("=")[0].lower() for part in answer.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite", "max-age", "path"} <= attributes
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert fresh.tokens["trader"] not in answer.headers["set-cookie"]


def test_a_cookie_that_came_over_tls_goes_over_tls_alone(database: str, tmp_path: Path) -> None:
    with serve(database, tmp_path, tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem") as site:
        assert "secure" in log_in(site, site.tokens["viewer"]).headers["set-cookie"].lower()


def test_a_login_with_a_wrong_token_leads_back_to_the_form_without_a_cookie(fresh: Site) -> None:
    answer = log_in(fresh, "wrong")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?again=1")
    assert "set-cookie" not in answer.headers


def test_a_forged_cookie_is_none(fresh: Site) -> None:
    log_in(fresh, fresh.tokens["viewer"])
    value = fresh.client.cookies["helios_session"]
    fresh.client.cookies.clear()
    for forged in (value[:-1] + ("0" if value[-1] != "0" else "1"), "A" + value, value.partition(".")[0], ".", "x.y"):
        answer = fresh.ask("GET", "/api/v1/session", headers={"Cookie": f"helios_session={forged}"})
        assert answer.status_code == 401, forged


def test_a_session_that_ended_is_over_in_the_browser(fresh: Site) -> None:
    log_in(fresh, fresh.tokens["viewer"])
    assert fresh.ask("POST", "/session/end").headers["location"] == "/login"
    assert "helios_session" not in fresh.client.cookies


def test_a_command_by_cookie_needs_what_only_its_own_page_knows(fresh: Site) -> None:
    log_in(fresh, fresh.tokens["trader"])
    csrf = fresh.ask("GET", "/api/v1/session").json()["csrf"]
    statuses = [
        fresh.ask("POST", "/api/v1/disable", headers=headers, json={"why": "a test"}).status_code
        for headers in ({}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": csrf})
    ]
    assert statuses == [403, 403, 202]


def test_a_command_by_token_needs_nothing_else(fresh: Site) -> None:
    assert fresh.ask("POST", "/api/v1/disable", "trader", json={"why": "a test"}).status_code == 202


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_sites_page_cannot_command_though_this_machine_may(open_site: Site, headers: dict[str, str]) -> None:
    body = {"json": {"why": "a test", "confirm": "paper"}}
    assert open_site.ask("POST", "/api/v1/emergency-stop", headers=headers, **body).status_code == 403
    assert "another site" in open_site.told


def test_without_a_token_this_machine_may_everything_until_there_is_one(open_site: Site) -> None:
    assert open_site.ask("GET", "/api/v1/session").json() == {"name": "localhost", "role": "admin", "csrf": ""}
    assert open_site.ask("POST", "/api/v1/clear", json={"why": "a test"}).status_code == 202
    TokenFile(open_site.folder / "tokens.json").add("ann", "viewer", 1)
    assert open_site.ask("GET", "/api/v1/session").status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
def test_what_a_proxy_passes_on_is_not_of_this_machine(open_site: Site, header: str) -> None:
    assert open_site.ask("GET", "/api/v1/session", headers={header: "127.0.0.1"}).status_code == 401


def test_a_name_that_leads_here_but_is_not_ours_is_refused(open_site: Site) -> None:
    answer = open_site.ask("GET", "/api/v1/status", headers={"Host": "evil.example"})
    assert (answer.status_code, "--allow-host" in answer.text) == (400, True)


def test_a_name_that_was_allowed_is_served_to_who_has_a_token(database: str, tmp_path: Path) -> None:
    with serve(database, tmp_path, hosts=("desk.example",)) as site:
        host = {"Host": "desk.example:8080"}
        assert site.ask("GET", "/api/v1/status", "viewer", headers=host).status_code == 200
        assert site.ask("GET", "/api/v1/status", headers=host).status_code == 401


@pytest.mark.parametrize("is_told", [True, False], ids=["length told", "in chunks"])
def test_a_body_too_large_is_refused(site: Site, is_told: bool) -> None:
    content = b" " * 70_000
    body = content if is_told else iter([content[:40_000], content[40_000:]])
    answer = site.ask("POST", "/api/v1/disable", "trader", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"why": ""},
        {"why": "  "},
        {"why": "x" * 501},
        {"why": "two\nlines"},
        {"why": "a terminal's\x9b2J"},
        {"why": "told\u202ebackwards"},
        {"why": 1},
        {"why": "a test", "extra": 1},
        [],
        "text",
    ],
)
def test_a_command_without_a_proper_reason_is_not_given(site: Site, body: object) -> None:
    assert site.ask("POST", "/api/v1/disable", "trader", json=body).status_code == 422


def test_every_answer_carries_the_headers_that_protect_a_browser(site: Site) -> None:
    for path in ("/api/v1/status", "/docs", "/api/v1/health"):
        headers = site.ask("GET", path, "viewer").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_no_token_is_kept_told_or_readable_by_others(fresh: Site) -> None:
    for role in fresh.tokens:
        fresh.ask("POST", "/api/v1/tiers/gate/off", role, json={"why": "a test"})
        log_in(fresh, fresh.tokens[role] + "x")
    files = [path for path in fresh.folder.rglob("*") if path.is_file()]
    assert {"tokens.json", "session.key", "security.log"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert not any(token.encode() in content or token[7:].encode() in content for token in fresh.tokens.values())
    for name in ("tokens.json", "session.key", "security.log"):
        assert (fresh.folder / name).stat().st_mode & 0o077 == 0
