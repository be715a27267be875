"""What holds with borrowed money, perpetuals, funding, liquidation and transfers, whatever anybody does."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import NS_PER_HOUR
from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.engine import MatchStrategy
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.liquidation import Liquidator
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Side, TimeInForce
from helios_nautilus.simulator.exchange.perpetuals import Perpetuals
from helios_nautilus.simulator.exchange.refusals import Refusal
from tests.unit.simulator.exchange.floor import LISTING, Floor

PERP = "BTCUSDTPERP"
SYMBOLS = ("BTCZAR", PERP)
PRICES = [940, 980, 995, 1000, 1005, 1020, 1060]
NAMES = ["ann", "bob", "carl", "carl"]
SIZES = [1, 777, 10_000, 20_001, 35_000]

type Step = tuple[Any, ...]


def draw_steps(seed: int) -> list[Step]:
    """Sixty steps, most of them placements whose sizes reach what carl can carry.

    Hypothesis draws the seed alone: the simple lists it favours hardly ever trade.
    """
    rng = random.Random(seed)
    draws: list[Callable[[], Step]] = [
        lambda: ("cancel", rng.randrange(50)),
        lambda: ("modify", rng.randrange(50), rng.randint(1, 40_000), rng.choice(PRICES)),
        lambda: ("mark", rng.randint(700, 1300)),
        lambda: ("mark", rng.randint(900, 1100)),
        lambda: ("hour", rng.randint(1, 100), rng.random() < 0.5),
        lambda: ("transfer", rng.choice(NAMES), rng.choice(NAMES), rng.choice(["ZAR", "USDT"]), rng.randint(1, 1000)),
    ]

    def place() -> Step:
        kind = rng.choice([OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET])
        who, symbol, side = rng.choice(NAMES), rng.choice(SYMBOLS), rng.choice(list(Side))
        return "place", who, symbol, side, rng.choice(SIZES), rng.choice(PRICES), kind, rng.random() < 0.3

    return [place() if rng.random() < 0.7 else rng.choice(draws)() for _ in range(60)]


runs = st.integers(0, 2**32).map(draw_steps)


class Pit(Floor):
    """A floor with `carl`, who has little, and everything that moves margin."""

    def __init__(self) -> None:
        super().__init__()
        self.carl: Account = self.accounts.open_sub_account("carl")
        self.carl.leverage[PERP] = 30
        for currency, amount in (("USDT", "300"), ("ZAR", "1000")):
            self.engine.ledger.deposit(self.carl.account_id, currency, Decimal(amount), self.now_ns)
        self.liquidator = Liquidator(self.engine, self.accounts, LISTING, IdSource(2))
        self.perpetuals = Perpetuals(self.engine, IdSource(3), 1, self.events.append)
        self.orders: list[Order] = []

    def act(self, step: Step) -> None:
        """One step; the venue may refuse it."""
        try:
            getattr(self, f"_{step[0]}")(*step[1:])
        except Refusal:
            return

    def _place(
        self, name: str, symbol: str, side: Side, size: int, price: int, kind: OrderType, is_special: bool
    ) -> None:
        pair = LISTING.pairs[symbol]
        quantity = str(Decimal(size).scaleb(-4))
        order = self.draft(
            getattr(self, name),
            side,
            quantity,
            "0" if kind is OrderType.MARKET else str(price),
            symbol=symbol,
            type=kind,
            tif=TimeInForce.IOC if kind is OrderType.MARKET else TimeInForce.GTC,
            reduce_only=is_special and pair.is_perpetual,
            allow_margin=is_special and not pair.is_perpetual,
        )
        self.orders.append(order)
        self.engine.submit(order, self.now_ns)

    def _cancel(self, index: int) -> None:
        if self.orders:
            self.engine.cancel(self.orders[index % len(self.orders)], self.now_ns)

    def _modify(self, index: int, size: int, price: int) -> None:
        if self.orders:
            order = self.orders[index % len(self.orders)]
            remaining = Decimal(size).scaleb(-order.pair.places)
            strategy = list(MatchStrategy)[size % 3]
            self.engine.modify(order, self.now_ns, price=Decimal(price), remaining=remaining, strategy=strategy)

    def _mark(self, price: int) -> None:
        self.engine.margin.mark_prices[PERP] = Decimal(price)
        self.liquidator.run(self.now_ns)

    def _hour(self, hour: int, is_pnl_run: bool) -> None:
        run = self.perpetuals.run_pnl if is_pnl_run else self.perpetuals.run_funding
        run(LISTING.pairs[PERP], hour * NS_PER_HOUR)

    def _transfer(self, source: str, target: str, currency: str, amount: int) -> None:
        sender, receiver = getattr(self, source).account_id, getattr(self, target).account_id
        self.engine.ledger.reserve(sender, currency, Decimal(amount), self.now_ns, may_borrow=False)
        self.engine.ledger.release(sender, currency, Decimal(amount), self.now_ns)
        self.engine.ledger.transfer(sender, receiver, currency, Decimal(amount), self.now_ns)
        self.engine.conclude(self.now_ns)


@settings(max_examples=40)
@given(runs)
def test_money_is_conserved_to_the_last_digit_after_every_step(steps: list[Step]) -> None:
    pit = Pit()
    for step in steps:
        pit.act(step)
        sums = pit.engine.ledger.sums()
        assert {code: sums.get(code, Decimal(0)) for code in pit.engine.ledger.deposits} == pit.engine.ledger.deposits


@settings(max_examples=40)
@given(runs)
def test_reservations_are_what_the_open_orders_need_and_nobody_borrows_unasked(steps: list[Step]) -> None:
    pit = Pit()
    for step in steps:
        pit.act(step)
    for account in pit.accounts:
        orders = pit.engine.open_orders(account.account_id)
        for currency, balance in pit.engine.ledger.balances(account.account_id).items():
            own = [one for one in orders if one.reserve_currency == currency and not one.pair.is_perpetual]
            assert balance.reserved == sum((one.cost_of(one.remaining) for one in own), Decimal(0))
            assert balance.available >= 0
            has_margin = any(one.allow_margin or one.pair.is_perpetual for one in pit.orders)
            assert balance.free >= 0 or has_margin


@settings(max_examples=40)
@given(runs)
def test_positions_cancel_out_and_the_clearing_house_holds_their_open_profit(steps: list[Step]) -> None:
    pit = Pit()
    for step in steps:
        pit.act(step)
    assert sum(position.side.sign * position.quantity for position in pit.engine.positions) == 0
    unrealised = sum((position.unrealised(Decimal(1003)) for position in pit.engine.positions), Decimal(0))
    assert unrealised == pit.engine.ledger.balance("clearing", "USDT").total


@settings(max_examples=40)
@given(runs)
def test_books_are_never_crossed_and_reduce_only_orders_never_exceed_their_position(steps: list[Step]) -> None:
    pit = Pit()
    for step in steps:
        pit.act(step)
        for symbol in SYMBOLS:
            book = pit.engine.books[symbol]
            bid, ask = book.best(Side.BUY), book.best(Side.SELL)
            assert bid is None or ask is None or bid < ask
        for account in pit.accounts:
            for order in pit.engine.open_orders(account.account_id):
                if order.reduce_only:
                    position = pit.engine.positions.get(account.account_id, order.pair.symbol)
                    assert position is not None
                    assert position.side is not order.side
                    assert order.remaining <= position.quantity


@settings(max_examples=40)
@given(runs, st.integers(700, 1300))
def test_a_liquidation_never_makes_a_position_larger(steps: list[Step], price: int) -> None:
    pit = Pit()
    for step in steps:
        pit.act(step)
    before = {one.account_id: one.quantity for one in pit.engine.positions}
    pit.act(("mark", price))
    in_liquidation = {account.account_id for account in pit.accounts if account.in_liquidation}
    after = {one.account_id: one.quantity for one in pit.engine.positions}
    assert all(after.get(one, Decimal(0)) <= before.get(one, Decimal(0)) for one in in_liquidation)
