"""The pieces that change while they are looked at: words, tiles, tables. Only what changed goes to the browser.

Elements stay what they are when their words change, so whoever has the keyboard or a screen reader on one keeps it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from helios_nautilus.report.numerals import UNKNOWN


class Words(TextElement):
    """An element of nothing but words, in a tone: ``gain``, ``loss``, ``warn``, ``alarm`` or none."""

    def __init__(self, words: str = "", *, tag: str = "span", classes: str = "") -> None:
        super().__init__(tag=tag, text=words)
        self._tone = ""
        if classes:
            self.classes(classes)

    def say(self, words: str, *, tone: str = "", why: str = "") -> None:
        """Say this from now on; ``why`` is shown on hovering, and read out."""
        self.text = words
        if tone != self._tone:
            self.classes(remove=self._tone or None, add=tone or None)
            self._tone = tone
        set_attribute(self, "title", why)


def set_attribute(element: Element, name: str, value: str | bool | int) -> None:
    """Give an element an attribute, or take it away where ``value`` is empty; nothing is sent if it had it."""
    if element.props.get(name, "") == value:
        return
    if value == "" or value is False:
        element.props.pop(name, None)
        element.update()
    else:
        element.props[name] = value


def show_if(element: Element, wanted: bool) -> None:
    """Show an element, or hide it from everyone."""
    set_attribute(element, "hidden", not wanted)


def tag(name: str, /, classes: str = "", **attributes: str) -> Element:
    """A plain HTML element; an underscore in an attribute's name stands for a hyphen."""
    element = Element(name)
    if classes:
        element.classes(classes)
    for key, value in attributes.items():
        element.props[key.rstrip("_").replace("_", "-")] = value
    return element


def link(words: str, href: str, classes: str = "") -> Words:
    """A link to another page of ours."""
    element = Words(words, tag="a", classes=classes)
    element.props["href"] = href
    return element


@contextmanager
def panel(title: str, name: str, aside: str = "") -> Iterator[Element]:
    """A titled part of a page, found by screen readers under its title; yields its header's element."""
    with tag("section", "panel", aria_labelledby=f"{name}-title", data_part=name):
        with tag("header") as header:
            heading = Words(title, tag="h2")
            heading.props["id"] = f"{name}-title"
            if aside:
                Words(aside, classes="aside")
        yield header


class Figure(Struct, frozen=True, kw_only=True):
    """One figure of a list of them."""

    label: str
    words: str
    tone: str = ""
    beside: str = ""
    why: str = ""
    """Of an unknown figure: the reason."""


class Tiles:
    """A list of figures with their labels; the labels stay, the figures change."""

    def __init__(self, name: str, classes: str = "") -> None:
        self._list = tag("dl", f"tiles {classes}", data_part=name)
        self._tiles: dict[str, tuple[Words, Words]] = {}

    def show(self, figures: Sequence[Figure]) -> None:
        """Show these figures."""
        for figure in figures:
            words, beside = self._tiles.get(figure.label) or self._add(figure.label)
            words.say(figure.words, tone=figure.tone, why=figure.why)
            is_unknown = figure.words == UNKNOWN and bool(figure.why)
            set_attribute(words, "tabindex", "0" if is_unknown else "")
            set_attribute(words, "role", "note" if is_unknown else "")
            set_attribute(words, "aria-label", f"unknown: {figure.why}" if is_unknown else "")
            beside.say(figure.beside)

    def _add(self, label: str) -> tuple[Words, Words]:
        with self._list, tag("div"):
            Words(label, tag="dt")
            with tag("dd", "figure"):
                words = Words()
            self._tiles[label] = words, Words(tag="dd", classes="beside")
        return self._tiles[label]


class Facts:
    """Labels on the left, words on the right; rows come and go, and several may have the same label."""

    def __init__(self, name: str) -> None:
        self._list = tag("dl", "facts", data_part=name)
        self._rows: dict[tuple[str, int], tuple[Element, Words]] = {}

    def show(self, facts: Sequence[Figure]) -> None:
        """Show these facts, in the order in which they were first seen."""
        counts = Counter[str]()
        for fact in facts:
            counts[fact.label] += 1
            key = fact.label, counts[fact.label]
            row, words = self._rows.get(key) or self._add(key)
            words.say(fact.words, tone=fact.tone, why=fact.why)
            show_if(row, True)
        for (label, number), (row, _) in self._rows.items():
            if number > counts[label]:
                show_if(row, False)

    def _add(self, key: tuple[str, int]) -> tuple[Element, Words]:
        with self._list, tag("div") as row:
            Words(key[0], tag="dt")
            words = Words(tag="dd")
        self._rows[key] = row, words
        return self._rows[key]
