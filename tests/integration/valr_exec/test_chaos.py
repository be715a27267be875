"""A trader that goes on trading while everything fails now and then: in the end its books equal the venue's ledger."""

import asyncio
import random

import pytest
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.orders import Order

from helios_nautilus.simulator.exchange.faults import Fault
from tests.integration.valr_exec.desk import Desk, trading, until

FAULTS = (
    *(Fault(kind=kind, on="* /v?/orders/*", probability=0.05, times=0) for kind in ("error_before", "error_after")),
    Fault(kind="timeout_after", on="* /v?/orders/*", probability=0.03, times=0, secs=1.5),
    Fault(kind="truncate_reply", on="* /v?/*", probability=0.03, times=0),
    Fault(kind="error_before", on="GET *", probability=0.03, times=0),
    Fault(kind="duplicate_frame", on="account *_*", probability=0.1, times=0),
    Fault(kind="drop_frame", on="account *_*", probability=0.1, times=0),
    Fault(kind="reorder_frame", on="account *_*", probability=0.1, times=0),
    Fault(kind="truncate_frame", on="account *_*", probability=0.02, times=0),
    Fault(kind="drop_socket", on="account *_*", probability=0.01, times=0),
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_orders_and_fills_equal_the_ledger_after_a_storm(seed: int) -> None:
    async def scenario() -> None:
        async with trading(*FAULTS, open_check_secs=0.5, seed=seed) as desk:
            rng = random.Random(seed)
            for _ in range(40):
                _act(desk, rng)
                await asyncio.sleep(0.03)
            await until(lambda: not desk.cache.orders_inflight(), lambda: str(desk.cache.orders_inflight()))
            await until(lambda: _ours(desk) == _theirs(desk), lambda: _difference(desk))
            assert len(desk.exchange.faults.strikes) > 20

    asyncio.run(scenario())


def _act(desk: Desk, rng: random.Random) -> None:
    """One thing a strategy may do, or the market to its orders."""
    side = rng.choice([OrderSide.BUY, OrderSide.SELL])
    resting = [order for order in desk.cache.orders_open() if order.venue_order_id and order.has_price]
    choice = rng.random()
    if choice < 0.4 or not resting:
        desk.submit(desk.limit(side, away="0.9" if side is OrderSide.BUY else "1.1"))
    elif choice < 0.5:
        desk.submit(desk.market(side))
    elif choice < 0.7:
        _trade(desk, rng.choice(resting))
    elif choice < 0.85:
        desk.strategy.cancel_order(rng.choice(resting))
    else:
        order = rng.choice(resting)
        desk.strategy.modify_order(order, price=desk.instrument().make_price(order.price.as_decimal() - 10))


def _trade(desk: Desk, order: Order) -> None:
    if desk.at_venue(order).is_resting:
        desk.trade_against(order, "0.002")


def _ours(desk: Desk) -> dict[str, tuple[bool, str, frozenset[str]]]:
    return {
        order.client_order_id.value: (
            order.is_open,
            str(order.filled_qty.as_decimal().normalize()),
            frozenset(trade_id.value for trade_id in order.trade_ids),
        )
        for order in desk.cache.orders()
        if order.venue_order_id is not None
    }


def _theirs(desk: Desk) -> dict[str, tuple[bool, str, frozenset[str]]]:
    dump = desk.exchange.dump()
    fills: dict[str, set[str]] = {}
    for fill in dump.fills:
        fills.setdefault(fill.order_id, set()).add(fill.trade_id)
    return {
        str(row.customer_order_id): (
            row.status in ("Placed", "Partially Filled", "Order Modified"),
            str(row.executed.normalize()),
            frozenset(fills.get(row.order_id, ())),
        )
        for row in dump.orders
        if row.account_id == desk.account_id
    }


def _difference(desk: Desk) -> str:
    ours, theirs = _ours(desk), _theirs(desk)
    return "\n".join(
        f"{name}: ours {ours.get(name)}, theirs {theirs.get(name)}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    )
