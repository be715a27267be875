"""A kill at any moment: afterwards what is held has a stop or is on its way out, and every fill is told once."""

from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.orders import Order

from helios_nautilus.domain.plan import CloseReason
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.journal.bet_store import MemoryBetStore
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import FillRecord, OrderRole, PositionRecord
from tests.fakes import BTC, Kit, Tiers, proposal
from tests.unit.strategies.restart import next_run, recovering
from tests.unit.strategies.test_tiered_invariants import PLAN, World, histories


class Mortal(World):
    """A world whose process can be killed: stops and targets were emulated in it, the rest is the venue's."""

    def __init__(self) -> None:
        self.store = MemoryBetStore()
        self.journal = MemoryJournal()
        self.dead: list[Kit] = []
        self.roles: dict[str, OrderRole] = {}
        self.kit = Kit(BTC)
        self.strategy = recovering(self.kit, self.journal, self.store, plan=PLAN)
        Tiers(self.kit.msgbus)
        self.strategy.propose(proposal(BTC))

    def role(self, order: Order) -> str:
        return order.tags[1] if order.tags else self.roles[order.client_order_id.value]

    def kill(self, minutes: int) -> None:
        """Another process starts after so many minutes; whether it heard of an order that was sent is the venue's."""
        for bet in self.store.load():
            self.roles |= bet.roles
        self.dead.append(self.kit)
        later_ns = self.kit.clock.timestamp_ns() + minutes * NS_PER_MIN
        self.kit = next_run(self.kit, later_ns, emulated=("STOP", "TARGET"))
        self.strategy = recovering(self.kit, self.journal, self.store, plan=PLAN)

    def behave(self) -> None:
        for order in self.living:
            if order.status == OrderStatus.SUBMITTED and self.role(order) == "ENTRY":
                self.kit.venue.reject(order, "it never arrived")
        super().behave()

    @property
    def trades(self) -> list[str]:
        """Ids of the fills that the venue has told of, in this life and the ones before."""
        kits = [*self.dead, self.kit]
        return sorted({trade.value for kit in kits for order in kit.cache.orders() for trade in order.trade_ids})


@settings(max_examples=50)
@given(histories, st.integers(1, 90), histories)
def test_whenever_a_process_is_killed_the_next_one_leaves_nothing_alone_and_every_bet_ends(
    before: list[tuple[str, int]], minutes: int, after: list[tuple[str, int]]
) -> None:
    world = Mortal()
    for act, which in before:
        world.happen(act, which)
    world.kill(minutes)
    assert world.is_guarded
    assert world.strategy.unguarded() == []
    for act, which in after:
        world.happen(act, which)
        assert world.held >= 0, "an exit sold more than was held"
        assert world.is_guarded

    world.strategy.leave(BTC, CloseReason.MANUAL)
    for _ in range(6):
        world.behave()

    assert world.held == 0
    assert world.living == []
    assert not world.strategy.has_bet(BTC)
    assert world.store.load() == ()
    assert sorted(fill.trade_id for fill in world.journal.of(FillRecord)) == world.trades
    assert bool(world.journal.of(PositionRecord)) == bool(world.trades)
