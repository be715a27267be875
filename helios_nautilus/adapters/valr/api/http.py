"""`ValrHttp`: VALR's REST interface, one method per endpoint and named after it.

``get_*`` reads and may be repeated, everything else writes and is sent once; both as ``calls.py`` says. Times go in as
nanoseconds UTC, lists come back in the venue's order: newest first.
"""

import random

from helios_nautilus.adapters.valr.api.aiohttp_transport import AiohttpTransport
from helios_nautilus.adapters.valr.api.calls import Caller, HttpConfig
from helios_nautilus.adapters.valr.api.clock import Clock, SystemClock
from helios_nautilus.adapters.valr.api.limits import RateLimiter
from helios_nautilus.adapters.valr.api.routes.account import AccountRoutes
from helios_nautilus.adapters.valr.api.routes.market import MarketRoutes
from helios_nautilus.adapters.valr.api.routes.orders import OrderRoutes
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.transport import Transport


class ValrHttp(MarketRoutes, AccountRoutes, OrderRoutes):
    """All endpoints, for one account or, without credentials, for the public ones alone.

    Share ``limiter`` between all clients of a process: the venue counts them together.
    """

    def __init__(
        self,
        config: HttpConfig,
        credentials: Credentials | None = None,
        *,
        limiter: RateLimiter | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        clock = clock or SystemClock()
        super().__init__(
            Caller(
                config=config,
                transport=transport or AiohttpTransport(),
                limiter=limiter or RateLimiter(clock),
                clock=clock,
                rng=rng or random.Random(),
                credentials=credentials,
            )
        )

    async def close(self) -> None:
        """Let the connections go."""
        await self._caller.close()
