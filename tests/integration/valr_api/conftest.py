"""Every test here also proves that no secret reached the log."""

import logging
from collections.abc import Iterator

import pytest

from tests.integration.valr_api.venue import KEY, SECRET


@pytest.fixture(autouse=True)
def _no_secret_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert KEY not in caplog.text
    assert SECRET not in caplog.text
    assert "SIGNATURE" not in caplog.text.upper()
