"""What every page has around it: the bar with mode, places and freshness, and the banners nobody may overlook."""

from pathlib import Path
from typing import Final

from nicegui import ui
from nicegui.client import Client

from helios_nautilus.dashboard.pages.feed import Picture
from helios_nautilus.dashboard.pages.figures import freshness
from helios_nautilus.dashboard.pages.live import Words, link, set_attribute, show_if, tag
from helios_nautilus.journal.records import Mode

PLACES: Final = {
    "/": "Overview",
    "/trades": "Trades",
    "/decisions": "Decisions",
    "/events": "Events",
    "/controls": "Controls",
}
THEME: Final = Path(__file__).with_name("theme.css").read_text(encoding="utf-8")
ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1a56a0"/>'
    '<path d="M7 21l6-6 4 4 8-9" fill="none" stroke="#fff" stroke-width="3.2" stroke-linecap="round"/></svg>'
)


def dress(title: str, mode: Mode) -> None:
    """Give the page its looks and its title."""
    ui.page_title(f"{title} · {mode.upper()} · Helios")
    ui.add_css(THEME)


class Frame:
    """The bar and the banners; they show a picture like any part of a page.

    Parameters
    ----------
    place
        Path of the page's entry in the bar.
    who
        Who is looking, and as what; empty where nobody had to say.

    """

    def __init__(self, mode: Mode, place: str, who: str, client: Client) -> None:
        with client.layout, tag("div", "over") as over:
            link("Skip to the content", "#content", classes="skip")
            self._build_bar(mode, place, who)
            self._kill = Words(tag="div", classes="banner")
            self._trouble = Words(tag="div", classes="banner")
        # Before the main part, in the order of reading and of the keyboard.
        over.move(client.layout, target_index=0)
        for banner in (self._kill, self._trouble):
            banner.props["role"] = "alert"

    def _build_bar(self, mode: Mode, place: str, who: str) -> None:
        with tag("header", f"bar {mode}"):
            link("Helios", "/", classes="brand")
            set_attribute(Words(mode.upper(), classes=f"mode {mode}"), "aria-label", f"{mode} trading")
            with tag("nav", aria_label="Pages"):
                for path, words in PLACES.items():
                    set_attribute(link(words, path), "aria-current", "page" if path == place else "")
            with tag("div", "end") as self.end:
                self._pulse = Words(classes="pulse")
                self._pulse.props["role"] = "status"
                if who:
                    _build_visitor(who)

    def show(self, picture: Picture) -> None:
        """Say how fresh this is, whether the kill switch is down, and what is wrong."""
        words, tone = freshness(picture)
        self._pulse.say(words, tone=tone)
        kill, tone = kill_words(picture)
        self._kill.say(kill, tone=tone)
        show_if(self._kill, bool(kill))
        self._trouble.say(picture.trouble, tone="alarm")
        show_if(self._trouble, bool(picture.trouble))


def _build_visitor(who: str) -> None:
    with tag("form", "visitor", method="post", action="/session/end"):
        Words(who, classes="muted small who")
        Words("Log out", tag="button", classes="act link").props["type"] = "submit"


def kill_words(picture: Picture) -> tuple[str, str]:
    """What the kill switch says if it is down, and its tone; entries that are switched off count too.

    Before all that, what a node that is gone has left open.
    """
    node = picture.node
    if node is None:
        return "", ""
    if picture.is_gone and node.positions:
        return f"The node does not run: nothing watches the stops of what it held ({len(node.positions)})", "alarm"
    if node.kill_state != "NORMAL":
        state = "HALT: no entries, positions are closed" if node.kill_state == "HALT" else "REDUCE ONLY: no entries"
        return f"{state}. {node.kill_words}", "alarm" if node.kill_state == "HALT" else "warn"
    return ("Auto-trading is off: no entries until it is switched on", "warn") if not node.entries_on else ("", "")
