from decimal import Decimal

import pytest
from msgspec.structs import replace

from helios_nautilus.journal.records import FillRecord
from helios_nautilus.report.fingerprint import trade_hash
from tests.unit.report.runs import fake_run

RECORDS = fake_run().records
FILLS = [record for record in RECORDS if isinstance(record, FillRecord)]


def test_two_runs_that_trade_the_same_have_the_same_hash_whatever_they_call_it() -> None:
    renamed = [
        replace(f, decision_id="other", client_order_id=f"O-{n}", trade_id=f"T-{n}") for n, f in enumerate(FILLS)
    ]
    assert trade_hash(renamed) == trade_hash(RECORDS)


def test_the_precision_an_amount_was_written_with_does_not_count() -> None:
    padded = [replace(fill, quantity=fill.quantity + Decimal("0.000000000")) for fill in FILLS]
    assert trade_hash(padded) == trade_hash(RECORDS)


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": Decimal("0.5")},
        {"price": Decimal("1.01")},
        {"commission": Decimal("0.02")},
        {"side": "SELL"},
        {"role": "STOP"},
        {"ts_ns": 1},
        {"instrument_id": "XRPZAR.VALR"},
    ],
)
def test_a_single_different_fill_changes_the_hash(change: dict[str, object]) -> None:
    assert trade_hash([replace(FILLS[0], **change), *FILLS[1:]]) != trade_hash(FILLS)


def test_the_order_of_fills_counts() -> None:
    assert trade_hash(FILLS[::-1]) != trade_hash(FILLS)


def test_a_run_without_fills_has_a_hash_too() -> None:
    assert trade_hash([]) == trade_hash(RECORDS[:1])
