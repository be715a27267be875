"""Carries out one call of an endpoint: budget, signature, repeats of reads, and the verdict on what came back.

A read is asked again, with jittered back-off, until a deadline. A write is sent once. Its verdict is one of three:
done (the reply), refused (`RefusedError`, `NotSentError`: nothing happened), or unknown (`UnknownOutcomeError`).
"""

import logging
import random
from typing import Any, Final

from msgspec import Struct

from helios_nautilus.adapters.valr.api.clock import Clock
from helios_nautilus.adapters.valr.api.endpoint import Endpoint, Param
from helios_nautilus.adapters.valr.api.errors import (
    NotSentError,
    RateLimitedError,
    UnavailableError,
    UnknownOutcomeError,
    WireError,
)
from helios_nautilus.adapters.valr.api.limits import RateLimiter
from helios_nautilus.adapters.valr.api.refusals import build_refusal, read_error_body
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.transport import ConnectError, Request, Response, Transport, TransportError
from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.errors import ConfigError

USER_AGENT: Final = "helios-nautilus"
"""An empty one has been answered with 403."""

_log = logging.getLogger(__name__)


class HttpConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to ask and how long."""

    base_url: str = "https://api.valr.com"
    timeout_secs: float = 10.0
    """Of one attempt."""
    deadline_secs: float = 30.0
    """Of a read with all its attempts, the waits for budget not counted."""
    backoff_secs: float = 0.25
    """First pause between two attempts; it doubles up to ``backoff_max_secs``."""
    backoff_max_secs: float = 5.0

    def __post_init__(self) -> None:
        if min(self.timeout_secs, self.deadline_secs, self.backoff_secs, self.backoff_max_secs) <= 0.0:
            raise ConfigError("VALR HTTP: every time must be above 0")
        if not self.base_url.startswith(("https://", "http://")) or self.base_url.endswith("/"):
            raise ConfigError(f"VALR HTTP: base_url {self.base_url!r} is not like https://host[:port]")


class Caller:
    """Makes calls for one account; see the module."""

    def __init__(
        self,
        config: HttpConfig,
        transport: Transport,
        limiter: RateLimiter,
        clock: Clock,
        rng: random.Random,
        credentials: Credentials | None = None,
    ) -> None:
        self._config = config
        self._transport = transport
        self._limiter = limiter
        self._clock = clock
        self._rng = rng
        self._credentials = credentials

    async def call(
        self, endpoint: Endpoint[Any], *, body: bytes = b"", parts: dict[str, str] | None = None, **params: Param
    ) -> Any:
        """The decoded reply of ``endpoint``; raises as the module says."""
        target = endpoint.target(parts or {}, params)
        if endpoint.is_read:
            return await self._read(endpoint, target)
        await self._limiter.acquire(endpoint.families)
        try:
            return await self._attempt(endpoint, target, body)
        except ConnectError as error:
            raise NotSentError(f"{endpoint.method} {endpoint.path}: {error}") from error
        except (TransportError, UnavailableError, WireError) as error:
            raise UnknownOutcomeError(f"{endpoint.method} {endpoint.path}: outcome unknown, {error}") from error

    async def close(self) -> None:
        """Let the connections go."""
        await self._transport.close()

    async def _read(self, endpoint: Endpoint[Any], target: str) -> Any:
        spent, pause = 0.0, self._config.backoff_secs
        while True:
            await self._limiter.acquire(endpoint.families)
            started = self._clock.monotonic()
            try:
                return await self._attempt(endpoint, target)
            except (ConnectError, TransportError, UnavailableError, RateLimitedError, WireError) as error:
                if isinstance(error, WireError) and not error.is_malformed:
                    raise
                # A rate limit is waited for at the limiter; its attempts still count, or they would never end.
                elapsed = 1.0 if isinstance(error, RateLimitedError) else self._clock.monotonic() - started
                delay = pause * self._rng.uniform(0.5, 1.0)
                spent += elapsed + delay
                if spent > self._config.deadline_secs:
                    if isinstance(error, RateLimitedError):
                        raise
                    what = f"{endpoint.method} {endpoint.path}"
                    raise UnavailableError(f"{what}: no answer within the deadline; last: {error}") from error
                _log.warning("%s %s: %s; asking again", endpoint.method, endpoint.path, error)
            await self._clock.sleep(delay)
            pause = min(2.0 * pause, self._config.backoff_max_secs)

    async def _attempt(self, endpoint: Endpoint[Any], target: str, body: bytes = b"") -> Any:
        response = await self._transport.send(self._build_request(endpoint, target, body))
        return self._judge(endpoint, response)

    def _build_request(self, endpoint: Endpoint[Any], target: str, body: bytes) -> Request:
        """Signed only now: the stamp must be fresh, and the wait for budget may have been long."""
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        if endpoint.is_signed:
            if self._credentials is None:
                raise ConfigError(
                    f"{endpoint.method} {endpoint.path} needs an API key: set VALR_API_KEY and its secret"
                )
            stamp_ms = self._clock.time_ns() // NS_PER_MS
            headers |= self._credentials.headers(
                stamp_ms, endpoint.method, target, body, as_primary=endpoint.is_primary_only
            )
        return Request(
            method=endpoint.method,
            base_url=self._config.base_url,
            target=target,
            headers=headers,
            body=body,
            timeout_secs=self._config.timeout_secs,
        )

    def _judge(self, endpoint: Endpoint[Any], response: Response) -> Any:
        what, status = f"{endpoint.method} {endpoint.path}", response.status
        is_limited = response.headers.get("x-valr-ratelimited", "").lower() == "true"
        if status == 429 or (is_limited and 400 <= status < 500):
            raise self._rate_limited(endpoint, response)
        if status >= 500:
            raise UnavailableError(f"{what}: HTTP {status}")
        is_success = 200 <= status < 300
        # One of the venue's documents answers a failed v2 order with a 201 whose body carries a code.
        error = None if is_success and endpoint.is_read else read_error_body(response.body)
        if is_success and error is None:
            return None if endpoint.is_empty else endpoint.decoder.decode(response.body)
        refusal = build_refusal(what, status, error)
        if refusal is None:
            raise UnavailableError(f"{what}: HTTP {status} without a reason")
        raise refusal

    def _rate_limited(self, endpoint: Endpoint[Any], response: Response) -> RateLimitedError:
        text = response.headers.get("retry-after", "")
        after = float(text) if text.isascii() and text.isdigit() else None
        pause = self._limiter.pause(endpoint.families, after)
        _log.warning("%s %s: rate limited, holding back for %.0f s", endpoint.method, endpoint.path, pause)
        what = f"{endpoint.method} {endpoint.path}"
        return RateLimitedError(f"{what}: too many requests", status=response.status, retry_after_secs=after)
