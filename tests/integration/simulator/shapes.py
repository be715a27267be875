"""Compares what the simulator sends with what VALR was recorded sending: names, JSON types and forms of text."""

import json
import re
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parents[2] / "payloads" / "valr"

_FORMS = {
    "decimal": re.compile(r"-?\d+(\.\d+)?"),
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}
_FREE_TEXT = frozenset({"customerOrderId", "clientMsgId", "message", "failedReason", "failureReason", "label"})


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def form_of(value: object) -> str:
    """The kind of a scalar: a number's kind of number, a text's form."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return next((name for name, pattern in _FORMS.items() if pattern.fullmatch(value)), "text")
    return type(value).__name__


def differences(ours: Any, theirs: Any, *, optional: frozenset[str] = frozenset(), at: str = "") -> list[str]:
    """Everything in which our JSON is unlike the recorded one; keys in ``optional`` may be on one side only."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = [f"{at}.{key} is missing" for key in theirs.keys() - ours.keys() - optional]
        found += [f"{at}.{key} is not VALR's" for key in ours.keys() - theirs.keys() - optional]
        for key in ours.keys() & theirs.keys():
            if key not in _FREE_TEXT or not isinstance(ours[key], str):
                found += differences(ours[key], theirs[key], optional=optional, at=f"{at}.{key}")
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        if not theirs:
            return []
        return [
            line
            for i, row in enumerate(ours)
            for line in differences(row, _closest(row, theirs), optional=optional, at=f"{at}[{i}]")
        ]
    our_form, their_form = form_of(ours), form_of(theirs)
    return [] if our_form == their_form else [f"{at}: {our_form} {ours!r} instead of {their_form} {theirs!r}"]


def _closest(row: Any, rows: list[Any]) -> Any:
    """The recorded row with the most keys in common: rows of one list differ in their optional keys."""
    if not isinstance(row, dict):
        return rows[0]
    return max(rows, key=lambda other: len(other.keys() & row.keys()) - len(other.keys() ^ row.keys()))
