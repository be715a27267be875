"""What holds whatever anybody does: money is conserved, books are never crossed, equal runs are equal."""

from decimal import Decimal
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.simulator.exchange.book_feed import BookFeed
from helios_nautilus.simulator.exchange.engine import MatchStrategy
from helios_nautilus.simulator.exchange.events import BookChanged
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Side, TimeInForce
from helios_nautilus.simulator.exchange.refusals import Refusal
from tests.unit.simulator.exchange.floor import LISTING, Floor

SYMBOLS = ("BTCZAR", "BTCUSDTPERP")

commands = st.lists(
    st.one_of(
        st.tuples(
            st.just("place"),
            st.sampled_from(["ann", "bob"]),
            st.sampled_from(SYMBOLS),
            st.sampled_from(list(Side)),
            st.integers(1, 30_000),
            st.integers(1000, 1010),
            st.sampled_from([OrderType.LIMIT, OrderType.POST_ONLY, OrderType.MARKET]),
            st.sampled_from(list(TimeInForce)),
        ),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
        st.tuples(st.just("modify"), st.integers(0, 50), st.integers(1, 30_000), st.sampled_from(list(MatchStrategy))),
    ),
    max_size=40,
)


def run(steps: list[tuple], floor: Floor) -> None:  # type: ignore[type-arg]
    orders: list[Order] = []
    for step in steps:
        try:
            if step[0] == "place":
                _, name, symbol, side, size, price, kind, tif = step
                places = LISTING.pairs[symbol].places
                quantity = Decimal(size).scaleb(-places)
                limit = "0" if kind is OrderType.MARKET else str(price)
                # Post-only orders rest: VALR refuses them with another time in force.
                tif = TimeInForce.GTC if kind is OrderType.POST_ONLY else tif
                account = getattr(floor, name)
                order = floor.draft(account, side, str(quantity), limit, symbol=symbol, type=kind, tif=tif)
                orders.append(order)
                floor.engine.submit(order, floor.now_ns)
            elif orders:
                order = orders[step[1] % len(orders)]
                if step[0] == "cancel":
                    floor.engine.cancel(order, floor.now_ns)
                else:
                    remaining = Decimal(step[2]).scaleb(-order.pair.places)
                    floor.engine.modify(order, floor.now_ns, remaining=remaining, strategy=step[3])
        except Refusal:
            continue


@settings(max_examples=80)
@given(commands)
def test_the_sum_of_all_balances_is_what_was_deposited(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    floor = Floor()
    run(steps, floor)
    sums = floor.engine.ledger.sums()
    assert {
        currency: sums.get(currency, 0) for currency in floor.engine.ledger.deposits
    } == floor.engine.ledger.deposits


@settings(max_examples=80)
@given(commands)
def test_spot_balances_never_go_below_zero_and_reservations_are_what_open_orders_need(
    steps: list[tuple],  # type: ignore[type-arg]
) -> None:
    floor = Floor()
    run([step for step in steps if step[0] != "place" or step[2] == "BTCZAR"], floor)
    for account in (floor.ann, floor.bob):
        orders = floor.engine.open_orders(account.account_id)
        for currency in ("ZAR", "BTC"):
            assert floor.free(account, currency) >= 0
            needed = sum(order.cost_of(order.remaining) for order in orders if order.reserve_currency == currency)
            assert floor.reserved(account, currency) == needed


@settings(max_examples=80)
@given(commands)
def test_the_book_is_never_crossed_and_levels_add_up(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    floor = Floor()
    run(steps, floor)
    for symbol in SYMBOLS:
        book = floor.engine.books[symbol]
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        assert bid is None or ask is None or bid < ask
        for side in Side:
            levels = list(book.levels(side))
            assert [level.price for level in levels] == sorted(
                (level.price for level in levels), reverse=side is Side.BUY
            )
            for level in levels:
                assert level.total == sum(order.remaining for order in level.orders.values()) > 0


@settings(max_examples=40)
@given(commands)
def test_perpetual_profits_and_losses_cancel_out(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    floor = Floor()
    run(steps, floor)
    mark = Decimal(1005)
    open_pnl = sum(position.unrealised(mark) for position in floor.engine.positions)
    assert open_pnl == floor.engine.ledger.balance("clearing", "USDT").total


@settings(max_examples=30)
@given(commands)
def test_equal_runs_give_equal_events(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    floors = Floor(), Floor()
    for floor in floors:
        run(steps, floor)
    first, second = ([repr(event) for event in floor.events] for floor in floors)
    assert first == second


@settings(max_examples=60)
@given(commands)
def test_applying_every_diff_rebuilds_the_book_and_its_checksum(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    floor = Floor()
    feed = BookFeed("BTCZAR", floor.engine.books["BTCZAR"], 0)
    sides: dict[str, dict[str, str]] = {"a": {}, "b": {}}
    sequences = [feed.price_sequence]

    def apply(frame: dict[str, object]) -> None:
        data = frame["d"]
        assert isinstance(data, dict)
        sequences.append(data["sq"])
        for name, levels in sides.items():
            for price, quantity in data[name]:
                levels.pop(price, None)
                if quantity != "0":
                    levels[price] = quantity
        assert data["cs"] == checksum_of(sides)

    for step in steps:
        seen = len(floor.events)
        run([step], floor)
        for event in floor.events[seen:]:
            if isinstance(event, BookChanged) and event.symbol == "BTCZAR":
                diff, _ = feed.apply(event, by_price=True, by_order=False)
                if diff is not None:
                    apply(diff)
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


def checksum_of(sides: dict[str, dict[str, str]]) -> int:
    """The documented rule, written again: best 25 of each side, bid first, as strings."""
    bids = sorted(sides["b"].items(), key=lambda level: -Decimal(level[0]))[:25]
    asks = sorted(sides["a"].items(), key=lambda level: Decimal(level[0]))[:25]
    parts = []
    for i in range(25):
        parts += [":".join(side[i]) for side in (bids, asks) if i < len(side)]
    return crc32(":".join(parts).encode())
