"""A recorded session beside a backtest of the same minutes: which decisions and trades differ, and what made them.

The session met a book, in real time, and people; the backtest has bars. So beside the tiers' own words, which ought to
be equal to the bit, there are causes that no tier is to blame for. They are told apart by the first word in a decision
that is another, and for a trade that both have, by what of it is another.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from helios_nautilus.journal.changes import Change, changes_between
from helios_nautilus.journal.dependence import depends_on_account
from helios_nautilus.journal.differences import TIERS, Tier
from helios_nautilus.journal.records import (
    GateRecord,
    GuardianRecord,
    OrderRecord,
    PredictionRecord,
    Record,
    SignalRecord,
    SizingRecord,
)
from helios_nautilus.journal.trades import Trade, trades_of

type Cause = Literal["bars", "latency", "book", "not ready", "operator", "equity", "earlier trade", "code"]
"""``bars``: the venue tells other ones today; ``book``: what was offered, which bars do not tell; ``equity``: the
account had another value; ``earlier trade``: one before it came out otherwise; ``code``: none of these."""

CAUSES: Final[dict[Cause, str]] = {
    "bars": "the venue tells another bar today than it streamed then",
    "latency": "an order, or a fit of volatility, came at another moment than in the replay",
    "book": "the book had other prices or sizes than bars can tell",
    "not ready": "the node lacked something it needed then",
    "operator": "an operator, the kill switch or the node's stop intervened",
    "equity": "a size or a limit was met with another equity",
    "earlier trade": "an earlier trade had come out otherwise",
    "code": "neither the market nor the account explains it: the settings or the code are others",
}
_REFUSED_BY: Final[dict[str, Cause]] = {
    "not_ready": "not ready",
    "entries_off": "operator",
    "switched_off": "operator",
    "position_open": "earlier trade",
    "pending": "earlier trade",
    "signal_turned": "earlier trade",
}
"""What a strategy's reason says, where only one of the two runs has it."""
_MEASURED_BY: Final[dict[str, Cause]] = {
    "kill_switch": "operator",
    "price": "book",
    "duplicates": "earlier trade",
    "rate": "earlier trade",
    "open_positions": "earlier trade",
    "correlation": "earlier trade",
}
"""What the checks of Guardian look at; the others measure against equity."""
_TRAITS: Final = {
    "quantity": "size",
    "entry_ts_ns": "entry time",
    "entry_price": "entry price",
    "reason": "end",
    "exit_ts_ns": "exit time",
    "exit_price": "exit price",
}
_FITTED: Final = frozenset({"vol_daily", "vol_source", "regime"})
_INTERVENED: Final = frozenset({"KILL", "MANUAL"})
_LATE_NS: Final = 1_000_000_000
"""From here on another moment makes another price; a backtest on bars fills a quarter of a second after their close."""
_WAY: Final = (PredictionRecord, SignalRecord, SizingRecord, GateRecord, GuardianRecord)
_PASSING: Final = frozenset({"ts_ns", "words", "reasoning", "latency_ms", "request_hash"})
"""The moment is never the same, and what was told of the market and the account matters where an answer differs."""


class Parting(Struct, frozen=True, kw_only=True):
    """A decision whose two ways part: at which tier, and why."""

    decision_id: str
    tier: Tier
    cause: Cause
    words: str
    changes: tuple[Change, ...] = ()


class Trait(Struct, frozen=True, kw_only=True):
    """What of a trade is another in the replay."""

    field: str
    before: Any
    after: Any
    causes: tuple[Cause, ...]


class TradePair(Struct, frozen=True, kw_only=True):
    """One trade in both runs, or in one of them; they agree if no trait differs and neither is missing."""

    decision_id: str
    recorded: Trade | None
    replayed: Trade | None
    causes: tuple[Cause, ...]
    words: str
    """Why; empty if they agree."""
    traits: tuple[Trait, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether both runs have it, and the same."""
        return not self.causes


class SessionComparison(Struct, frozen=True, kw_only=True):
    """Two accounts of the same minutes."""

    decisions: int
    """That both could have made."""
    predictions_equal: int
    """To the last bit."""
    partings: tuple[Parting, ...]
    trades: tuple[TradePair, ...]
    agreeing: int
    causes: dict[str, int]
    """Trades that differ, by cause; one may have several."""
    changed_bar: str
    """The first bar that is another today, in words; empty if none was noticed."""

    @property
    def is_identical(self) -> bool:
        """Every decision and every trade agrees."""
        return not self.partings and self.agreeing == len(self.trades)


def compare_session(
    recorded: Sequence[Record], replayed: Sequence[Record], resolution_ns: int, until_ns: int
) -> SessionComparison:
    """Compare a session with its replay, in what was predicted from its first prediction to ``until_ns``.

    ``resolution_ns`` is the length of the replay's bars: within one of them it knows no times.
    """
    ours, theirs = _by_decision(recorded), _by_decision(replayed)
    wanted = _within(ours, theirs, until_ns)
    partings = {name: found for name in wanted if (found := _part(name, ours.get(name, []), theirs.get(name, [])))}
    mine, others = trades_of(recorded), trades_of(replayed)
    names = [name for name in wanted if name in mine or name in others]
    pairs = tuple(_pair(name, mine.get(name), others.get(name), partings.get(name), resolution_ns) for name in names)
    return SessionComparison(
        decisions=len(wanted),
        predictions_equal=sum(_predicts_alike(ours.get(name, []), theirs.get(name, [])) for name in wanted),
        partings=tuple(partings.values()),
        trades=pairs,
        agreeing=sum(pair.agrees for pair in pairs),
        causes=dict(Counter(cause for pair in pairs for cause in pair.causes)),
        changed_bar=next((each.words for each in partings.values() if _is_of_bars(each)), ""),
    )


def _is_of_bars(parting: Parting) -> bool:
    return (parting.tier, parting.cause) == ("Model", "bars")


def _by_decision(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        if type(record) in TIERS and (name := getattr(record, "decision_id", "")):
            found.setdefault(name, []).append(record)
    return found


def _within(ours: Mapping[str, list[Record]], theirs: Mapping[str, list[Record]], until_ns: int) -> list[str]:
    """Decisions from the first that the session predicted, in the order of their predictions."""
    stamps, own = _predicted(theirs), _predicted(ours)
    first_ns = min((stamps[name] for name in own if name in stamps), default=until_ns)
    missed = {name: ts_ns for name, ts_ns in stamps.items() if ts_ns >= first_ns}
    chosen = {name: ts_ns for name, ts_ns in (own | missed).items() if ts_ns <= until_ns}
    return sorted(chosen, key=lambda name: (chosen[name], name))


def _predicted(decisions: Mapping[str, list[Record]]) -> dict[str, int]:
    return {name: each[0].ts_ns for name, each in decisions.items() if isinstance(each[0], PredictionRecord)}


def _predicts_alike(before: Sequence[Record], after: Sequence[Record]) -> bool:
    pair = [next((each for each in records if isinstance(each, PredictionRecord)), None) for records in (before, after)]
    return None not in pair and not _essential(pair[0], pair[1])


def _part(name: str, before: Sequence[Record], after: Sequence[Record]) -> Parting | None:
    """The first word of a decision's way that differs in something that matters."""
    for kind in _WAY:
        mine, other = (next((each for each in records if type(each) is kind), None) for records in (before, after))
        if mine is None and other is None:
            continue
        changes = _essential(mine, other)
        if mine is None or other is None or changes:
            cause, words = _explain(mine, other, changes)
            return Parting(decision_id=name, tier=TIERS[kind], cause=cause, words=words, changes=changes)
    return _part_at_order(name, before, after)


def _part_at_order(name: str, before: Sequence[Record], after: Sequence[Record]) -> Parting | None:
    """The tiers agree; an immediate-or-cancel entry may still have found its price in one of the runs only."""
    mine, other = _entry_end(before), _entry_end(after)
    if mine == other:
        return None
    cause = _REFUSED_BY.get(mine.partition(": ")[2], "book")
    return Parting(
        decision_id=name,
        tier="Orders",
        cause=cause,
        words=f"its entry ended {mine or 'filled'}, not {other or 'filled'}",
    )


def _entry_end(records: Iterable[Record]) -> str:
    """How an entry came to nothing; empty for one that was filled, or none that was sent."""
    trades = trades_of(records)
    ends = [each for each in records if isinstance(each, OrderRecord) and each.role == "ENTRY"]
    if trades or not ends or ends[-1].status not in ("CANCELED", "REJECTED", "DENIED", "EXPIRED"):
        return ""
    return f"{ends[-1].status.lower()}: {ends[-1].reason}" if ends[-1].reason else ends[-1].status.lower()


def _essential(before: Record | None, after: Record | None) -> tuple[Change, ...]:
    """The fields that differ and matter: of Guardian's checks their outcome and their limits."""
    if before is None or after is None:
        return ()
    changes = [each for each in changes_between(before, after) if _leaf(each) not in _PASSING]
    if isinstance(before, GuardianRecord):
        changes = [each for each in changes if _leaf(each) in ("passed", "limit")]
    return tuple(changes)


def _leaf(change: Change) -> str:
    return change.field.rpartition(".")[2]


def _explain(before: Record | None, after: Record | None, changes: Sequence[Change]) -> tuple[Cause, str]:
    found = before or after
    match found:
        case PredictionRecord():
            return _explain_prediction(before, after)
        case SignalRecord():
            return _explain_signal(before, after)
        case SizingRecord() if changes:
            return _explain_size(found, changes)
        case GateRecord() if changes:
            return "book", "the gate, told of another spread or account, said otherwise" + _fields(changes)
        case GuardianRecord() if changes:
            return _explain_checks(changes)
    return "latency", f"only the {'replay' if before is None else 'session'} came so far before it was given up"


def _explain_prediction(before: Record | None, after: Record | None) -> tuple[Cause, str]:
    if not isinstance(before, PredictionRecord):
        return "not ready", "the session did not predict: its bars were missing or late"
    if not isinstance(after, PredictionRecord):
        return "bars", f"the replay cannot predict {before.decision_id}: the catalogue lacks bars before it"
    if before.model_id != after.model_id:
        return "code", f"another model: {before.model_id} -> {after.model_id}"
    if before.price != after.price:
        return (
            "bars",
            f"the bar of {before.decision_id} closed at {before.price:.10g} then, at {after.price:.10g} today",
        )
    return "bars", f"a bar before {before.decision_id} is another today, though it closes at the same price"


def _explain_signal(before: Record | None, after: Record | None) -> tuple[Cause, str]:
    reasons = [each.reason if isinstance(each, SignalRecord) else "" for each in (before, after)]
    cause: Cause = next((_REFUSED_BY[reason] for reason in reasons if reason in _REFUSED_BY), "code")
    return cause, f"the strategy said {reasons[0] or 'nothing'}, in the replay {reasons[1] or 'nothing'}"


def _explain_size(sizing: SizingRecord, changes: Sequence[Change]) -> tuple[Cause, str]:
    """The predictions are equal, so the bars are. But a node fits beside its work, and a backtest on the spot."""
    if {each.field for each in changes} & _FITTED:
        return "latency", "its volatility had been fitted at another moment"
    cause: Cause = "equity" if depends_on_account([sizing], changes) else "code"
    return cause, "Aether sized it otherwise" + _fields(changes)


def _explain_checks(changes: Sequence[Change]) -> tuple[Cause, str]:
    named = next((each.field.split(".")[1] for each in changes if each.field.startswith("checks.")), "")
    if any(_leaf(each) == "limit" for each in changes):
        return "code", f"the limit of {named} is another"
    return _MEASURED_BY.get(named, "equity"), f"Guardian's check {named} came out otherwise"


def _fields(changes: Sequence[Change]) -> str:
    return f" ({', '.join(each.field for each in changes[:3])})" if changes else ""


def _pair(
    name: str, recorded: Trade | None, replayed: Trade | None, parting: Parting | None, resolution_ns: int
) -> TradePair:
    traits: tuple[Trait, ...] = ()
    causes: tuple[Cause, ...] = ()
    if recorded is not None and replayed is not None:
        traits = tuple(_traits(recorded, replayed, parting, resolution_ns))
        causes = tuple(dict.fromkeys(cause for trait in traits for cause in trait.causes))
        words = "; ".join(f"{_TRAITS[trait.field]} by {' and '.join(trait.causes)}" for trait in traits)
    else:
        causes = ("book" if parting is None else parting.cause,)
        which = "only the replay traded" if recorded is None else "only the session traded"
        words = which if parting is None else f"{which}: {parting.words}"
    return TradePair(decision_id=name, recorded=recorded, replayed=replayed, causes=causes, words=words, traits=traits)


def _traits(before: Trade, after: Trade, parting: Parting | None, resolution_ns: int) -> Iterator[Trait]:
    """What differs, each with its causes; the profit follows from the rest."""

    def trait(field: str, *causes: Cause) -> Trait:
        return Trait(field=field, before=getattr(before, field), after=getattr(after, field), causes=causes)

    if before.quantity != after.quantity:
        yield trait("quantity", "book" if parting is None else parting.cause)
    if abs(before.entry_ts_ns - after.entry_ts_ns) >= resolution_ns:
        yield trait("entry_ts_ns", "latency")
    if before.entry_price != after.entry_price:
        yield trait("entry_price", *_price_causes(before.entry_ts_ns - after.entry_ts_ns))
    if before.reason != after.reason:
        yield trait("reason", "operator" if _INTERVENED & {before.reason, after.reason} else "book")
    elif before.exit_ts_ns is not None and after.exit_ts_ns is not None:
        late_ns = before.exit_ts_ns - after.exit_ts_ns
        if abs(late_ns) >= resolution_ns:
            yield trait("exit_ts_ns", "latency" if before.reason == "TIMEOUT" else "book")
        if before.exit_price != after.exit_price:
            yield trait("exit_price", *_price_causes(late_ns))


def _price_causes(late_ns: int) -> tuple[Cause, ...]:
    return ("book", "latency") if late_ns > _LATE_NS else ("book",)
