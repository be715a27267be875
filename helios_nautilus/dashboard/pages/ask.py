"""Buttons, and the dialog that stands between one and an order."""

from collections.abc import Awaitable, Callable
from typing import Final

from nicegui import ui
from nicegui.events import GenericEventArguments

from helios_nautilus.dashboard.pages.live import Words, set_attribute, show_if, tag
from helios_nautilus.dashboard.pages.orders import Acknowledgement

type Confirmed = Callable[[str, str], Awaitable[None]]
"""Called with who and why."""


_LONGEST: Final = 200
"""Characters of a name or a reason; what is typed goes into the journal and onto terminals, so only printable ones."""


class Ask:
    """A dialog between a button and an order.

    With ``wants_reason`` it asks for name and reason first; ``option`` words a box that may be ticked.
    """

    def __init__(
        self,
        title: str,
        confirm: str,
        confirmed: Confirmed,
        *,
        wants_reason: str = "",
        option: str = "",
        is_danger: bool = False,
    ) -> None:
        self._title, self._words_of_confirm, self._confirmed = title, confirm, confirmed
        self._wants_reason, self._option, self._is_danger = wants_reason, option, is_danger
        self._given = {"who": "", "why": ""}
        self.is_ticked = False
        self._is_built = False
        with ui.dialog() as self._dialog:
            pass

    def open(self, words: str, who: str = "") -> None:
        """Ask, saying what would happen; ``who`` is asked for where it is not known."""
        if not self._is_built:
            self._build()
        self._words.say(words)
        self._given = {"who": who, "why": ""}
        for name, field in self._fields:
            field.props["value"] = self._given[name]
            show_if(field.parent_slot.parent, not (name == "who" and who))  # type: ignore[union-attr]
        self.is_ticked = False
        if self._box is not None:
            self._box.props["checked"] = False
        self.acknowledgement.say("")
        show_if(self._confirm, True)
        self._close.say("Cancel")
        self._dialog.open()

    def _build(self) -> None:
        """Once it is asked: most pages are left without any question."""
        self._is_built = True
        with self._dialog, tag("div", "ask") as box:
            heading = Words(self._title, tag="h2")
            heading.props["id"] = f"ask-{box.id}"
            self._dialog.props["aria-labelledby"] = f"ask-{box.id}"
            self._words = Words(tag="p")
            self._fields = self._build_fields() if self._wants_reason else []
            self._box = self._build_box(self._option) if self._option else None
            self.acknowledgement = Acknowledgement()
            with tag("div", "row"):
                self._close = button("Cancel", self._dialog.close)
                self._confirm = button(self._words_of_confirm, self._send, "danger" if self._is_danger else "")

    def _build_fields(self) -> list[tuple[str, ui.element]]:
        fields = []
        for name, words in (("who", "Your name"), ("why", self._wants_reason)):
            with tag("label", "field"):
                Words(words)
                field = tag(
                    "input", type="text", name=name, maxlength=str(_LONGEST), autocomplete="off", required="required"
                )
                field.on("input", self._taker(name), js_handler="event => emit(event.target.value)")
                field.on("keydown.enter", self._send, args=[])
            fields.append((name, field))
        return fields

    def _build_box(self, words: str) -> ui.element:
        with tag("label", "option"):
            box = tag("input", type="checkbox").on(
                "change", self._tick, js_handler="event => emit(event.target.checked)"
            )
            Words(words)
        return box

    def _tick(self, event: GenericEventArguments) -> None:
        self.is_ticked = event.args is True

    def _taker(self, name: str) -> Callable[[GenericEventArguments], None]:
        def take(event: GenericEventArguments) -> None:
            self._given[name] = "".join(filter(str.isprintable, str(event.args)))[:_LONGEST]

        return take

    async def _send(self) -> None:
        missing = [name for name, _ in self._fields if not self._given[name].strip()]
        if missing:
            self.acknowledgement.say("Say who you are, and why." if "who" in missing else "Say why.", "warn")
            return
        show_if(self._confirm, False)
        self._close.say("Close")
        await self._confirmed(self._given["who"].strip(), self._given["why"].strip())


def button(words: str, pressed: Callable[[], object], classes: str = "") -> Words:
    """A button that calls ``pressed``."""
    element = Words(words, tag="button", classes=f"act {classes}".strip())
    element.props["type"] = "button"
    element.on("click", pressed, args=[])
    return element


def allow(button: ui.element, refusal: str) -> None:
    """Draw a button as enabled, or say why it is not."""
    set_attribute(button, "disabled", bool(refusal))
    set_attribute(button, "title", refusal)
