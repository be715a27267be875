"""Every row of a paged route, each once: to the end, or an error. A list that stops half way would pass for a whole."""

from collections.abc import Awaitable, Callable
from typing import Final

from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.routes.base import PAGE

MAX_PAGES: Final = 1000


class TooManyRowsError(VenueError):
    """The venue has more rows than are read at once: ask for a shorter time."""


async def read_by_skip[T](
    page_of: Callable[[int], Awaitable[list[T]]], name_of: Callable[[T], str], what: str
) -> list[T]:
    """Rows of a route that is paged by ``skip``, newest first: `TooManyRowsError` beyond `MAX_PAGES`.

    ``page_of`` reads the page at an offset. A row that is new or changes meanwhile moves to the head and the others
    down by one: what comes twice is taken as it came last, and the head is read once more at the end.
    """
    found: dict[str, T] = {}
    for number in range(MAX_PAGES):
        page = await page_of(number * PAGE)
        found |= {name_of(row): row for row in page}
        if len(page) < PAGE:
            break
    else:
        raise _too_many(what)
    if number:
        found |= {name_of(row): row for row in await page_of(0)}
    return list(found.values())


async def read_by_id[T](
    page_of: Callable[[str | None], Awaitable[list[T]]],
    name_of: Callable[[T], str],
    is_enough: Callable[[T], bool],
    what: str,
) -> list[T]:
    """Rows of a route that is paged back by id, newest first, until one ``is_enough``; errors as `read_by_skip`."""
    found: dict[str, T] = {}
    before_id: str | None = None
    for _ in range(MAX_PAGES):
        page = await page_of(before_id)
        known = len(found)
        found |= {name_of(row): row for row in page}
        if len(page) < PAGE or len(found) == known or is_enough(page[-1]):
            return list(found.values())
        before_id = name_of(page[-1])
    raise _too_many(what)


def _too_many(what: str) -> TooManyRowsError:
    return TooManyRowsError(
        f"VALR has more than {MAX_PAGES * PAGE} {what}: "
        "give the engine's reconciliation_lookback_mins, so that fewer are asked for"
    )
