"""Whatever a venue does, and in whatever order: what is held has a stop or is on its way out, and every bet ends."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.orders import Order

from helios_nautilus.domain.plan import CloseReason, ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import PositionRecord
from helios_nautilus.messages import TOPIC_KILL_SWITCH, KillSwitchChanged
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig
from tests.fakes import BTC, START_NS, Kit, Tiers, proposal

PLAN = ExitPlan(hold_mins=60, entry="maker")

acts = st.sampled_from(["accept", "fill", "fill a part", "cancel", "reject", "wait", "leave", "reduce only", "halt"])
histories = st.lists(st.tuples(acts, st.integers(0, 9)), min_size=3, max_size=25)


class World:
    """A bet that was sent, and a venue without manners: it does what its rules allow, not what it was asked for."""

    def __init__(self) -> None:
        self.kit = Kit(BTC)
        self.journal = MemoryJournal()
        self.strategy = self.kit.start(
            TieredStrategy(TieredStrategyConfig(instrument_ids=(BTC,), plan=PLAN), self.journal)
        )
        Tiers(self.kit.msgbus)
        self.strategy.propose(proposal(BTC))

    @property
    def held(self) -> Decimal:
        return sum((position.signed_decimal_qty() for position in self.kit.cache.positions_open()), Decimal(0))

    @property
    def living(self) -> list[Order]:
        return [order for order in self.kit.all_orders() if not order.is_closed]

    def role(self, order: Order) -> str:
        """What an order is for."""
        return str(order.tags[1])

    def happen(self, act: str, which: int) -> None:
        match act:
            case "wait":
                self.kit.advance_to(self.kit.clock.timestamp_ns() + 10 * NS_PER_MIN)
            case "leave":
                self.strategy.leave(BTC, CloseReason.MANUAL)
            case "reduce only" | "halt":
                change = KillSwitchChanged(ts_ns=START_NS, entries_allowed=False, flatten=act == "halt", words="a test")
                self.kit.msgbus.publish(TOPIC_KILL_SWITCH, change)
            case _ if self.living:
                self.answer(act, self.living[which % len(self.living)])

    def answer(self, act: str, order: Order) -> None:
        """What the venue does to an order, if its rules allow it."""
        is_entry, is_new = self.role(order) == "ENTRY", order.status == OrderStatus.SUBMITTED
        is_released = is_entry or self.held > 0
        if act == "accept" and is_new and is_released:
            self.kit.venue.accept(order)
        elif act == "reject" and is_new:
            self.kit.venue.reject(order)
        elif act == "cancel" and not is_new:
            self.kit.venue.cancel(order)
        elif act in ("fill", "fill a part") and is_released:
            most = order.leaves_qty.as_decimal() if is_entry else min(order.leaves_qty.as_decimal(), self.held)
            part = most if act == "fill" else (most / 2).quantize(Decimal("1e-8"))
            if part > 0:
                self.kit.venue.fill(order, 1_000_000, f"{part:.8f}")

    def behave(self) -> None:
        """The venue does what it was asked for, and time passes."""
        for order in self.living:
            if order.is_pending_cancel:
                self.kit.venue.cancel(order)
            elif self.role(order) == "EXIT":
                self.answer("fill", order)
        self.kit.advance_to(self.kit.clock.timestamp_ns() + 2 * NS_PER_MIN)

    @property
    def has_tried(self) -> bool:
        """An exit was sent."""
        return any(self.role(order) == "EXIT" for order in self.kit.all_orders())

    @property
    def is_guarded(self) -> bool:
        """Stops for all that is held, or an exit; or the venue took none, and the strategy is about to send another."""
        guard = sum((o.leaves_qty.as_decimal() for o in self.living if self.role(o) == "STOP"), Decimal(0))
        is_leaving = any(self.role(order) == "EXIT" for order in self.living)
        is_asking = any(name.startswith("HELIOS-CHECK") for name in self.kit.clock.timer_names)
        return guard >= self.held or is_leaving or (is_asking and self.has_tried)


@settings(max_examples=150)
@given(histories)
def test_what_is_held_is_never_left_alone_and_every_bet_ends(history: list[tuple[str, int]]) -> None:
    world = World()
    for act, which in history:
        world.happen(act, which)
        assert world.held >= 0, "an exit sold more than was held"
        assert world.is_guarded

    world.strategy.leave(BTC, CloseReason.MANUAL)
    for _ in range(6):
        world.behave()

    assert world.held == 0
    assert world.living == []
    assert not world.strategy.has_bet(BTC)
    bought = any(order.filled_qty > 0 for order in world.kit.orders("ENTRY"))
    assert bool(world.journal.of(PositionRecord)) == bought
