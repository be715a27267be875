"""A table whose rows come, change and go while it is looked at; on a phone it is a list.

It is one element, which the browser draws out of its rows (``sheet.js``): with an element for every cell, a page of two
hundred decisions took a third of a second of this process's time.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from nicegui.element import Element

from helios_nautilus.dashboard.pages.live import set_data

type Kind = Literal["t", "n", "words"]
"""``t`` stays on one line, ``n`` is a number, ``words`` may be long."""
type _Drawn = str | tuple[str, str, str, str, bool]


class Column(Struct, frozen=True):
    """A column's title, and what is in it."""

    title: str
    kind: Kind = "t"


class Cell(Struct, frozen=True):
    """What a cell says. ``href`` makes it a link, ``is_chip`` a label of its own colour."""

    words: str
    tone: str = ""
    why: str = ""
    href: str = ""
    is_chip: bool = False


class Row(Struct, frozen=True, kw_only=True):
    """``key`` says which rows of two moments are the same."""

    key: str
    cells: tuple[Cell, ...]


class Sheet(Element, component="sheet.js"):
    """A table of rows; ``empty`` is said while there are none."""

    def __init__(self, caption: str, columns: Sequence[Column], empty: str) -> None:
        super().__init__()
        titles = tuple({"title": column.title, "kind": column.kind} for column in columns)
        self.props.update({"caption": caption, "columns": titles, "rows": (), "empty": empty})

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows in this order."""
        set_data(self, "rows", tuple((row.key, tuple(map(_draw, row.cells))) for row in rows))

    def say_empty(self, words: str) -> None:
        """What is said while there are no rows."""
        set_data(self, "empty", words)


def _draw(cell: Cell) -> _Drawn:
    """As ``sheet.js`` takes it: most are nothing but words."""
    if cell.tone or cell.why or cell.href or cell.is_chip:
        return cell.words, cell.tone, cell.why, cell.href, cell.is_chip
    return cell.words
