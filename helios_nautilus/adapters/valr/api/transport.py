"""What the client needs of an HTTP library: small enough to be faked in forty lines."""

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from helios_nautilus.adapters.valr.api.errors import VenueError


class Request(Struct, frozen=True, kw_only=True):
    """One request; ``target`` goes on the request line as it stands, because it was signed so."""

    method: str
    base_url: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    timeout_secs: float

    def __repr__(self) -> str:
        return f"Request({self.method} {self.target})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Pretty tracebacks ask here, and must not see the headers either."""
        return [("method", self.method), ("target", self.target)]


class Response(Struct, frozen=True, kw_only=True):
    """A complete reply; names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ConnectError(VenueError):
    """No connection came about: nothing was sent."""


class TransportError(VenueError):
    """The connection broke or the time ran out after we may have begun to send."""


class Transport(Protocol):
    """Carries single requests; never repeats one by itself."""

    async def send(self, request: Request) -> Response:
        """The whole reply; `ConnectError` or `TransportError` without one."""
        ...

    async def close(self) -> None:
        """Let the connections go; a later `send` may open new ones."""
        ...
