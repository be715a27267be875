"""Commands by the API: they reach the node, its answer comes back, and without one it is said that they wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helios_nautilus.dashboard.throttle import Rates
from tests.integration.dashboard.site import Site, node, serve


@pytest.fixture
def desk(database: str, tmp_path: Path) -> Iterator[Site]:
    """A dashboard that waits for a node as long as it takes."""
    with serve(database, tmp_path, wait_secs=20.0) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "verb", "tier"),
    [
        ("enable", "entries_on", None),
        ("disable", "entries_off", None),
        ("reduce-only", "reduce_only", None),
        ("clear", "resume", None),
        ("tiers/gate/off", "tier_off", "gate"),
        ("tiers/aether/on", "tier_on", "aether"),
    ],
)
def test_each_command_is_obeyed_and_answered(desk: Site, database: str, path: str, verb: str, tier: str | None) -> None:
    with node(database):
        answer = desk.ask("POST", f"/api/v1/{path}", "admin", json={"why": "a test"})
    assert answer.status_code == 200
    ordered = answer.json()
    assert (ordered["command"]["verb"], ordered["command"]["tier"]) == (verb, tier)
    assert (
        ordered["command"] | {"who": "the admin", "why": "a test", "origin": "api", "mode": "paper"}
        == ordered["command"]
    )
    assert ordered["answer"]["words"] == f"{verb} obeyed"


def test_an_emergency_stop_names_the_mode_that_it_stops(desk: Site, database: str) -> None:
    given = desk.ask("POST", "/api/v1/emergency-stop", "trader", json={"why": "a test", "confirm": "live"})
    assert (given.status_code, "confirm with that word" in given.text) == (403, True)
    with node(database):
        given = desk.ask("POST", "/api/v1/emergency-stop", "trader", json={"why": "a test", "confirm": "paper"})
    assert (given.status_code, given.json()["answer"]["words"]) == (200, "halt obeyed")


def test_a_refusal_of_the_node_is_no_success(desk: Site, database: str) -> None:
    with node(database, "refused"):
        answer = desk.ask("POST", "/api/v1/tiers/guardian/off", "admin", json={"why": "a test"})
    assert (answer.status_code, answer.json()["answer"]["outcome"]) == (409, "refused")


def test_without_a_node_a_command_waits_and_is_listed(site: Site) -> None:
    answer = site.ask("POST", "/api/v1/reduce-only", "trader", json={"why": "nobody is there"})
    assert (answer.status_code, "the next start obeys it" in answer.json()["words"]) == (202, True)
    (listed, *_) = site.ask("GET", "/api/v1/commands", "viewer").json()
    assert listed == {"command": answer.json()["command"], "answer": None}


def test_what_loosens_is_slowed_down_and_what_stops_never(database: str, tmp_path: Path) -> None:
    with serve(database, tmp_path, wait_secs=0.0, rates=Rates(orders="2/minute")) as site:
        ordered = [site.ask("POST", "/api/v1/enable", "trader", json={"why": "a test"}).status_code for _ in range(3)]
        stop = {"why": "a test", "confirm": "paper"}
        stopped = [site.ask("POST", "/api/v1/emergency-stop", "trader", json=stop).status_code for _ in range(3)]
    assert (ordered, stopped) == ([202, 202, 429], [202, 202, 202])


def test_without_the_database_pages_say_so_and_a_stop_goes_by_file(tmp_path: Path) -> None:
    with serve("postgresql://nobody@127.0.0.1:1/none", tmp_path) as site:
        assert site.ask("GET", "/api/v1/health").status_code == 503
        away = site.ask("GET", "/api/v1/metrics", "viewer")
        assert (away.status_code, "the journal's database" in away.json()["detail"]) == (503, True)
        stop = {"why": "a test", "confirm": "paper"}
        answer = site.ask("POST", "/api/v1/emergency-stop", "trader", json=stop)
        assert (answer.status_code, "no row" in answer.json()["words"]) == (202, True)
    (file,) = (tmp_path / "commands" / "paper").glob("*.json")
    assert '"verb":"halt"' in file.read_text()
