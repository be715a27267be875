"""VALR's rate limits: fixed windows of a clock second or minute, per key or per address."""

import re
from typing import Final, NamedTuple

from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC


class Limit(NamedTuple):
    """So many in a window."""

    name: str
    most: int
    window_ns: int


PER_KEY: Final = Limit("key", 2000, NS_PER_MIN)
PER_ADDRESS: Final = Limit("address", 1200, NS_PER_MIN)
PUBLIC: Final = Limit("public", 30, NS_PER_MIN)
CONNECTIONS: Final = Limit("connections", 60, NS_PER_MIN)

# Routes with a limit per second are exempt from the limits per minute; the first pattern that fits counts.
_PER_SECOND: Final = tuple(
    (re.compile(pattern), Limit(name, most, NS_PER_SEC))
    for pattern, name, most in (
        (r"GET /v1/public/time", "time", 20),
        (r"GET /v1/public/status", "status", 20),
        (r"GET /v1/public/.+/buckets", "buckets", 20),
        (r"POST /v1/orders(/.*)?", "place", 400),
        (r"DELETE /v1/orders(/.*)?", "cancel", 450),
        (r"POST /v1/batch/orders", "batch", 400),
        (r"PUT /v2/orders/modify", "modify", 400),
        (r"POST /v1/account/subaccount", "sub-account", 1),
        # VALR's table writes /subaccount/transfer, a route that it does not have.
        (r"POST /v1/account/subaccounts?/transfer", "transfer", 20),
    )
)
_COMMANDS: Final = {
    "PLACE_LIMIT_ORDER": Limit("socket place", 400, NS_PER_SEC),
    "PLACE_MARKET_ORDER": Limit("socket place", 400, NS_PER_SEC),
    "CANCEL_LIMIT_ORDER": Limit("socket cancel", 450, NS_PER_SEC),
    "MODIFY_ORDER": Limit("socket modify", 400, NS_PER_SEC),
    "BATCH_ORDERS": Limit("socket batch", 400, NS_PER_SEC),
}


class RateLimits:
    """Counts requests by the clients' time; windows start on the clock's second or minute."""

    def __init__(self, scale: float = 1.0) -> None:
        """``scale`` multiplies every limit; 0 switches them off."""
        self._scale = scale
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    def admits_request(self, verb: str, path: str, key: str | None, address: str, client_ns: int) -> bool:
        """Count a REST request; False where it is over a limit."""
        who = key or address
        route = f"{verb} {path}"
        for pattern, limit in _PER_SECOND:
            if pattern.fullmatch(route):
                return self._count(limit, who, client_ns)
        if route.startswith("GET /v1/public/"):
            return self._count(PUBLIC, address, client_ns)
        by_address = self._count(PER_ADDRESS, address, client_ns)
        return by_address and (key is None or self._count(PER_KEY, key, client_ns))

    def admits_connection(self, address: str, client_ns: int) -> bool:
        """Count a new socket."""
        return self._count(CONNECTIONS, address, client_ns)

    def admits_command(self, kind: str, account_id: str, client_ns: int) -> bool:
        """Count a command on the account socket."""
        limit = _COMMANDS.get(kind)
        return limit is None or self._count(limit, account_id, client_ns)

    def _count(self, limit: Limit, who: str, client_ns: int) -> bool:
        window = client_ns // limit.window_ns
        seen, count = self._counts.get((limit.name, who), (window, 0))
        count = count + 1 if seen == window else 1
        self._counts[limit.name, who] = (window, count)
        return not self._scale or count <= max(limit.most * self._scale, 1)
