"""One open socket: who it belongs to, when it was last heard, and what it sends."""

from collections.abc import Callable

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.simulator.exchange.accounts import Account, ApiKey
from helios_nautilus.simulator.exchange.faults import FaultPlan
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.outbox import Outbox
from helios_nautilus.simulator.exchange.venue import Venue

IDLE_NS = NS_PER_MIN
"""A socket without a subscription and without a frame from its client is cut after this."""
UNAUTHENTICATED_NS = 15 * NS_PER_MIN
"""A socket that nobody logged in on is closed after this, whatever happens on it."""


class Session:
    """Identity of a socket; the same object for its whole life."""

    def __init__(
        self, name: str, venue: Venue, plan: FaultPlan, hang_up: Callable[[int], None], opened_ns: int
    ) -> None:
        """``opened_ns`` is of the clients' clock, by which idle sockets are closed."""
        self.name = name
        self.account: Account | None = None
        self.key: ApiKey | None = None
        self.opened_ns = opened_ns
        self.heard_ns = opened_ns
        self.hang_up = hang_up
        self.outbox = Outbox(name, venue, plan, hang_up)
        self.cancels_on_disconnect = False
        self.muted: set[str] = set()
        """Account events it unsubscribed from."""
        self.wants_margin = False

    def send(self, frame: Json) -> None:
        """Send a frame."""
        self.outbox.put(frame)

    def log_in(self, key: ApiKey, account: Account) -> None:
        """Tell the client that it is known."""
        self.key, self.account = key, account
        self.send({"type": "AUTHENTICATED"})

    def outlived(self, now_ns: int, *, has_subscriptions: bool) -> bool:
        """Due to be closed by the venue's rules."""
        if self.account is None and now_ns - self.opened_ns >= UNAUTHENTICATED_NS:
            return True
        is_idle = self.account is None and not has_subscriptions
        return is_idle and now_ns - self.heard_ns >= IDLE_NS
