"""What a node would journal: the records of a run by their number, of several kinds, the same every time."""

from decimal import Decimal

from helios_nautilus.journal.records import (
    EquityRecord,
    EventRecord,
    FillRecord,
    OrderRecord,
    PredictionRecord,
    Record,
    SignalRecord,
)

_PAIR = "BTCZAR.VALR"


def record(number: int) -> Record:
    """The record of a number."""
    ts_ns, decision_id = 1_790_000_000_000_000_000 + number, f"{_PAIR}-{number // 6}"
    match number % 6:
        case 0:
            return PredictionRecord(
                ts_ns=ts_ns,
                decision_id=decision_id,
                instrument_id=_PAIR,
                model_id="m",
                p_buy=0.5,
                p_sell=0.25,
                p_hold=0.25,
                attention=(0.5, 0.25, 0.25),
                price=1_850_000.0 + number,
            )
        case 1:
            return SignalRecord(
                ts_ns=ts_ns,
                decision_id=decision_id,
                instrument_id=_PAIR,
                action="proposed",
                side="LONG",
                reason="",
            )
        case 2:
            return OrderRecord(
                ts_ns=ts_ns,
                decision_id=decision_id,
                instrument_id=_PAIR,
                client_order_id=f"O-{number}",
                role="ENTRY",
                side="BUY",
                order_type="LIMIT",
                quantity=Decimal("0.00100000"),
                price=Decimal(1_850_000 + number),
                status="ACCEPTED",
            )
        case 3:
            return FillRecord(
                ts_ns=ts_ns,
                decision_id=decision_id,
                instrument_id=_PAIR,
                client_order_id=f"O-{number - 1}",
                trade_id=f"T-{number}",
                role="ENTRY",
                side="BUY",
                quantity=Decimal("0.00100000"),
                price=Decimal(1_850_000 + number),
                commission=Decimal("1.85"),
                commission_currency="ZAR",
                commission_value=Decimal("1.85"),
                liquidity="TAKER",
            )
        case 4:
            return EquityRecord(
                ts_ns=ts_ns, equity=100_000.0 + number, peak=100_000.0, drawdown=0.0, exposure=0.1, open_positions=1
            )
        case _:
            return EventRecord(ts_ns=ts_ns, kind="note", words=f"record {number}, with \N{SNOWMAN} and a NUL \0")
