"""Whatever is sent to a route of the OpenAPI, the answer is one that the OpenAPI tells of, and never a failure."""

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import negative_data_rejection

from helios_nautilus.dashboard.throttle import Rates
from tests.integration.dashboard.site import Site, serve

OFTEN = "1000000/minute"
UNKNOWN = negative_data_rejection
"""A parameter that no route knows is left aside, as by any server; a body's is refused, see `test_access`."""


@pytest.fixture(scope="module")
def patient(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A dashboard that may be asked as often as one likes."""
    rates = Rates(failures=OFTEN, failures_of_all=OFTEN, reads=OFTEN, orders=OFTEN)
    with serve(database, tmp_path_factory.mktemp("patient"), rates=rates) as running:
        yield running


def ask_everything(site: Site, examples: int, *, is_seeded: bool) -> int:
    """Requests that keep to the OpenAPI, and such that do not, to each of its routes; how many there were."""
    described = schemathesis.openapi.from_dict(site.app.openapi())
    bearer, count = {"Authorization": f"Bearer {site.tokens['admin']}"}, 0
    with requests.Session() as session:
        for found in described.get_all_operations():
            operation = found.ok()
            can_be_wrong = bool(operation.body or operation.query)
            for mode in GenerationMode if can_be_wrong else (GenerationMode.POSITIVE,):

                @settings(
                    max_examples=examples,
                    deadline=None,
                    derandomize=is_seeded,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                )
                @given(case=operation.as_strategy(generation_mode=mode))
                def ask(case: schemathesis.Case) -> None:
                    nonlocal count
                    count += 1
                    case.call_and_validate(
                        base_url=str(site.client.base_url), session=session, headers=bearer, excluded_checks=[UNKNOWN]
                    )

                ask()
    return count


def test_any_request_is_answered_as_the_openapi_tells(patient: Site) -> None:
    assert ask_everything(patient, 3, is_seeded=True) > 40


@pytest.mark.venue
@pytest.mark.timeout(900)
def test_many_more_requests_are_answered_as_the_openapi_tells(patient: Site) -> None:
    ask_everything(patient, 40, is_seeded=False)
