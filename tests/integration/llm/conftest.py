"""One server for all tests here; and every test also proves that the key reached neither the log nor a warning."""

import logging
from collections.abc import Iterator

import pytest

from tests.integration.llm.gates import KEY
from tests.integration.llm.server import ModelServer


@pytest.fixture(scope="package")
def _server() -> Iterator[ModelServer]:
    server = ModelServer(KEY)
    yield server
    server.close()


@pytest.fixture
def server(_server: ModelServer) -> ModelServer:
    _server.reply()
    return _server


@pytest.fixture(autouse=True)
def _no_key_in_the_log(caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert KEY not in caplog.text
    assert not [warning for warning in recwarn if KEY in str(warning.message)]
