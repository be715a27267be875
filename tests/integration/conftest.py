from pathlib import Path

import pytest

REAL_TIME = {"valr_data", "valr_exec"}
"""Whole engines against the simulated exchange in real time: `make venue`, beside `make test`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if REAL_TIME & set(Path(item.path).parts):
            item.add_marker(pytest.mark.venue)
