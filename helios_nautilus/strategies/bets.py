"""The bets of a strategy: one an instrument at most, found by instrument or by order, and kept in a store.

A bet begins as a dossier that became orders, or as what an earlier run left.
"""

from collections.abc import Iterator
from decimal import Decimal

from nautilus_trader.model.events import OrderInitialized
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.orders import Order

from helios_nautilus.domain.kept_bets import KeptBet, take_up
from helios_nautilus.domain.lifecycle import Lifecycle
from helios_nautilus.journal.bet_store import BetStore, MoneyRecord
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import OrderRole
from helios_nautilus.strategies import audit


class Bet:
    """A life and its orders. ``roles`` are all orders it ever had, ``stop`` and ``target`` the ones that count.

    They are None as long as a bet of an earlier run has no guard of this one.
    """

    def __init__(self, decision_id: str, instrument_id: InstrumentId, decided_ns: int, life: Lifecycle) -> None:
        self.decision_id = decision_id
        self.instrument_id = instrument_id
        self.decided_ns = decided_ns
        self.life = life
        self.roles: dict[ClientOrderId, OrderRole] = {}
        self.entry: ClientOrderId | None = None
        self.stop: ClientOrderId | None = None
        self.target: ClientOrderId | None = None
        self.exits: list[ClientOrderId] = []
        self.in_doubt: list[Order] = []
        self.refused_exits = 0
        self.is_rearmed = False
        self.is_closed = False
        self.trades: list[str] = []
        self.costs = Decimal(0)
        self.extreme: float | None = None

    def take(self, order: Order) -> None:
        """One more order, as its tags say; a stop or a target takes the place of the one before."""
        order_id, role = order.client_order_id, audit.origin_of(order).role
        self.roles[order_id] = role
        match role:
            case "STOP":
                self.stop = order_id
            case "TARGET":
                self.target = order_id
            case "EXIT":
                self.exits.append(order_id)
            case "ENTRY":
                self.entry = order_id
        if role in ("ENTRY", "EXIT"):
            self.in_doubt.append(order)

    def count(self, trade_id: str, commission: Decimal) -> None:
        """Note a fill that goes to the journal, and what it cost in the account currency."""
        self.trades.append(trade_id)
        self.costs += commission


class Bets:
    """The bets under way. What ``store`` is told at every change is all that outlives the process."""

    def __init__(self, store: BetStore | None) -> None:
        self._store = store
        self._by_instrument: dict[InstrumentId, Bet] = {}
        self._by_order: dict[ClientOrderId, Bet] = {}
        self._trouble = ""

    def __iter__(self) -> Iterator[Bet]:
        return iter(list(self._by_instrument.values()))

    def __len__(self) -> int:
        return len(self._by_instrument)

    def on(self, instrument_id: InstrumentId) -> Bet | None:
        """The bet on an instrument."""
        return self._by_instrument.get(instrument_id)

    def of(self, order_id: ClientOrderId) -> Bet | None:
        """The bet that an order belongs to."""
        return self._by_order.get(order_id)

    def has(self, bet: Bet) -> bool:
        """Whether the bet is still under way: an alert may come after its end."""
        return self._by_instrument.get(bet.instrument_id) is bet

    def origin(self, order: Order) -> audit.Origin:
        """Where an order comes from: reconciliation brings them back without tags, so its bet is asked first."""
        bet = self._by_order.get(order.client_order_id)
        return (
            audit.origin_of(order) if bet is None else audit.Origin(bet.decision_id, bet.roles[order.client_order_id])
        )

    def add(self, bet: Bet) -> None:
        """Begin with a bet and the orders it has."""
        self._by_instrument[bet.instrument_id] = bet
        self._by_order.update(dict.fromkeys(bet.roles, bet))

    def give(self, bet: Bet, order: Order) -> None:
        """Add an order to a bet; kept before it is sent, so that it is known whatever happens then."""
        bet.take(order)
        self._by_order[order.client_order_id] = bet
        self.keep()

    def remove(self, bet: Bet) -> None:
        """Forget a bet and its orders."""
        del self._by_instrument[bet.instrument_id]
        for order_id in bet.roles:
            del self._by_order[order_id]

    def clear(self) -> None:
        """Forget everything; the store does not."""
        self._by_instrument.clear()
        self._by_order.clear()

    # The store

    def record(self, record: MoneyRecord, journal: Journal) -> None:
        """Keep what has become of a bet, then journal it: the other way about a kill between them could lose it."""
        self.keep(record)
        journal.append(record)

    def keep(self, record: MoneyRecord | None = None) -> bool:
        """Store all bets as they are, and a ``record``; False if that failed: all that is under way goes on."""
        if self._store is None:
            return True
        try:
            self._store.save(map(_kept, self._by_instrument.values()), record)
        except OSError as error:
            self._trouble = f"a kill would lose the open bets: {error}"
        else:
            self._trouble = ""
        return not self._trouble

    def trouble(self) -> str:
        """Why the bets are not kept, after another try; empty if they are."""
        if self._trouble:
            self.keep()
        return self._trouble

    def left(self) -> tuple[KeptBet, ...]:
        """What an earlier run left, and is not under way."""
        kept = () if self._store is None else self._store.load()
        return tuple(each for each in kept if InstrumentId.from_str(each.instrument_id) not in self._by_instrument)


def resumed(kept: KeptBet) -> Bet:
    """A bet of an earlier run, without a guard: what watched over it ended with its process."""
    bet = Bet(kept.decision_id, InstrumentId.from_str(kept.instrument_id), kept.decided_ns, take_up(kept))
    bet.roles = {ClientOrderId(name): role for name, role in kept.roles.items()}
    bet.entry = next((order_id for order_id, role in bet.roles.items() if role == "ENTRY"), None)
    bet.exits = [order_id for order_id, role in bet.roles.items() if role == "EXIT"]
    bet.is_rearmed, bet.is_closed = True, kept.is_closed
    bet.trades, bet.costs, bet.extreme = list(kept.trades), kept.costs, kept.extreme
    return bet


def _kept(bet: Bet) -> KeptBet:
    life = bet.life
    return KeptBet(
        decision_id=bet.decision_id,
        instrument_id=bet.instrument_id.value,
        decided_ns=bet.decided_ns,
        side=life.side,
        reference=life.reference,
        stop_price=life.stop_price,
        target_price=life.target_price,
        hold_ns=life.hold_ns,
        phase=life.phase,
        opened_ns=life.opened_ns,
        exit_reason=life.exit_reason,
        is_closed=bet.is_closed,
        extreme=bet.extreme,
        costs=bet.costs,
        trades=tuple(bet.trades),
        roles={order_id.value: role for order_id, role in bet.roles.items()},
        in_doubt=tuple(OrderInitialized.to_dict(order.init_event) for order in bet.in_doubt if not order.is_closed),
    )
