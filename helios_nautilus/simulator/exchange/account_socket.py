"""``/ws/account``: an account's events as they happen, and order entry."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.simulator.exchange import account_json
from helios_nautilus.simulator.exchange.account_events import frames_of, owner_of
from helios_nautilus.simulator.exchange.accounts import TRADE, Account
from helios_nautilus.simulator.exchange.batches import run_batch
from helios_nautilus.simulator.exchange.bodies import Body
from helios_nautilus.simulator.exchange.desk import Desk
from helios_nautilus.simulator.exchange.events import BalanceChanged, Event, OpenOrdersChanged, PositionChanged
from helios_nautilus.simulator.exchange.limits import RateLimits
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.orders import Order
from helios_nautilus.simulator.exchange.refusals import Code, Refusal, invalid_field
from helios_nautilus.simulator.exchange.session import Session
from helios_nautilus.simulator.exchange.venue import Venue

MARGIN_EVERY_NS: Final = 5 * NS_PER_SEC

_REPLIES: Final = {
    "PLACE_LIMIT_ORDER": "PLACE_LIMIT_WS_RESPONSE",
    "PLACE_MARKET_ORDER": "PLACE_MARKET_WS_RESPONSE",
    "MODIFY_ORDER": "MODIFY_ORDER_WS_RESPONSE",
    "CANCEL_LIMIT_ORDER": "CANCEL_ORDER_WS_RESPONSE",
    # VALR documents no reply to batches: this one is a guess.
    "BATCH_ORDERS": "BATCH_ORDERS_WS_RESPONSE",
}


class AccountChannel:
    """The private side of the exchange for any number of sockets."""

    name: Final = "account"

    def __init__(self, venue: Venue, desk: Desk, limits: RateLimits, client_ns: Callable[[], int]) -> None:
        self._venue = venue
        self._desk = desk
        self._limits = limits
        self._client_ns = client_ns
        self._sessions: defaultdict[str, dict[Session, None]] = defaultdict(dict)
        self._commands: dict[str, Callable[[Account, Body], Json]] = {
            "PLACE_LIMIT_ORDER": lambda account, body: self._place(self._desk.draft_limit(account, body)),
            "PLACE_MARKET_ORDER": lambda account, body: self._place(self._desk.draft_market(account, body)),
            "MODIFY_ORDER": self._modify,
            "CANCEL_LIMIT_ORDER": self._cancel,
            "BATCH_ORDERS": lambda account, body: run_batch(desk, account, body, venue.ids.next_batch()),
        }
        venue.listen(self._on_event)
        venue.every(MARGIN_EVERY_NS, self._send_margins)

    def joined(self, session: Session) -> None:
        """Send the state of the account to a socket that has just logged in."""
        account = session.account
        if account is None:
            return
        self._sessions[account.account_id][session] = None
        ledger, positions = self._venue.engine.ledger, self._venue.engine.positions
        events: list[Event] = [
            BalanceChanged(account.account_id, currency)
            for currency, balance in ledger.balances(account.account_id).items()
            if balance.total or balance.reserved
        ]
        events.append(OpenOrdersChanged(account.account_id))
        events += map(PositionChanged, positions.of_account(account.account_id))
        for event in events:
            for frame in frames_of(event, self._venue):
                session.send(frame)

    def left(self, session: Session) -> None:
        """Forget a socket; cancel its account's orders if it asked for that."""
        if session.account is None:
            return
        self._sessions[session.account.account_id].pop(session, None)
        if session.cancels_on_disconnect:
            self._desk.cancel_all(session.account)

    def has_subscriptions(self, session: Session) -> bool:
        """A socket that has logged in gets everything unasked."""
        return session.account is not None

    def hear(self, session: Session, message: Mapping[str, object]) -> None:
        """Handle one client frame."""
        kind, account = str(message.get("type")), session.account
        if account is None:
            session.send({"type": "ERROR", "message": "Not authenticated"})
        elif kind in self._commands:
            self._command(session, account, kind, message)
        elif kind == "CANCEL_ON_DISCONNECT":
            self._cancel_on_disconnect(session, message)
        elif kind in ("SUBSCRIBE", "UNSUBSCRIBE"):
            self._subscribe(session, message, wanted=kind == "SUBSCRIBE")
        else:
            session.send({"type": "UNSUPPORTED", "message": f"Unsupported message type {kind}"})

    def _command(self, session: Session, account: Account, kind: str, message: Mapping[str, object]) -> None:
        """Reply that a command was accepted for processing, or why not; its outcome comes as events."""
        echo: Json = {"clientMsgId": message["clientMsgId"]} if "clientMsgId" in message else {}
        if not self._limits.admits_command(kind, account.account_id, self._client_ns()):
            session.send({"type": "RATE_LIMIT_EXCEEDED", "data": {"requestType": kind}} | echo)
            return
        payload = message.get("payload")
        try:
            if not isinstance(payload, Mapping):
                raise invalid_field("payload", "must be an object")
            if session.key is not None:
                session.key.require(TRADE)
            if self._venue.is_read_only:
                raise Refusal(Code.INVALID_REQUEST, "The exchange is in read-only mode")
            answer: Json = {"data": self._commands[kind](account, payload)}
        except Refusal as refusal:
            answer = {"error": refusal.body()}
        session.send({"type": _REPLIES[kind]} | answer | echo)

    def _place(self, order: Order) -> Json:
        self._desk.place_later(order)
        return _named({"orderId": order.order_id}, order)

    def _modify(self, account: Account, body: Body) -> Json:
        amendment = self._desk.draft_amendment(account, body)
        self._desk.modify_later(amendment)
        shown: Json = {"modifyRequestId": amendment.request_id, "requested": True, "orderId": amendment.order.order_id}
        return _named(shown, amendment.order)

    def _cancel(self, account: Account, body: Body) -> Json:
        self._desk.cancel_later(account, body)
        ids = ("orderId", "customerOrderId")
        return {"requested": True} | {name: body[name] for name in ids if body.get(name)}

    def _cancel_on_disconnect(self, session: Session, message: Mapping[str, object]) -> None:
        payload = message.get("payload")
        wanted = isinstance(payload, Mapping) and payload.get("cancelOnDisconnect") in (True, "true")
        session.cancels_on_disconnect = wanted
        # The value is a string here.
        data = {"cancelOnDisconnect": "true" if wanted else "false"}
        session.send({"type": "CANCEL_ON_DISCONNECT_UPDATE", "data": data})

    def _subscribe(self, session: Session, message: Mapping[str, object], *, wanted: bool) -> None:
        """Everything but margin is on from the start; unsubscribing has its own key."""
        requests = message.get("subscriptions" if wanted else "requests")
        for one in requests if isinstance(requests, list) else ():
            event = str(one.get("event")) if isinstance(one, Mapping) else ""
            if event == "MARGIN_INFO":
                session.wants_margin = wanted
                self._send_margin(session)
            elif wanted:
                session.muted.discard(event)
            else:
                session.muted.add(event)

    def _on_event(self, event: Event) -> None:
        owner = owner_of(event)
        sessions = self._sessions.get(owner) if owner is not None else None
        if not sessions:
            return
        for frame in frames_of(event, self._venue):
            for session in list(sessions):
                if frame["type"] not in session.muted:
                    session.send(frame)

    def _send_margins(self, _: int) -> None:
        for sessions in self._sessions.values():
            for session in list(sessions):
                self._send_margin(session)

    def _send_margin(self, session: Session) -> None:
        if session.wants_margin and session.account is not None:
            engine = self._venue.engine
            state = engine.margin.state(session.account, engine.open_orders(session.account.account_id))
            session.send({"type": "MARGIN_INFO", "data": account_json.margin_json(state)})


def _named(shown: Json, order: Order) -> Json:
    return shown | {"customerOrderId": order.customer_order_id} if order.customer_order_id else shown
