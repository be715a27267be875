"""Where, when and how an entry fills, on Nautilus's own simulated venue."""

from decimal import Decimal

import pytest
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.objects import Price, Quantity

from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import FillRecord, OrderRecord, PositionRecord, SignalRecord
from tests.fakes import BTC, ETH, SOL, Candle, Rig, at, flat, prediction, terms

M = 1_000_000.0
HALF_SPREAD = 0.0005
MAKER = ExitPlan(hold_mins=60, entry="maker", maker_wait_secs=180)


def entries(journal: MemoryJournal) -> list[FillRecord]:
    return [fill for fill in journal.of(FillRecord) if fill.role == "ENTRY"]


def states(journal: MemoryJournal, role: str = "ENTRY") -> list[str]:
    return [record.status for record in journal.of(OrderRecord) if record.role == role]


def gap(price: float, opens: float) -> list[Candle]:
    """Five minutes at a price, then ten at another; within the slippage bound if the gap is."""
    return flat(price, 5) + flat(opens, 10)


# Takers


def test_a_taker_fills_at_the_next_bars_open_half_a_spread_worse_and_never_at_the_close_it_decided_on() -> None:
    rig = Rig()
    rig.candles(gap(M, 1_000_800))
    rig.predict(prediction(BTC, minute=5, price=M))

    (fill,) = entries(rig.run())

    assert fill.price == 1_001_300  # 1 000 800 x 1.0005, to the rand
    assert at(5) + 250 * NS_PER_MS < fill.ts_ns < at(6)
    assert fill.liquidity == "TAKER"
    assert fill.commission_value == pytest.approx(Decimal("10013") * Decimal("0.0035"), abs=Decimal("0.1"))


def test_with_instruments_whose_bars_interleave_each_fills_at_its_own_next_open() -> None:
    rig = Rig(BTC, ETH, SOL, agreed=terms(notional=5_000))
    opens = {BTC: (M, 1_000_800.0), ETH: (50_000.0, 50_040.0), SOL: (2_000.0, 1_999.0)}
    for instrument_id, (close, following) in opens.items():
        rig.candles(gap(close, following), instrument_id)
        rig.predict(prediction(instrument_id, minute=5, price=close))

    fills = entries(rig.run())

    assert {fill.instrument_id: float(fill.price) for fill in fills} == {
        instrument_id.value: pytest.approx(following * (1 + HALF_SPREAD), abs=0.5)
        for instrument_id, (_, following) in opens.items()
    }
    assert all(at(5) < fill.ts_ns < at(6) for fill in fills)


@pytest.mark.parametrize(("opens", "fills"), [(1_001_400, 1), (1_001_600, 0)])
def test_a_market_that_opens_beyond_the_slippage_bound_leaves_a_taker_unfilled(opens: float, fills: int) -> None:
    rig = Rig(slippage_bound=0.002)
    rig.candles(gap(M, opens))
    rig.predict(prediction(BTC, minute=5, price=M))

    journal = rig.run()

    assert len(entries(journal)) == fills
    if not fills:
        assert states(journal) == ["SUBMITTED", "ACCEPTED", "CANCELED"]
        assert rig.working_orders == []
        assert not rig.strategy.has_bet(BTC)


def test_without_a_next_bar_a_taker_still_pays_half_a_spread_on_the_last_close() -> None:
    rig = Rig(BTC, ETH)
    path = [(M, M + 900, M, M + 900)] * 5 + flat(1_500_000, 10)
    rig.candles(path, missing=[6, 7])
    rig.candles(flat(50_000.0, 15), ETH)
    rig.predict(prediction(BTC, minute=5, price=M + 900))

    (fill,) = entries(rig.run())

    assert fill.price == round((M + 900) * (1 + HALF_SPREAD))


def test_an_order_larger_than_the_book_leaves_stop_and_target_for_exactly_what_is_held() -> None:
    rig = Rig(agreed=terms(notional=20_000))
    rig.candles(flat(M, 15), volume=0.015)
    rig.predict(prediction(BTC, minute=5, price=M))

    journal = rig.run()

    assert [fill.quantity for fill in entries(journal)] == [Decimal("0.015")]
    guard = {order.tags[1]: (order.quantity, order.is_reduce_only) for order in rig.working_orders}
    assert guard == {"STOP": (Decimal("0.015"), True), "TARGET": (Decimal("0.015"), True)}


def test_what_was_filled_in_part_is_stopped_in_whole() -> None:
    rig = Rig(agreed=terms(notional=20_000, stop=0.02))
    rig.candles([*flat(M, 7), (M, M, 970_000.0, 975_000.0), *flat(975_000, 5)], volume=0.015)
    rig.predict(prediction(BTC, minute=5, price=M))

    journal = rig.run()

    (position,) = journal.of(PositionRecord)
    assert (position.quantity, position.close_reason) == (Decimal("0.015"), "STOP_LOSS")
    assert rig.balance("BTC") == 0
    assert rig.working_orders == []


def test_an_entry_the_venue_rejects_leaves_nothing_behind_and_the_next_one_is_free() -> None:
    rig = Rig(plan=MAKER)
    # The market opens below the maker's price: a post-only order would have taken.
    rig.candles(flat(M, 5) + flat(998_000, 5) + flat(999_000, 10))
    rig.predict(prediction(BTC, minute=5, price=M))
    rig.predict(prediction(BTC, minute=10, price=998_000.0))

    journal = rig.run()

    assert states(journal)[:2] == ["SUBMITTED", "REJECTED"]
    assert [signal.reason for signal in journal.of(SignalRecord)] == ["directional", "directional"]
    assert states(journal).count("REJECTED") == 1


def test_an_entry_the_account_cannot_pay_is_denied_and_leaves_nothing_behind() -> None:
    rig = Rig(agreed=terms(notional=20_000), balance=10_000)
    rig.candles(flat(M, 15))
    rig.predict(prediction(BTC, minute=5, price=M))

    journal = rig.run()

    assert states(journal) == ["DENIED"]
    assert rig.working_orders == []
    assert not rig.strategy.has_bet(BTC)


# Makers


def test_a_maker_waits_at_its_price_and_pays_a_makers_fee() -> None:
    rig = Rig(plan=MAKER)
    rig.candles([*flat(M, 6), (M, M, 999_000.0, 999_500.0), *flat(999_500, 5)])
    rig.predict(prediction(BTC, minute=5, price=M - 500))

    (fill,) = entries(rig.run())

    assert (fill.price, fill.liquidity, fill.ts_ns) == (999_500, "MAKER", at(7))
    assert fill.commission_value == pytest.approx(Decimal("9995") * Decimal("0.0018"), abs=Decimal("0.1"))


def test_a_maker_that_is_not_reached_is_given_up_after_its_time() -> None:
    rig = Rig(plan=MAKER)
    rig.candles(flat(M, 20))
    rig.predict(prediction(BTC, minute=5, price=M - 2_000))

    journal = rig.run()

    assert entries(journal) == []
    given_up = [record for record in journal.of(OrderRecord) if record.role == "ENTRY"][-1]
    assert given_up.status in ("CANCELED", "EXPIRED")
    assert at(8) <= given_up.ts_ns <= at(8) + 5 * NS_PER_SEC
    assert not rig.strategy.has_bet(BTC)


def test_a_maker_follows_the_market_up_to_the_slippage_bound_and_fills_at_the_re_quoted_price() -> None:
    rig = Rig(plan=MAKER, slippage_bound=0.002)
    rig.candles(
        [
            *flat(M, 5),
            (1_001_000.0, 1_001_000.0, 1_001_000.0, 1_001_000.0),  # opens at bid 1 000 500
            (1_009_000.0, 1_009_000.0, 1_009_000.0, 1_009_000.0),  # bid 1 008 496: too far
            (1_009_000.0, 1_009_000.0, 1_001_500.0, 1_001_500.0),  # comes back through 1 002 000
            *flat(1_001_500, 5),
        ]
    )
    rig.predict(prediction(BTC, minute=5, price=M))

    journal = rig.run()

    moves = [
        record.price for record in journal.of(OrderRecord) if record.status == "UPDATED" and record.role == "ENTRY"
    ]
    assert moves == [1_000_500, 1_002_000]
    (fill,) = entries(journal)
    assert (fill.price, fill.liquidity) == (1_002_000, "MAKER")


def test_a_maker_that_trades_in_part_keeps_a_stop_for_it_when_the_rest_is_given_up() -> None:
    rig = Rig(plan=MAKER, agreed=terms(notional=20_000))
    rig.candles(flat(M, 20))
    rig.predict(prediction(BTC, minute=5, price=999_500.0))
    rig.add([sale(BTC, at(6) + NS_PER_SEC, "999500", "0.004")])

    journal = rig.run()

    assert [fill.quantity for fill in entries(journal)] == [Decimal("0.004")]
    guard = {order.tags[1]: order.quantity for order in rig.working_orders}
    assert guard == {"STOP": Decimal("0.004"), "TARGET": Decimal("0.004")}


def sale(instrument_id: InstrumentId, ts_ns: int, price: str, size: str) -> TradeTick:
    """Somebody sells into the bids."""
    amounts = Price.from_str(price), Quantity.from_str(f"{Decimal(size):.8f}")
    return TradeTick(instrument_id, *amounts, AggressorSide.SELLER, TradeId(str(ts_ns)), ts_ns, ts_ns)
