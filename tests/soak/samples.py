"""What an exchange's ledger and a node's journal may say, for those who try a verdict."""

from decimal import Decimal
from typing import Final

from helios_nautilus.journal.records import OrderRecord
from helios_nautilus.simulator.exchange.dump import OrderRow, PositionRow

ACCOUNT: Final = "7"
SYMBOL: Final = "BTCUSDTPERP"
NAME: Final = f"{SYMBOL}.VALR"
LEFT: Final = PositionRow(
    account_id=ACCOUNT,
    symbol=SYMBOL,
    position_id="p",
    side="buy",
    quantity=Decimal("0.1"),
    average_entry_price=Decimal(100),
    realised=Decimal(0),
)


def venue_order(name: str, status: str = "Filled") -> OrderRow:
    """An order by the name that its trader gave it; a verdict asks for no amounts."""
    nothing = Decimal(0)
    return OrderRow(
        order_id=f"order of {name}",
        customer_order_id=name,
        account_id=ACCOUNT,
        symbol=SYMBOL,
        side="buy",
        type="limit",
        time_in_force="IOC",
        status=status,
        price=nothing,
        stop_price=None,
        quantity=nothing,
        remaining=nothing,
        executed=nothing,
        total=nothing,
        fee=nothing,
        reward=nothing,
        failed_reason="",
        created_ns=0,
        updated_ns=0,
    )


def stop(decision_id: str, status: str = "EMULATED") -> OrderRecord:
    """A bet's stop, as the node journals it."""
    return OrderRecord(
        ts_ns=1,
        decision_id=decision_id,
        instrument_id=NAME,
        client_order_id="stop",
        role="STOP",
        side="SELL",
        order_type="STOP_MARKET",
        quantity=Decimal("0.1"),
        price=None,
        status=status,
    )
