"""What changed between two values: field by field, as a reader and a program can take it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from helios_nautilus.journal.records import FillRecord, GateRecord, OrderRecord, PositionRecord, Record

_PASSING: Final[dict[type[Record], frozenset[str]]] = {
    OrderRecord: frozenset({"client_order_id"}),
    FillRecord: frozenset({"client_order_id", "trade_id"}),
    PositionRecord: frozenset({"position_id"}),
    # An answer is the same whether it came over the network or was replayed, and however long it took.
    GateRecord: frozenset({"latency_ms", "source"}),
}
"""Fields that two runs which do the same need not share."""


class Change(Struct, frozen=True, kw_only=True):
    """One field; a value is None where the field is not there, and everything else as JSON has it."""

    field: str
    """Its path, e.g. ``context.market.spread`` or ``checks.leverage.value``."""
    before: Any
    after: Any


def changes_between(before: Record, after: Record) -> tuple[Change, ...]:
    """The fields in which two records of one place differ; none if they say the same."""
    if before == after:
        return ()
    passing = _PASSING.get(type(before), frozenset())
    ours, theirs = _plain(before), _plain(after)
    if type(before) is not type(after):
        return (Change(field="type", before=type(before).__name__, after=type(after).__name__),)
    return tuple(each for each in changed_fields(ours, theirs) if each.field not in passing)


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> Iterator[Change]:
    """The leaves in which two trees of mappings differ, those that only one of them has among them.

    Lists of named things are compared by name.
    """
    for name in dict.fromkeys([*before, *after]):
        ours, theirs = before.get(name), after.get(name)
        if ours == theirs:
            continue
        where = f"{path}{name}"
        mine, other = ({} if value is None else _as_tree(value) for value in (ours, theirs))
        if mine is None or other is None or not (mine or other):
            yield Change(field=where, before=ours, after=theirs)
        else:
            yield from changed_fields(mine, other, f"{where}.")


def _plain(record: Record) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(record))
    return fields


def _as_tree(value: object) -> Mapping[str, Any] | None:
    """A mapping, or a list of things with names as one."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and value and all(isinstance(each, Mapping) and "name" in each for each in value):
        return {str(each["name"]): each for each in value}
    return None
