"""Two runs compared, record by record: where they part, and which tier was the first to answer differently.

A tier that was given the same and answered otherwise is a *cause*. What differs after it, because it was given
something else, is a *consequence*: it is counted, not blamed. Given to a tier are the words of the tiers before it and
the state of the account, and the latter is not written down in full. So where the account had moved apart before, only
what no account can change (`journal.dependence`) is still a cause.

How the second run came about does not matter, nor do its identifiers: venues and engines number as they please.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from helios_nautilus.journal.changes import Change, changes_between
from helios_nautilus.journal.dependence import depends_on_account, moves_account, shows_own_setting
from helios_nautilus.journal.records import (
    ContextRecord,
    EquityRecord,
    EventRecord,
    FillRecord,
    GateRecord,
    GuardianRecord,
    KillSwitchRecord,
    OrderRecord,
    OutcomeRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    SignalRecord,
    SizingRecord,
    SnapshotRecord,
    VolatilityRecord,
)

type Tier = Literal[
    "Model", "Strategy", "Aether", "Gate", "Guardian", "Orders", "Fills", "Position", "Outcome", "Account", "Events"
]

TIERS: Final[dict[type[Record], Tier]] = {
    PredictionRecord: "Model",
    SignalRecord: "Strategy",
    VolatilityRecord: "Aether",
    SizingRecord: "Aether",
    ContextRecord: "Gate",
    GateRecord: "Gate",
    KillSwitchRecord: "Guardian",
    GuardianRecord: "Guardian",
    OrderRecord: "Orders",
    FillRecord: "Fills",
    PositionRecord: "Position",
    OutcomeRecord: "Outcome",
    EquityRecord: "Account",
    SnapshotRecord: "Account",
    EventRecord: "Events",
}
"""Whose word a record is, in the order of a decision's way. Other records say how a run was made, not what it did."""
_RANK: Final = {tier: rank for rank, tier in enumerate(dict.fromkeys(TIERS.values()))}
_TRADE: Final = frozenset[Tier](("Orders", "Fills", "Position"))
_FOLLOWING: Final = frozenset[Tier](("Account", "Events"))
"""They have no opinion of their own: they are blamed only where nothing else differs."""


class Difference(Struct, frozen=True, kw_only=True):
    """A place where two runs part. ``ts_ns`` and ``changes`` are of the first record there that differs."""

    tier: Tier
    is_cause: bool
    ts_ns: int
    decision_id: str
    """Empty where the record belongs to no decision, like ``instrument_id``."""
    instrument_id: str
    kind: Literal["changed", "missing", "added"]
    """``missing``: only the first run has the record; ``added``: only the second."""
    changes: tuple[Change, ...]
    further: int
    """Later records of the same tier and decision that differ too."""


class TierCount(Struct, frozen=True, kw_only=True):
    """How often a tier's word was compared, and what came of it; ``compared`` is the sum of the other three."""

    tier: Tier
    compared: int
    equal: int
    causes: int
    consequences: int


class Comparison(Struct, frozen=True, kw_only=True):
    """All differences of two runs, in the order in which they came about."""

    decisions: int
    """Of either run."""
    decisions_differing: int
    tiers: tuple[TierCount, ...]
    differences: tuple[Difference, ...]

    @property
    def is_identical(self) -> bool:
        """Whether the runs say the same."""
        return not self.differences

    @property
    def first_tier(self) -> Tier | None:
        """The tier that was the first to differ from equal inputs."""
        return next((each.tier for each in self.differences if each.is_cause), None)


class _Placed(NamedTuple):
    """A record and its place in its run."""

    place: int
    record: Record


class _Key(NamedTuple):
    """What is compared with each other: a tier's words on one decision, or what it said at one time beside any."""

    tier: Tier
    decision_id: str
    instrument_id: str
    role: str
    """Of an order or fill. Each role has its own line: when a position ends, the engine cancels in any order."""
    ts_ns: int


class _Parting(NamedTuple):
    """A key whose records differ: the first pair that does, and how many pairs after it."""

    key: _Key
    before: _Placed | None
    after: _Placed | None
    changes: tuple[Change, ...]
    further: int

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(each.record for each in (self.before, self.after) if each is not None)

    @property
    def order(self) -> tuple[int, int, int]:
        """Sorts by when it came about: both runs keep their order up to the first difference."""
        places = [each.place for each in (self.before, self.after) if each is not None]
        return min(record.ts_ns for record in self.records), min(places), _RANK[self.key.tier]

    def follows(self, other: "_Parting") -> bool:
        """Whether it comes later in either run than the other."""
        pairs = (self.before, other.before), (self.after, other.after)
        return any(mine is not None and theirs is not None and mine.place > theirs.place for mine, theirs in pairs) or (
            self.order > other.order and all(mine is None or theirs is None for mine, theirs in pairs)
        )


def compare_records(before: Iterable[Record], after: Iterable[Record]) -> Comparison:
    """Compare the records of two runs, each in the order in which they were written."""
    ours, theirs = _group(before), _group(after)
    keys = list(dict.fromkeys([*ours, *theirs]))
    partings = sorted(_find_partings(keys, ours, theirs), key=lambda parting: parting.order)
    causes = _find_causes(partings)
    differences = tuple(_difference(parting, is_cause=parting.key in causes) for parting in partings)
    return Comparison(
        decisions=len({key.decision_id for key in keys} - {""}),
        decisions_differing=len({each.decision_id for each in differences} - {""}),
        tiers=_count(keys, differences),
        differences=differences,
    )


def _group(records: Iterable[Record]) -> dict[_Key, list[_Placed]]:
    groups: dict[_Key, list[_Placed]] = {}
    for place, record in enumerate(records):
        tier = TIERS.get(type(record))
        if tier is None:
            continue
        decision_id, instrument_id, role = (
            getattr(record, name, "") for name in ("decision_id", "instrument_id", "role")
        )
        key = _Key(tier, decision_id, instrument_id, role, 0 if decision_id else record.ts_ns)
        groups.setdefault(key, []).append(_Placed(place, record))
    return groups


def _find_partings(
    keys: Iterable[_Key], ours: dict[_Key, list[_Placed]], theirs: dict[_Key, list[_Placed]]
) -> Iterator[_Parting]:
    for key in keys:
        pairs = [
            (before, after, changes)
            for before, after in zip_longest(ours.get(key, ()), theirs.get(key, ()))
            if (changes := _changes(before, after)) is not None
        ]
        if pairs:
            yield _Parting(key, *pairs[0], further=len(pairs) - 1)


def _changes(before: _Placed | None, after: _Placed | None) -> tuple[Change, ...] | None:
    """What differs between two records; None if nothing does that counts."""
    if before is None or after is None:
        return ()
    return changes_between(before.record, after.record) or None


def _find_causes(partings: Sequence[_Parting]) -> set[_Key]:
    """Of each decision the first difference, unless the account explains it; and whoever has another setting to show.

    The partings come in their order.
    """
    movers = _first_movers(partings)
    causes: set[_Key] = set()
    decided: set[str] = set()
    for parting in sorted(partings, key=_by_tier):
        decision_id = parting.key.decision_id
        if parting.key.tier in _FOLLOWING:
            continue
        moved = any(mover.key.decision_id != decision_id and parting.follows(mover) for mover in movers)
        is_explained = decision_id in decided or (moved and depends_on_account(parting.records, parting.changes))
        decided.update({decision_id} - {""})
        if not is_explained or shows_own_setting(parting.records, parting.changes):
            causes.add(parting.key)
    if not causes and partings:
        causes.add(partings[0].key)
    return causes


def _by_tier(parting: _Parting) -> tuple[int, tuple[int, int, int]]:
    """The tiers in turn; but orders, fills and the position make each other, so among them the earlier comes first."""
    tier = parting.key.tier
    return _RANK["Orders" if tier in _TRADE else tier], parting.order


def _first_movers(partings: Iterable[_Parting]) -> list[_Parting]:
    """The first two decisions whose difference moved the account: one of them is another than any given one."""
    movers: list[_Parting] = []
    for parting in partings:
        known = {mover.key.decision_id for mover in movers}
        if parting.key.decision_id not in known and any(map(moves_account, parting.records)):
            movers.append(parting)
        if len(movers) == 2:
            break
    return movers


def _difference(parting: _Parting, *, is_cause: bool) -> Difference:
    key = parting.key
    return Difference(
        tier=key.tier,
        is_cause=is_cause,
        ts_ns=parting.order[0],
        decision_id=key.decision_id,
        instrument_id=key.instrument_id,
        kind="added" if parting.before is None else "missing" if parting.after is None else "changed",
        changes=parting.changes,
        further=parting.further,
    )


def _count(keys: Iterable[_Key], differences: Iterable[Difference]) -> tuple[TierCount, ...]:
    compared = Counter(key.tier for key in keys)
    found = Counter((each.tier, each.is_cause) for each in differences)
    return tuple(
        TierCount(
            tier=tier,
            compared=compared[tier],
            equal=compared[tier] - found[tier, True] - found[tier, False],
            causes=found[tier, True],
            consequences=found[tier, False],
        )
        for tier in _RANK
    )
