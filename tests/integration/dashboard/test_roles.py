"""Who may do what: every route of the OpenAPI against every role, so that a new one cannot be forgotten."""

import itertools
from typing import Any, Final

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute

from helios_nautilus.dashboard.tokens import ROLES, Role
from tests.integration.dashboard.site import Site

FILLED: Final = {"{tier}": "gate", "{switch}": "off", "{name}": "D-1"}
BODIES: Final = {"/api/v1/emergency-stop": {"why": "a test", "confirm": "paper"}}
WITHOUT_ROLE: Final = {("POST", "/session"), ("POST", "/session/end")}
"""They take a token in a form, or end what a token began."""


def routes_of(app: FastAPI) -> list[tuple[str, str, str]]:
    """Method, path and role of every route of the OpenAPI."""
    return [
        (method.upper(), path, described["x-role"])
        for path, methods in app.openapi()["paths"].items()
        for method, described in methods.items()
    ]


def ask(site: Site, method: str, path: str, role: Role | None) -> int:
    filled = path
    for name, value in FILLED.items():
        filled = filled.replace(name, value)
    body: Any = BODIES.get(path, {"why": "a test"}) if method == "POST" else None
    return site.ask(method, filled, role, json=body).status_code


def test_every_route_answers_its_role_and_those_above_and_nobody_else(site: Site) -> None:
    routes = routes_of(site.app)
    assert len(routes) > 18
    wrong = []
    for (method, path, needed), role in itertools.product(routes, (None, *ROLES)):
        status = ask(site, method, path, role)
        if needed == "public" or (role is not None and ROLES.index(role) >= ROLES.index(needed)):
            expected = {200, 202}
        else:
            expected = {401} if role is None else {403}
        if status not in expected:
            wrong.append((method, path, role, status))
    assert wrong == []


def test_no_route_is_left_out_of_the_openapi_by_accident(site: Site) -> None:
    told = {(method, path) for method, path, _ in routes_of(site.app)}
    hidden = {pair for pair in _pairs(site.app.routes) if pair not in told}
    assert hidden == WITHOUT_ROLE | {("GET", "/openapi.json"), ("GET", "/docs")}


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/", "/nowhere"])
def test_what_is_not_public_is_closed_to_strangers(site: Site, path: str) -> None:
    answer = site.ask("GET", path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_a_viewer_reads_the_reference(site: Site, path: str) -> None:
    answer = site.ask("GET", path, "viewer")
    assert answer.status_code == 200
    assert "/api/v1/emergency-stop" in answer.text
    assert "//cdn" not in answer.text


def test_commands_need_the_roles_of_the_specification(site: Site) -> None:
    needed = {path.removeprefix("/api/v1/"): role for method, path, role in routes_of(site.app) if method == "POST"}
    assert needed == {
        **dict.fromkeys(("enable", "disable", "reduce-only", "emergency-stop"), "trader"),
        **dict.fromkeys(("clear", "tiers/{tier}/{switch}"), "admin"),
    }


def test_a_refused_attempt_is_told_in_the_security_log(site: Site) -> None:
    site.ask("POST", "/api/v1/clear", "trader", json={"why": "a test"})
    assert '"what":"needs role admin","subject":"the trader /api/v1/clear","source":"127.0.0.1"' in site.told


def _pairs(routes: list[BaseRoute]) -> set[tuple[str, str]]:
    return {
        (method, context.path)
        for route in routes
        for context in ([route] if hasattr(route, "methods") else list(getattr(route, "effective_candidates", list)()))
        for method in getattr(context, "methods", ()) or ()
    }
