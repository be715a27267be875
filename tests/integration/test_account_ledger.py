"""The ledger says of any fills what the engine's own account says."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.config import LoggingConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.objects import Money
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.domain.portfolio.ledger import AccountKind, Execution, Ledger, settle_all
from helios_nautilus.node.paper_account import pairs_of
from tests.fakes import BTC, ETH, at

INSTRUMENTS = {each.value: build_instrument(each.value) for each in (BTC, ETH)}
TICKS = {BTC: Decimal(1), ETH: Decimal(1)}
START = Decimal(1_000_000)

type Deal = tuple[int, bool, int, int]
"""Which instrument, whether to buy, how many lots, at how many ticks."""

deals = st.lists(
    st.tuples(st.integers(0, 1), st.booleans(), st.integers(10_000, 900_000), st.integers(900_000, 1_100_000)),
    min_size=1,
    max_size=12,
)


class Dealer(Strategy):
    """Buys and sells at market, a deal a quote, and keeps the fills; on a cash account it sells what it has."""

    def __init__(self, script: list[Deal], kind: AccountKind) -> None:
        super().__init__()
        self._script = iter(script)
        self._kind = kind
        self.fills: list[OrderFilled] = []

    def on_start(self) -> None:
        for instrument_id in (BTC, ETH):
            self.subscribe_quote_ticks(instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        _, is_buy, lots, _ = next(self._script)
        quantity = self.cache.instrument(tick.instrument_id).make_qty(lots * Decimal("0.00000001"))
        if self._kind == "cash" and not is_buy:
            held = self.portfolio.net_position(tick.instrument_id)
            if held < quantity.as_decimal():
                return
        side = OrderSide.BUY if is_buy else OrderSide.SELL
        self.submit_order(self.order_factory.market(tick.instrument_id, side, quantity))

    def on_order_filled(self, event: OrderFilled) -> None:
        self.fills.append(event)


def traded(script: list[Deal], kind: AccountKind) -> tuple[BacktestEngine, list[OrderFilled]]:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    bases = [Money(0, each.base_currency) for each in INSTRUMENTS.values()] if kind == "cash" else []
    quote = INSTRUMENTS[BTC.value].quote_currency
    engine.add_venue(BTC.venue, OmsType.NETTING, AccountType[kind.upper()], [Money(START, quote), *bases])
    quotes = []
    for minute, (which, _, _, ticks) in enumerate(script):
        instrument = INSTRUMENTS[(BTC, ETH)[which].value]
        price, size = instrument.make_price(ticks), instrument.make_qty(10)
        quotes.append(QuoteTick(instrument.id, price, price, size, size, at(minute), at(minute)))
    for instrument in INSTRUMENTS.values():
        engine.add_instrument(instrument)
    engine.add_data(quotes)
    dealer = Dealer(script, kind)
    engine.add_strategy(dealer)
    engine.run()
    return engine, dealer.fills


def execution(fill: OrderFilled) -> Execution:
    return Execution(
        ts_ns=fill.ts_event,
        instrument_id=fill.instrument_id.value,
        side="BUY" if fill.is_buy else "SELL",
        quantity=fill.last_qty.as_decimal(),
        price=fill.last_px.as_decimal(),
        commission=fill.commission.as_decimal(),
        commission_currency=fill.commission.currency.code,
    )


@pytest.mark.parametrize("kind", ["cash", "margin"])
@settings(max_examples=25)
@given(script=deals)
def test_fills_leave_the_balances_and_positions_that_the_engine_has(kind: AccountKind, script: list[Deal]) -> None:
    engine, fills = traded(script, kind)
    try:
        opening = Ledger(kind=kind, balances={"ZAR": START}, lots={})
        ledger = settle_all(opening, map(execution, fills), pairs_of(INSTRUMENTS))
        assert nonzero(ledger.balances) == nonzero(balances(engine))
        held: dict[str, Any] = {
            each.instrument_id.value: (each.signed_decimal_qty(), pytest.approx(each.avg_px_open, rel=1e-12))
            for each in engine.cache.positions_open()
        }
        assert {name: (lot.quantity, float(lot.entry_price)) for name, lot in ledger.lots.items()} == held
    finally:
        engine.dispose()


def balances(engine: BacktestEngine) -> dict[str, Decimal]:
    account = engine.cache.account_for_venue(BTC.venue)
    return {currency.code: money.as_decimal() for currency, money in account.balances_total().items()}


def nonzero(amounts: Any) -> dict[str, Decimal]:
    return {currency: amount for currency, amount in amounts.items() if amount}
