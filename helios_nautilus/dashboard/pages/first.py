"""What a page shows at once, in its very HTML: mode, freshness, banners and the account's first figures.

The page library draws nothing before the browser has read its half megabyte, which takes a busy machine a second. Until
then this stands in the same place, with the same looks; it can be read and not be used.
"""

from html import escape
from typing import Final

from helios_nautilus.dashboard.pages.feed import Picture
from helios_nautilus.dashboard.pages.figures import freshness, headline
from helios_nautilus.dashboard.pages.frame import PLACES, kill_words
from helios_nautilus.dashboard.pages.live import Figure
from helios_nautilus.dashboard.pages.wording import clock
from helios_nautilus.journal.records import Mode

FIRST: Final = "first"
"""Id of what stands there."""
# With what is drawn in its place it goes, before the browser paints: nobody ever sees both.
_MAKE_WAY: Final = (
    "<script>new MutationObserver((_, drawn) => {"
    " if (!document.querySelector('#app > *')) return;"
    f" document.getElementById('{FIRST}').remove(); drawn.disconnect();"
    "}).observe(document.body, {childList: true, subtree: true});</script>"
)


def first_look(mode: Mode, picture: Picture, *, with_figures: bool) -> str:
    """HTML for the beginning of a page's body."""
    pulse, tone = _freshness(picture)
    places = "".join(f"<a>{words}</a>" for words in PLACES.values())
    bar = (
        f'<header class="bar {mode}"><span class="brand">Helios</span><span class="mode {mode}">{mode.upper()}</span>'
        f'<nav>{places}</nav><div class="end"><span class="pulse {tone}">{escape(pulse)}</span></div></header>'
    )
    figures = _tiles(headline(picture.records.metrics)) if with_figures and picture.records is not None else ""
    page = f'<div class="page">{figures}</div>'
    return f'<div id="{FIRST}" aria-busy="true" inert>{bar}{_banners(picture)}{page}</div>{_MAKE_WAY}'


def _freshness(picture: Picture) -> tuple[str, str]:
    """Nothing renews this: where no script ever comes it must not go on calling itself live."""
    words, tone = freshness(picture)
    return (words, tone) if tone else (f"as of {clock(picture.now_ns, picture.now_ns)} UTC", "")


def _banners(picture: Picture) -> str:
    said = (kill_words(picture), (picture.trouble, "alarm"))
    return "".join(f'<div class="banner {tone}">{escape(words)}</div>' for words, tone in said if words)


def _tiles(figures: list[Figure]) -> str:
    return f'<dl class="tiles">{"".join(map(_tile, figures))}</dl>'


def _tile(figure: Figure) -> str:
    words = f'<span class="{figure.tone}">{escape(figure.words)}</span>'
    beside = f'<dd class="beside">{escape(figure.beside)}</dd>'
    return f'<div><dt>{escape(figure.label)}</dt><dd class="figure">{words}</dd>{beside}</div>'
