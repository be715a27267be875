"""What a REST handler gets and gives; handlers do no I/O, so that the whole API can be called in a test."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

from helios_nautilus.simulator.exchange.accounts import Account, ApiKey
from helios_nautilus.simulator.exchange.refusals import invalid_field


class Call(Struct, frozen=True, kw_only=True):
    """One request after routing and authentication."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, object]
    signer: tuple[ApiKey, Account] | None = None

    @property
    def account(self) -> Account:
        """The account of a signed call."""
        assert self.signer is not None, "the route is marked as signed"
        return self.signer[1]

    @property
    def key(self) -> ApiKey:
        """The key of a signed call."""
        assert self.signer is not None, "the route is marked as signed"
        return self.signer[0]

    def number(self, name: str, default: int, *, most: int | None = None) -> int:
        """A whole number of the query, 0 to ``most``."""
        value = self.query.get(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit()) or (most is not None and int(value) > most):
            raise invalid_field(name, "must be a whole number" + (f" up to {most}" if most is not None else ""))
        return int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean of the query."""
        return {"true": True, "false": False}.get(self.query.get(name, ""), default)

    def page[T](self, rows: Sequence[T], *, most: int = 100) -> Sequence[T]:
        """``skip`` and ``limit`` of the query on rows that are newest first."""
        skip = self.number("skip", 0)
        return rows[skip : skip + self.number("limit", most, most=most)]


class Reply(NamedTuple):
    """An answer: JSON body (None is an empty one), status, and seconds it may be cached."""

    body: object = None
    status: int = 200
    max_age: int | None = None


type Handler = Callable[[Call], Reply]
type Needs = Literal["nothing", "View access", "Trade", "Internal Transfer"]


class Route(NamedTuple):
    """One route; ``max_age`` also goes with its errors, which VALR caches like answers."""

    verb: str
    path: str
    handler: Handler
    needs: Needs = "nothing"
    max_age: int | None = None


class RouteTable(Protocol):
    """A group of routes."""

    def table(self) -> list[Route]:
        """The routes."""
        ...
