"""Who is asking, and what they may do: by bearer token, by a session of the pages, or from this machine.

While no token is kept, requests of this machine may do everything, and no other can arrive, for the process then
listens on the loopback address only. With the first token everyone needs one.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final, Literal

from msgspec import Struct
from starlette.requests import HTTPConnection

from helios_nautilus.dashboard.sessions import Sessions
from helios_nautilus.dashboard.throttle import Throttle
from helios_nautilus.dashboard.tokens import ROLES, Role, Token, TokenFile
from helios_nautilus.errors import AccessError, ConfigError
from helios_nautilus.journal.commands import Verb

COOKIE: Final = "helios_session"
LOCAL: Final = "localhost"
"""Name of who needs no token."""
NEEDED: Final[dict[Verb, Role]] = {
    "halt": "trader",
    "reduce_only": "trader",
    "entries_off": "trader",
    "entries_on": "trader",
    "resume": "admin",
    "tier_off": "admin",
    "tier_on": "admin",
}
"""The least role that each command needs."""


class Caller(Struct, frozen=True, kw_only=True):
    """Somebody who was recognised."""

    name: str
    role: Role
    way: Literal["token", "session", "local"]
    created_ns: int = 0
    """Of their token: another of the same name is somebody else's."""
    expires_ns: int | None = None
    """When their session ends."""
    csrf: str = ""
    """Of a session: what its state-changing requests repeat."""

    def has(self, role: Role) -> bool:
        """Their role is this one, or one that may do more."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def may(self, verb: Verb) -> bool:
        """They may give this command."""
        return self.has(NEEDED[verb])


class ThrottledError(AccessError):
    """Too many tries or requests; ``wait_secs`` is when to come again."""

    def __init__(self, wait_secs: int) -> None:
        super().__init__(f"too many requests: try again in {wait_secs} s")
        self.wait_secs = wait_secs


class WrongTokenError(AccessError):
    """A token that is none: the same words for unknown, revoked and malformed."""

    def __init__(self) -> None:
        super().__init__("this token is not valid")


class Access:
    """Recognises callers. ``tell`` writes refused attempts into the security log."""

    def __init__(
        self,
        tokens: TokenFile,
        sessions: Sessions,
        throttle: Throttle,
        tell: Callable[[str, str, str], None],
        clock: Callable[[], int],
    ) -> None:
        self._tokens = tokens
        self._sessions = sessions
        self._throttle = throttle
        self._tell = tell
        self._clock = clock

    def recognise(self, connection: HTTPConnection) -> Caller | None:
        """Who is asking; None if nobody we know.

        Raises `WrongTokenError` and `ThrottledError`, and `ConfigError` if the file of tokens cannot be read.
        """
        if (header := connection.headers.get("authorization")) is not None:
            scheme, _, given = header.partition(" ")
            token = self.check(given.strip() if scheme.lower() == "bearer" else "", address_of(connection))
            return Caller(name=token.name, role=token.role, way="token", created_ns=token.created_ns)
        if (value := connection.cookies.get(COOKIE)) is not None and (found := self._sessions.find(value)) is not None:
            token, expires_ns = found
            return Caller(
                name=token.name,
                role=token.role,
                way="session",
                created_ns=token.created_ns,
                expires_ns=expires_ns,
                csrf=self._sessions.csrf(value),
            )
        if not self._tokens.tokens() and is_of_this_machine(connection):
            return Caller(name=LOCAL, role="admin", way="local")
        return None

    def stands(self, caller: Caller) -> bool:
        """Whether somebody who was recognised still would be: a page stays open while tokens come and go.

        Nobody would while the file of tokens cannot be read.
        """
        try:
            kept = self._tokens.tokens()
        except ConfigError:
            return False
        if caller.way == "local":
            return not kept
        if caller.expires_ns is not None and self._clock() >= caller.expires_ns:
            return False
        if caller.way == "session" and self._sessions.is_ended(caller.csrf):
            return False
        return any(
            (each.name, each.created_ns, each.role) == (caller.name, caller.created_ns, caller.role) for each in kept
        )

    def start_session(self, given: str, address: str) -> str:
        """The value of a new session's cookie for who gives a token; raises what `check` raises."""
        return self._sessions.start(self.check(given, address))

    def end_session(self, connection: HTTPConnection) -> None:
        """Whose request that is has logged out, in every tab."""
        self._sessions.end(connection.cookies.get(COOKIE, ""))

    def check(self, given: str, address: str) -> Token:
        """The token that somebody at an address gave; raises `WrongTokenError` and `ThrottledError`."""
        token = self._tokens.find(given)
        if token is not None:
            return token
        if wait_secs := self._throttle.failed(address):
            self._tell("throttled", "", address)
            raise ThrottledError(wait_secs)
        self._tell("wrong token", "", address)
        raise WrongTokenError

    def is_csrf(self, connection: HTTPConnection, given: str) -> bool:
        """Whether a request of a session repeated what only its own pages know."""
        return self._sessions.is_csrf(connection.cookies.get(COOKIE, ""), given)


def address_of(connection: HTTPConnection) -> str:
    """Where a connection is from."""
    return connection.client.host if connection.client is not None else "?"


def is_of_this_machine(connection: HTTPConnection) -> bool:
    """From the loopback address, for this machine by name, and passed on by nobody."""
    return (
        is_loopback(address_of(connection))
        and is_loopback(host_of(connection))
        and not any(name in connection.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
    )


def host_of(connection: HTTPConnection) -> str:
    """The host that was asked for, without its port or brackets."""
    host = connection.headers.get("host", "")
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def is_loopback(host: str) -> bool:
    """An address or name that never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
