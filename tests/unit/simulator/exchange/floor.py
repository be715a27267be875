"""An exchange without I/O for unit tests: empty books, funded accounts, orders in one line."""

from decimal import Decimal

from helios_nautilus.simulator.exchange.accounts import Account, Accounts
from helios_nautilus.simulator.exchange.engine import Engine
from helios_nautilus.simulator.exchange.events import Event
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.listing import load_listing
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Side, TimeInForce
from helios_nautilus.simulator.exchange.refusals import Refusal

LISTING = load_listing()
BUY, SELL = Side.BUY, Side.SELL
DEPOSITS = {"ZAR": "10000000", "BTC": "10", "USDT": "1000000"}


class Floor:
    """An engine, two sub-accounts (`ann`, `bob`) and the events so far."""

    def __init__(self) -> None:
        self.accounts = Accounts()
        self.events: list[Event] = []
        self.engine = Engine(LISTING, self.accounts, IdSource(1), self.events.append)
        self.now_ns = 1_000_000_000
        self.ann, self.bob = (self._open(name) for name in ("ann", "bob"))

    def _open(self, name: str) -> Account:
        account = self.accounts.open_sub_account(name)
        for currency, amount in DEPOSITS.items():
            self.engine.ledger.deposit(account.account_id, currency, Decimal(amount), self.now_ns)
        return account

    def draft(
        self,
        account: Account,
        side: Side,
        quantity: str,
        price: str = "0",
        *,
        symbol: str = "BTCZAR",
        type: OrderType = OrderType.LIMIT,
        tif: TimeInForce = TimeInForce.GTC,
        **more: object,
    ) -> Order:
        self.now_ns += 1_000_000
        return Order(
            order_id=f"order-{self.now_ns}",
            account_id=account.account_id,
            pair=LISTING.pairs[symbol],
            side=side,
            type=type,
            time_in_force=tif,
            quantity=Decimal(quantity),
            price=Decimal(price),
            created_ns=self.now_ns,
            **more,  # type: ignore[arg-type]
        )

    def place(self, account: Account, side: Side, quantity: str, price: str = "0", **more: object) -> Order:
        return self.send(self.draft(account, side, quantity, price, **more))[0]  # type: ignore[arg-type]

    def send(self, order: Order) -> tuple[Order, Refusal | None]:
        return order, self.engine.submit(order, self.now_ns)

    def free(self, account: Account, currency: str) -> Decimal:
        return self.engine.ledger.balance(account.account_id, currency).free

    def reserved(self, account: Account, currency: str) -> Decimal:
        return self.engine.ledger.balance(account.account_id, currency).reserved

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]
