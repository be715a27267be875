"""Compares what the simulator sends with what VALR was recorded sending: names, JSON types, forms and sizes."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

PAYLOADS: Final = Path(__file__).parents[2] / "payloads" / "valr"

_DECIMAL: Final = re.compile(r"-?\d+(\.\d+)?(E-\d+)?")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z?)")
_FORMS: Final = {
    "decimal": _DECIMAL,
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "slashed pair": re.compile(r"[A-Z0-9]+/[A-Z0-9]+"),
    "code": re.compile(r"[A-Z][A-Z0-9_]*"),
}
_FREE_TEXT: Final = frozenset(
    {"customerOrderId", "clientMsgId", "message", "failedReason", "failureReason", "label", "longName", "description"}
)
_WORDS: Final = {
    "orderStatusType": {"Placed", "Active", "Partially Filled", "Order Modified", "Filled", "Cancelled", "Failed"},
    "side": {"buy", "sell"},
    "orderSide": {"buy", "sell"},
    "takerSide": {"buy", "sell"},
    "timeInForce": {"GTC", "IOC", "FOK"},
    "orderType": {"limit", "post-only limit", "market", "stop-loss-limit", "take-profit-limit"},
    "currencyPairType": {"SPOT", "FUTURE"},
    "closeType": {"Trade", "Liquidation", "Adl"},
}
"""The documented spellings of what decides: a recorded sample shows only some of each."""
_ANY_SIZE: Final = frozenset({"sq", "cs", "SequenceNumber", "Checksum", "indexInTx"})
_ID: Final = 2**53
_MILLIS: Final = range(10**12, 10**13)
_SIZES: Final = {
    "price": (re.compile(r".*(P|p)rice|open|high|low|close|costPerCoin|level\[0\]"), 2),
    "quantity": (re.compile(r".*(Q|q)uantity|(v|baseV)olume|openInterest|m(in|ax)BaseAmount|level\[1\]"), 3),
    "fraction": (re.compile(r"(?!margin|collaterali[sz]edMargin).*Fraction|collateralWeight"), 1),
    "funding rate": (re.compile(r".*(f|F)undingRate"), 1),
    "percentage": (re.compile(r".*Percentage|changeFromPrevious"), 1),
    "count": (re.compile(r"leverage.*|.*Places|orderCount|positionAtPrice|bucketPeriodInSeconds"), 1),
    "amount": (
        re.compile(
            r"fees?|.*(Fee|Reward|Value|InReference|Pnl|Total)|quoteVolume|m(in|ax)QuoteAmount|available|total|fundingAmount"
            r"|.*(R|r)eserved|borrowedAmount"
        ),
        6,
    ),
}
"""What is measured alike: the names, and the powers of ten by which ours may lie beside all that were recorded.

Fractions and percentages lie close together, quantities and money depend on the coin and the depth of the purse.
"""


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def form_of(value: object) -> str:
    """The kind of a scalar: a number's kind of number, a text's form, a time's digits."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int) and abs(value) > _ID:
        return "64-bit id"
    if isinstance(value, int) and value in _MILLIS:
        return "epoch ms"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        time = _TIME.fullmatch(value)
        if time is not None:
            return f"time to {len(time[1] or '.') - 1} digits{'' if time[2] else ' without zone'}"
        return next((name for name, pattern in _FORMS.items() if pattern.fullmatch(value)), "text")
    return "null" if value is None else type(value).__name__


def differences(ours: Any, theirs: Any, *, optional: frozenset[str] = frozenset(), at: str = "") -> list[str]:
    """Everything in which our JSON is unlike the recorded one; keys in ``optional`` may be on one side only.

    Of a list every row of ours is held against all recorded ones: what each of those has is required, what one of
    them has is allowed.
    """
    return list(_differences(ours, [theirs], optional, at))


def _differences(ours: Any, theirs: list[Any], optional: frozenset[str], at: str) -> Iterator[str]:
    kinds = {_kind_of(one) for one in theirs}
    if _kind_of(ours) not in kinds:
        yield f"{at}: {_kind_of(ours)} {ours!r:.80} instead of {' or '.join(sorted(kinds))}"
    elif isinstance(ours, dict):
        yield from _dict_differences(ours, [one for one in theirs if isinstance(one, dict)], optional, at)
    elif isinstance(ours, list):
        rows = [row for one in theirs if isinstance(one, list) for row in one]
        for i, row in enumerate(ours if rows else ()):
            yield from _differences(row, rows, optional, f"{at}[{i}]")
    else:
        yield from _scalar_differences(ours, theirs, at)


def _dict_differences(
    ours: dict[str, Any], theirs: list[dict[str, Any]], optional: frozenset[str], at: str
) -> Iterator[str]:
    required = set.intersection(*(set(one) for one in theirs))
    allowed = set.union(*(set(one) for one in theirs))
    yield from (f"{at}.{key} is missing" for key in sorted(required - ours.keys() - optional))
    yield from (f"{at}.{key} is not VALR's" for key in sorted(ours.keys() - allowed - optional))
    for key in ours.keys() & allowed:
        yield from _differences(ours[key], [one[key] for one in theirs if key in one], optional, f"{at}.{key}")


def _scalar_differences(ours: Any, theirs: list[Any], at: str) -> Iterator[str]:
    name = _name_of(at)
    if name in _FREE_TEXT and isinstance(ours, str):
        return
    if name in _WORDS:
        if ours not in _WORDS[name] | set(theirs):
            yield f"{at}: {ours!r} is no {name} of VALR"
        return
    forms = {form_of(one) for one in theirs}
    if name in _ANY_SIZE:
        forms |= {"number", "epoch ms"}
    if form_of(ours) not in forms:
        yield f"{at}: {form_of(ours)} {ours!r} instead of {' or '.join(sorted(forms))} {theirs[0]!r}"
    elif form_of(ours) in ("decimal", "number"):
        yield from _size_differences(Decimal(str(ours)), name, at)


def _name_of(at: str) -> str:
    """The last key of a path; the two texts of a book's level have none."""
    name = at.rpartition(".")[2]
    level = re.fullmatch(r"[ab](\[\d+\])(\[[01]\])", name)
    return f"level{level[2]}" if level else re.sub(r"\[\d+\]", "", name)


def _size_differences(ours: Decimal, name: str, at: str) -> Iterator[str]:
    """A fraction where VALR sends percents, a price in cents, twenty decimals for eight."""
    measure = _measure_of(name)
    if measure is None or not ours:
        return
    lowest, highest, places = _sizes()[measure]
    slack = _SIZES[measure][1]
    if not lowest - slack <= ours.adjusted() <= highest + slack:
        yield f"{at}: {ours} is no {measure} of VALR's, which go from 1E{lowest} to 1E{highest}"
    if _places_of(ours) > places:
        yield f"{at}: {ours} has {_places_of(ours)} decimals, a {measure} of VALR's at most {places}"


@cache
def _measure_of(name: str) -> str | None:
    return next((measure for measure, (names, _) in _SIZES.items() if names.fullmatch(name)), None)


@cache
def _sizes() -> dict[str, tuple[int, int, int]]:
    """Of every measure in the payloads: the lowest and the highest power of ten, and the most decimals."""
    found: dict[str, list[Decimal]] = {}
    for path in PAYLOADS.glob("*.json"):
        for name, number in _numbers(payload(path.stem)):
            measure = _measure_of(name)
            if measure is not None and number:
                found.setdefault(measure, []).append(number)
    return {
        measure: (
            min(number.adjusted() for number in numbers),
            max(number.adjusted() for number in numbers),
            max(map(_places_of, numbers)),
        )
        for measure, numbers in found.items()
    }


def _places_of(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _numbers(node: Any, at: str = "") -> Iterator[tuple[str, Decimal]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _numbers(value, f"{at}.{key}")
    elif isinstance(node, list):
        for i, row in enumerate(node):
            yield from _numbers(row, f"{at}[{i}]")
    elif form_of(node) in ("decimal", "number"):
        yield _name_of(at), Decimal(str(node))


def _kind_of(value: object) -> str:
    if isinstance(value, dict | list):
        return type(value).__name__
    if isinstance(value, bool) or value is None:
        return form_of(value)
    return "text" if isinstance(value, str) else "number"
