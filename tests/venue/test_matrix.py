"""The acceptance matrix of docs/valr.md: every id has its row, and the tests that a row names exist."""

import ast
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]
IDS: Final = tuple(
    f"{group}{number:02}"
    for group, numbers in (
        ("D", [1, 2, 3, 10, 11, 12, 13, 14, 20, 21, 30, 31, 40, 41, 50, 51, 52, 53, 60, 61, 70, 71, 72]),
        ("E", [*range(1, 7), *range(10, 20), *range(20, 28), *range(30, 37), *range(40, 45), *range(50, 54)]),
        ("E", [*range(60, 64), *range(70, 79), *range(80, 88)]),
        ("A", range(1, 15)),
    )
    for number in numbers
)
"""NautilusTrader's ids for an adapter, and ours (A) for the duties that it gives none."""
OUTSIDE_A_NODE: Final = frozenset({"A07", "A08", "A09", "A10", "A12", "A13", "A14"})
"""Of the code itself, its documents or its tests: shown elsewhere."""


class Row(NamedTuple):
    """One line of the matrix."""

    ids: tuple[str, ...]
    state: str
    tests: str


def _page() -> str:
    return (ROOT / "docs" / "valr.md").read_text()


def _expanded(ids: str) -> list[str]:
    """``E01 E10-E12`` is four of them."""
    found = []
    for word in ids.split():
        first, _, last = word.partition("-")
        found += [f"{first[0]}{number:02}" for number in range(int(first[1:]), int((last or first)[1:]) + 1)]
    return found


def _module(name: str, before: str) -> str:
    """A module named alone: by its path, or one beside that named before it, or one here; else it is none."""
    beside = f"{before.rpartition('/')[0]}/{name}"
    return next((module for module in (name, beside) if functions_of(module)), "")


@cache
def matrix() -> tuple[Row, ...]:
    rows = re.findall(r"^\| ([DEA]\d\d[^|]*) \| ([^|]+) \| ?([^|]*) ?\|$", _page(), re.MULTILINE)
    return tuple(Row(tuple(_expanded(ids)), state.strip(), tests.strip()) for ids, state, tests in rows)


@cache
def functions_of(module: str) -> tuple[str, ...]:
    """Names of the test functions of a module, given by its path or, where it stands in tests/venue, by its name."""
    path = ROOT / (f"{module}.py" if "/" in module else f"tests/venue/{module}.py")
    if not path.exists():
        return ()
    tree = ast.parse(path.read_text())
    return tuple(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def named_tests(row: Row) -> list[tuple[str, str]]:
    """Module and pattern of every test that a row names; one without a module stands in the one named before it."""
    found, module = [], ""
    for name in re.findall(r"`([^`]*test_[^`]*)`", row.tests):
        if name.endswith(".py"):
            continue
        named, colons, pattern = name.rpartition("::")
        if not colons and (alone := _module(name, module)):
            named, pattern = alone, "..."
        module = named or module
        found.append((module, pattern.replace("...", "*")))
    return found


def test_every_id_has_a_row() -> None:
    assert set(IDS) <= {each for row in matrix() for each in row.ids}


@pytest.mark.parametrize("row", matrix(), ids=lambda row: row.ids[0])
def test_the_tests_that_a_row_names_exist(row: Row) -> None:
    missing = [
        f"{module}::{pattern}"
        for module, pattern in named_tests(row)
        if not any(fnmatchcase(test, pattern) for test in functions_of(module))
    ]
    assert missing == []
    files = re.findall(r"`((?:examples|tests)/[^`]*\.py)`", row.tests)
    assert [name for name in files if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("row", matrix(), ids=lambda row: row.ids[0])
def test_what_passes_is_shown_by_a_test_of_a_real_node_that_carries_its_id(row: Row) -> None:
    if "pass" not in row.state:
        assert "not offered" in row.state
        return
    shown = [
        test
        for module, pattern in named_tests(row)
        for test in functions_of(module)
        if "/" not in module and fnmatchcase(test, pattern)
    ]
    wanted = [each for each in row.ids if each not in OUTSIDE_A_NODE]
    assert [each for each in wanted if not any(each.lower() in test.split("_") for test in shown)] == []
