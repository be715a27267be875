"""The pieces that change while they are looked at: words, tiles, facts. Only what changed goes to the browser.

Elements stay what they are when their words change, so whoever has the keyboard or a screen reader on one keeps it.
A list is one element, which the browser draws out of its data (``tiles.js``, ``facts.js``).
"""

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


def set_data(element: Element, name: str, value: object) -> None:
    """Give an element what it draws; nothing is sent if it had it."""
    if element.props.get(name) != value:
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


class Tiles(Element, component="tiles.js"):
    """A list of figures with their labels."""

    def __init__(self, name: str, classes: str = "") -> None:
        super().__init__()
        self.classes(f"tiles {classes}")
        self.props.update({"data-part": name, "figures": ()})

    def show(self, figures: Sequence[Figure]) -> None:
        """Show these figures."""
        told = (
            (each.label, each.words, each.tone, each.beside, each.why, each.words == UNKNOWN and bool(each.why))
            for each in figures
        )
        set_data(self, "figures", tuple(told))


class Facts(Element, component="facts.js"):
    """Labels on the left, words on the right; rows come and go, and several may have the same label."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.classes("facts")
        self.props.update({"data-part": name, "facts": ()})

    def show(self, facts: Sequence[Figure]) -> None:
        """Show these facts."""
        set_data(self, "facts", tuple((fact.label, fact.words, fact.tone, fact.why) for fact in facts))
