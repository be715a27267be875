from pathlib import Path

import pytest

from tests.venue.floors import futures, runner, spot

__all__ = ["futures", "runner", "spot"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.venue)
