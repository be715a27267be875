"""A strategy that does what it is told, command by command, and tells everything it sees; see `tests.venue.process`."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pandas as pd
from nautilus_trader.config import (
    StrategyConfig,
)
from nautilus_trader.core.data import Data
from nautilus_trader.core.message import Event
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import BookType, OrderSide, OrderType, TimeInForce, TriggerType
from nautilus_trader.model.events import OrderInitialized
from nautilus_trader.model.identifiers import ClientId, ClientOrderId, InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order, OrderList, OrderUnpacker
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.adapters.valr import (
    VALR,
)
from tests.venue.shown import show_node
from tests.venue.told import Command

type Tell = Callable[[dict[str, Any]], None]


class Puppet(Strategy):  # type: ignore[misc]
    """Does nothing by itself. Prices and sizes come as text and are made exact here; orders are named by the teller."""

    def __init__(
        self,
        tell: Tell,
        claims: list[InstrumentId],
        *,
        at_start: tuple[Command, ...] = (),
        at_stop: tuple[Command, ...] = (),
    ) -> None:
        super().__init__(
            StrategyConfig(
                strategy_id="PUPPET", order_id_tag="001", external_order_claims=claims, manage_contingent_orders=True
            )
        )
        self._tell = tell
        self._followed: dict[tuple[str, str], dict[str, Any]] = {}
        self._at_start = at_start
        self._at_stop = at_stop

    def on_start(self) -> None:
        self._tell({"kind": "Started"})
        for command in self._at_start:
            self.obey(command)

    def on_stop(self) -> None:
        for command in self._at_stop:
            self.obey(command)
        for (what, instrument), params in self._followed.items():
            self._follow("unsubscribe", what, instrument, params)
        self._tell({"kind": "Stopped"})

    def on_event(self, event: Event) -> None:
        self._tell({"kind": type(event).__name__, **type(event).to_dict(event)})

    def on_data_of_any_kind(self, data: Data) -> None:
        """Whatever was subscribed or requested."""
        kind = type(data)
        self._tell({"kind": kind.__name__, **_as_dict(data)})

    on_quote_tick = on_trade_tick = on_bar = on_mark_price = on_index_price = on_funding_rate = on_data_of_any_kind
    on_instrument = on_instrument_status = on_instrument_close = on_order_book_depth = on_data_of_any_kind
    on_order_book_deltas = on_data_of_any_kind

    def on_order_book(self, order_book: Any) -> None:
        self._tell(
            {"kind": "OrderBook", "bid": str(order_book.best_bid_price()), "ask": str(order_book.best_ask_price())}
        )

    def on_historical_data(self, data: Any) -> None:
        for each in data if isinstance(data, list) else [data]:
            self._tell({"kind": f"Past{type(each).__name__}", **_as_dict(each)})

    def obey(self, command: Command) -> None:
        """Do what it is told; a failure there is told like anything else."""
        try:
            getattr(self, command.do)(**command.args)
        except Exception as error:  # noqa: BLE001 the test has to see whatever went wrong over here
            self._tell({"kind": "Failed", "do": command.do, "error": f"{type(error).__name__}: {error}"})

    # -- What it can be told ----------------------------------------------------------------------------------------

    def submit(self, *, params: dict[str, Any] | None = None, **spec: Any) -> None:
        """One order; see `_make`."""
        self.submit_order(self._make(spec), params=params)

    def submit_list(self, orders: list[dict[str, Any]]) -> None:
        """Independent orders as one list."""
        self.submit_order_list(self.order_factory.create_list([self._make(spec) for spec in orders]))

    def submit_bracket(
        self,
        *,
        instrument: str,
        side: str,
        size: str,
        entry_id: str,
        stop_id: str,
        target_id: str,
        stop: str,
        target: str,
        entry_price: str | None = None,
        post_only: bool = False,
        is_emulated: bool = True,
    ) -> None:
        """Entry with stop and target: the venue has the entry, the engine emulates the other two once it fills."""
        made = self._instrument(instrument)
        orders = self.order_factory.bracket(
            instrument_id=made.id,
            order_side=OrderSide[side],
            quantity=made.make_qty(Decimal(size)),
            entry_order_type=OrderType.MARKET if entry_price is None else OrderType.LIMIT,
            entry_price=None if entry_price is None else made.make_price(Decimal(entry_price)),
            entry_post_only=post_only,
            entry_client_order_id=ClientOrderId(entry_id),
            sl_trigger_price=made.make_price(Decimal(stop)),
            sl_client_order_id=ClientOrderId(stop_id),
            tp_order_type=OrderType.LIMIT,
            tp_price=made.make_price(Decimal(target)),
            tp_post_only=False,
            tp_client_order_id=ClientOrderId(target_id),
            emulation_trigger=TriggerType.BID_ASK if is_emulated else TriggerType.NO_TRIGGER,
        )
        entry, *children = orders.orders
        self.submit_order_list(OrderList(orders.id, [_as_native(entry), *children]))

    def modify(self, order: str, **changes: str) -> None:
        """Change ``price``, ``trigger`` or ``size`` of an order."""
        found = self._order(order)
        instrument = self.cache.instrument(found.instrument_id)
        self.modify_order(
            found,
            price=_price(instrument, changes.get("price")),
            trigger_price=_price(instrument, changes.get("trigger")),
            quantity=None if "size" not in changes else instrument.make_qty(Decimal(changes["size"])),
        )

    def cancel(self, orders: list[str], *, as_batch: bool = False) -> None:
        """Cancel orders, one by one or at once."""
        found = [self._order(name) for name in orders]
        if as_batch:
            self.cancel_orders(found)
        else:
            for order in found:
                self.cancel_order(order)

    def cancel_all(self, instrument: str, side: str = "NO_ORDER_SIDE") -> None:
        """Cancel all of its own orders."""
        self.cancel_all_orders(InstrumentId.from_str(instrument), OrderSide[side])

    def close(self, instrument: str, *, reduce_only: bool = False) -> None:
        """Close all positions in an instrument at the market."""
        self.close_all_positions(
            InstrumentId.from_str(instrument), reduce_only=reduce_only, time_in_force=TimeInForce.IOC
        )

    def query(self, order: str) -> None:
        """Ask the venue for an order's state."""
        self.query_order(self._order(order))

    def query_funds(self) -> None:
        """Ask the venue for the account's state."""
        self.query_account(self.portfolio.account(self._venue).id)

    def subscribe(self, what: str, instrument: str, **params: Any) -> None:
        """Subscribe to ``quotes``, ``trades``, ``bars``, ``deltas``, ``depth``, ``book``, ... until the node stops."""
        self._followed[what, instrument] = params
        self._follow("subscribe", what, instrument, params)

    def unsubscribe(self, what: str, instrument: str, **params: Any) -> None:
        """The contrary."""
        self._followed.pop((what, instrument), None)
        self._follow("unsubscribe", what, instrument, params)

    def request(
        self, what: str, instrument: str, start: str | None = None, end: str | None = None, **params: Any
    ) -> None:
        """Ask for ``instrument``, ``instruments``, ``trades``, ``quotes``, ``bars``, ``snapshot`` or ``funding``.

        The answer's data come as ``Past...``, then a line of kind ``Answered``.
        """
        instrument_id = InstrumentId.from_str(instrument)
        times = {name: pd.Timestamp(text) for name, text in (("start", start), ("end", end)) if text is not None}
        asked: dict[str, Any] = {
            "client_id": ClientId(VALR),
            "callback": lambda request_id: self._tell({"kind": "Answered", "what": what, "id": str(request_id)}),
        }
        if params:
            asked["params"] = params
        match what:
            case "instrument":
                self.request_instrument(instrument_id, **asked)
            case "instruments":
                self.request_instruments(instrument_id.venue, **asked)
            case "trades":
                self.request_trade_ticks(instrument_id, **times, **asked)
            case "quotes":
                self.request_quote_ticks(instrument_id, **times, **asked)
            case "bars":
                self.request_bars(_minutes(instrument_id, params), **times, **asked)
            case "snapshot":
                self.request_order_book_snapshot(instrument_id, limit=0, **asked)
            case "funding":
                self.request_funding_rates(instrument_id, **times, **asked)
            case _:
                raise ValueError(what)

    def show(self, number: int) -> None:
        """Tell everything the node holds to be true, as the answer to question ``number``."""
        self._tell(
            {"kind": "Snapshot", "number": number, "shown": msgspec.to_builtins(show_node(self.cache, self._venue))}
        )

    # -- Inside -------------------------------------------------------------------------------------------------------

    def _follow(self, verb: str, what: str, instrument: str, params: dict[str, Any]) -> None:
        instrument_id = InstrumentId.from_str(instrument)
        params = dict(params)
        asked: dict[str, Any] = {"client_id": ClientId(VALR)}
        if params:
            asked["params"] = params
        plain = {
            "quotes": "quote_ticks",
            "trades": "trade_ticks",
            "deltas": "order_book_deltas",
            "depth": "order_book_depth",
            "marks": "mark_prices",
            "indexes": "index_prices",
            "funding": "funding_rates",
            "status": "instrument_status",
            "closes": "instrument_close",
            "instrument": "instrument",
        }
        if what == "bars":
            getattr(self, f"{verb}_bars")(_minutes(instrument_id, params), **asked)
        elif what == "book":
            getattr(self, f"{verb}_order_book_at_interval")(instrument_id, interval_ms=200, **asked)
        elif what in ("deltas", "depth") and verb == "subscribe":
            getattr(self, f"{verb}_{plain[what]}")(instrument_id, book_type=BookType.L2_MBP, **asked)
        else:
            getattr(self, f"{verb}_{plain[what]}")(instrument_id, **asked)

    def _make(self, spec: dict[str, Any]) -> Order:
        """An order of ``type`` (LIMIT, ...), ``id``, ``instrument``, ``side``, ``size`` and the options of the type."""
        instrument = self._instrument(spec["instrument"])
        options: dict[str, Any] = {}
        for name, field in (("price", "price"), ("trigger", "trigger_price")):
            if name in spec:
                options[field] = _price(instrument, spec[name])
        if "display" in spec:
            options["display_qty"] = instrument.make_qty(Decimal(spec["display"]))
        if "tif" in spec:
            options["time_in_force"] = TimeInForce[spec["tif"]]
        if "expires" in spec:
            options["expire_time"] = pd.Timestamp(spec["expires"]).to_pydatetime()
        if "emulate" in spec:
            options["emulation_trigger"] = TriggerType[spec["emulate"]]
        for flag in ("post_only", "reduce_only", "quote_quantity"):
            if flag in spec:
                options[flag] = spec[flag]
        return getattr(self.order_factory, spec["type"].lower())(
            instrument_id=instrument.id,
            order_side=OrderSide[spec["side"]],
            quantity=_quantity(instrument, spec),
            client_order_id=ClientOrderId(spec["id"]),
            **options,
        )

    def _instrument(self, name: str) -> Instrument:
        return self.cache.instrument(InstrumentId.from_str(name))

    def _order(self, name: str) -> Order:
        order = self.cache.order(ClientOrderId(name))
        if order is None:
            raise LookupError(name)
        return order

    @property
    def _venue(self) -> Any:
        return InstrumentId.from_str(f"X.{VALR}").venue


def _as_native(order: Order) -> Order:
    """The factory has either all orders of a bracket emulated or none: this one goes to the venue as it is."""
    return OrderUnpacker.from_init(
        OrderInitialized.from_dict(OrderInitialized.to_dict(order.init_event) | {"emulation_trigger": "NO_TRIGGER"})
    )


def _price(instrument: Instrument, text: str | None) -> Price | None:
    return None if text is None else instrument.make_price(Decimal(text))


def _quantity(instrument: Instrument, spec: dict[str, Any]) -> Quantity:
    size = Decimal(spec["size"])
    if spec.get("quote_quantity"):
        return Quantity(size, instrument.quote_currency.precision)
    return instrument.make_qty(size)


def _minutes(instrument_id: InstrumentId, params: dict[str, Any]) -> BarType:
    step = params.pop("step", "1-MINUTE")
    return BarType.from_str(f"{instrument_id}-{step}-LAST-EXTERNAL")


def _as_dict(data: Any) -> dict[str, Any]:
    return type(data).to_dict(data) if hasattr(type(data), "to_dict") else {"text": str(data)}
