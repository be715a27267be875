"""One endpoint of the venue as data, and the request line it makes."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from helios_nautilus.adapters.valr.api.limits import Family
from helios_nautilus.adapters.valr.api.wire import WireDecoder

_AS_SENT: Final = ":,"
"""Left unencoded: the venue signs them so."""

type Param = str | int | bool | None


class Endpoint[T](Struct, frozen=True, kw_only=True):
    """Method, path template, the struct of its reply and the budgets it takes from."""

    method: str
    path: str
    decoder: WireDecoder[T]
    families: tuple[Family, ...]
    is_signed: bool = True
    is_primary_only: bool = False
    """Refused with a sub-account header."""
    is_empty: bool = False
    """Answers a success without a body."""

    @property
    def is_read(self) -> bool:
        """Asking again changes nothing."""
        return self.method == "GET"

    def target(self, parts: Mapping[str, str], params: Mapping[str, Param]) -> str:
        """Path and query as they go on the request line; params that are None are left out."""
        path = self.path.format_map({name: quote(part, safe="") for name, part in parts.items()})
        query = "&".join(
            f"{name}={quote(_text_of(value), safe=_AS_SENT)}" for name, value in params.items() if value is not None
        )
        return f"{path}?{query}" if query else path


def public(path: str, reply: Any, *families: Family) -> Endpoint[Any]:
    """A read without a key; by default it takes from the small public budget."""
    budgets = families or (Family.PUBLIC, Family.ADDRESS)
    return Endpoint(method="GET", path=path, decoder=WireDecoder(reply), families=budgets, is_signed=False)


def private(method: str, path: str, reply: Any, *families: Family, primary_only: bool = False) -> Endpoint[Any]:
    """A signed request; a ``reply`` of None is an empty body. Budgets per second are exempt from those per minute."""
    widest = (Family.KEY, Family.ADDRESS)
    return Endpoint(
        method=method,
        path=path,
        decoder=WireDecoder(reply),
        families=families or ((Family.QUESTION, *widest) if method == "GET" else widest),
        is_primary_only=primary_only,
        is_empty=reply is None,
    )


def _text_of(value: Param) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
