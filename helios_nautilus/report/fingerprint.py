"""One hash for all that was traded: two runs traded the same if and only if it is equal."""

import hashlib
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from helios_nautilus.journal.records import FillRecord, Record


def trade_hash(records: Iterable[Record]) -> str:
    """SHA-256 (hex) over every fill in order: what, which way, how much, at what price and cost, when and why.

    One JSON line a fill. Identifiers are left out, because they differ between runs that trade the same;
    amounts are written without trailing zeros, so the precision they came with does not count.
    """
    digest = hashlib.sha256()
    for fill in records:
        if isinstance(fill, FillRecord):
            digest.update(_line(fill))
    return digest.hexdigest()


def _line(fill: FillRecord) -> bytes:
    amounts = [_plain(amount) for amount in (fill.quantity, fill.price, fill.commission)]
    return msgspec.json.encode([fill.instrument_id, fill.side, *amounts, fill.ts_ns, fill.role]) + b"\n"


def _plain(amount: Decimal) -> str:
    return format(amount.normalize() + 0, "f")
