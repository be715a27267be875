"""A table whose rows come, change and go while it is looked at; on a phone it is a list."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from nicegui.element import Element

from helios_nautilus.dashboard.pages.live import Words, set_attribute, show_if, tag

type Kind = Literal["t", "n", "words"]
"""``t`` stays on one line, ``n`` is a number, ``words`` may be long."""


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


class Sheet:
    """A table of rows; ``empty`` is said while there are none."""

    def __init__(self, caption: str, columns: Sequence[Column], empty: str) -> None:
        self._columns = tuple(columns)
        self._rows: dict[str, tuple[Element, list[Words]]] = {}
        with tag("div", "scroll"):
            with tag("table", "sheet", role="table") as self._table:
                Words(caption, tag="caption", classes="unseen")
                with tag("thead", role="rowgroup"), tag("tr", role="row"):
                    for column in self._columns:
                        set_attribute(Words(column.title, tag="th", classes=column.kind), "scope", "col")
                self._body = tag("tbody", role="rowgroup")
            self._empty = Words(empty, tag="p", classes="none")

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows in this order."""
        show_if(self._table, bool(rows))
        show_if(self._empty, not rows)
        for key in self._rows.keys() - {row.key for row in rows}:
            self._rows.pop(key)[0].delete()
        for row in rows:
            _, cells = self._rows.get(row.key) or self._add(row)
            for words, cell in zip(cells, row.cells, strict=True):
                _fill(words, cell)
        self._order([self._rows[row.key][0] for row in rows])

    def say_empty(self, words: str) -> None:
        """What is said while there are no rows."""
        self._empty.say(words)

    def _order(self, wanted: list[Element]) -> None:
        if self._body.default_slot.children != wanted:
            self._body.default_slot.children[:] = wanted
            self._body.update()

    def _add(self, row: Row) -> tuple[Element, list[Words]]:
        with self._body, tag("tr", role="row", data_key=row.key) as line:
            cells = [_open_cell(column, cell) for column, cell in zip(self._columns, row.cells, strict=True)]
        self._rows[row.key] = line, cells
        return self._rows[row.key]


def _open_cell(column: Column, cell: Cell) -> Words:
    if not (cell.href or cell.is_chip):
        words = Words(tag="td", classes=column.kind)
        words.props.update({"role": "cell", "data-label": column.title})
        return words
    with tag("td", column.kind, role="cell", data_label=column.title):
        return Words(tag="a" if cell.href else "span", classes="chip" if cell.is_chip else "")


def _fill(words: Words, cell: Cell) -> None:
    words.say(cell.words, tone=cell.tone, why=cell.why)
    set_attribute(words, "href", cell.href)
