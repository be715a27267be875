"""Recorded messages, spoilt in every way in which a wire, a proxy or the venue's next release may spoil them."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

type Path = tuple[str | int, ...]

AMOUNTS = (
    *("0", "-0", "-1", "0.5", "1E+3", "6.00E-7", "1_000", " 7", "007", "12,5", "1.2.3", "--1", "0x10", "\uff17"),
    *("1e999999", "1E-999", "1e29", "123456789012345678901", "0.00000000000000000001", "9" * 5000),
    *("NaN", "sNaN", "Infinity", "-inf", "null", "true"),
)
WORDS = (
    *("", " ", "\u0000", "a\u0000b", "\u00e9", "\U0001f600", "x" * 37, "x" * 100_000, "BTCZAR", "ETHZAR", "btczar"),
    *("BUY", "sell", "short", "Levitating", "Filled", "Cancelled", "Failed", "NEW_TRADE", "ORDER_STATUS_UPDATE"),
    *(
        "2025-13-16T11:00:00Z",
        "1800-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "2025-07-16T11:00:00+02:00",
        "0",
    ),
)
ODDITIES: tuple[object, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        0.5,
        1e300,
        2**31,
        2**63,
        2**64,
        -(2**63),
        10**30,
        [],
        {},
        [[]],
        [{}],
        {"a": {"b": []}},
    ),
    *([["1", "2"]], [["1"]], {"price": "1"}),
)
DEEP = b"[" * 20_000 + b"]" * 20_000

ODD_VALUES = st.sampled_from((*AMOUNTS, *WORDS, *ODDITIES))


@st.composite
def spoilt(draw: st.DrawFn, raw: bytes) -> bytes:
    """``raw`` with one to three changes of its values, or with its bytes damaged."""
    way = draw(st.sampled_from(("values", "values", "values", "bytes", "cut", "deep", "twin key", "doubled")))
    if way == "bytes":
        return _flip(draw, raw)
    if way == "cut":
        return raw[: draw(st.integers(0, len(raw) - 1))]
    if way == "doubled":
        return raw + raw
    if way == "twin key":
        # Two values under one name: readers differ in which of them counts.
        return b'{"data":{"price":"1"},"type":"x",' + raw[1:] if raw.startswith(b"{") else b"[" + raw + b"]"
    document = json.loads(raw)
    if way == "deep":
        path = draw(st.sampled_from(list(paths_in(document)) or [()]))
        return json.dumps(replaced(document, path, "\0deep")).encode().replace(b'"\\u0000deep"', DEEP)
    for _ in range(draw(st.integers(1, 3))):
        document = draw(changed(document))
    return json.dumps(document).encode()


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """A JSON document with one value changed, taken away, added, or swapped with its neighbour."""
    path = draw(st.sampled_from(list(paths_in(document)) or [()]))
    if not path:
        return draw(ODD_VALUES)
    parent = _at(document, path[:-1])
    match draw(st.sampled_from(("odd", "odd", "odd", "gone", "swapped", "more"))):
        case "gone":
            return replaced(document, path[:-1], _without(parent, path[-1]))
        case "swapped":
            other = draw(st.sampled_from(list(parent) if isinstance(parent, dict) else list(range(len(parent)))))
            one, two = parent[path[-1]], parent[other]
            return replaced(replaced(document, path, two), (*path[:-1], other), one)
        case "more" if isinstance(parent, dict):
            return replaced(document, (*path[:-1], "neverHeardOf"), draw(ODD_VALUES))
        case "more":
            return replaced(document, path[:-1], [*parent, *parent])
        case _:
            return replaced(document, path, draw(ODD_VALUES))


def paths_in(document: Any, at: Path = ()) -> Iterator[Path]:
    """Where every value of a document is found."""
    items: Any = ()
    if isinstance(document, Mapping):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document[:8])
    for key, value in items:
        yield (*at, key)
        yield from paths_in(value, (*at, key))


def replaced(document: Any, path: Path, value: Any) -> Any:
    """The document with another value at ``path``."""
    if not path:
        return value
    key, *rest = path
    if isinstance(document, dict):
        return document | {key: replaced(document.get(key), tuple(rest), value)}
    return [replaced(row, tuple(rest), value) if i == key else row for i, row in enumerate(document)]


def as_sent(raw: bytes) -> Any:
    """What the bytes say, numbers exact; None if they are no JSON. Python's own reader: the adapter has another.

    Damaged text is let through where it stands in what nobody reads: the adapter skips such fields unseen.
    """
    try:
        return json.loads(raw.decode(errors="replace"), parse_float=Decimal, parse_constant=_refuse, strict=False)
    except (ValueError, RecursionError):
        return None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _flip(draw: st.DrawFn, raw: bytes) -> bytes:
    damaged = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        damaged[draw(st.integers(0, len(damaged) - 1))] = draw(st.integers(0, 255))
    return bytes(damaged)


def _at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def _without(parent: Any, key: str | int) -> Any:
    if isinstance(parent, dict):
        return {name: value for name, value in parent.items() if name != key}
    return [row for i, row in enumerate(parent) if i != key]
