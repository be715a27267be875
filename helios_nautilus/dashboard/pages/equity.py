"""The equity curve, over an hour, four, a day or all: drawn by ECharts, told in a sentence to who cannot see it."""

from collections.abc import Callable
from typing import Any, Final, get_args

from nicegui.elements.echart import EChart

from helios_nautilus.dashboard.pages.feed import Picture
from helios_nautilus.dashboard.pages.live import Words, panel, set_attribute, show_if, tag
from helios_nautilus.dashboard.shown import EquityCurve, Span
from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.report.numerals import money, money_prefix, percent

_SPANS: Final[dict[Span, str]] = dict(zip(get_args(Span.__value__), ("1H", "4H", "1D", "All"), strict=True))
_LABEL: Final = {"color": "var(--muted)", "fontFamily": "Roboto, system-ui, sans-serif", "fontSize": 11}
_FEWEST_POINTS: Final = 2


class EquityPanel:
    """The curve with its four spans; each visitor chooses for themself."""

    def __init__(self) -> None:
        self._span: Span = "1D"
        self._shown: EquityCurve | None = None
        self._chart: EChart | None = None
        self._picture = Picture()
        self._buttons: dict[Span, Words] = {}
        with panel("Equity", "equity") as header:
            with header:
                self._sentence = Words(classes="aside")
                with tag("div", "choice right", role="group", aria_label="How far back"):
                    for span, words in _SPANS.items():
                        self._buttons[span] = Words(words, tag="button")
                        self._buttons[span].props["type"] = "button"
                        self._buttons[span].on("click", self._chooser(span), args=[])
            with tag("div", "body"):
                self._place = tag("div", "chart", role="img")
                self._none = Words(tag="p", classes="muted")
        self._mark()

    def show(self, picture: Picture) -> None:
        """Draw the chosen span; nothing is sent while the curve is the same."""
        self._picture = picture
        if picture.records is None:
            show_if(self._place, False)
            self._none.say(picture.trouble or "nothing has been read yet")
            return
        curve = picture.records.curves[self._span]
        if curve != self._shown:
            self._tell(curve)
        if self._chart is None and self._place.client.has_socket_connection:
            self._draw(curve)

    def _tell(self, curve: EquityCurve) -> None:
        """Say the curve in a sentence, and draw it anew if it was drawn."""
        self._shown = curve
        has_line = len(curve.points) >= _FEWEST_POINTS
        show_if(self._place, has_line)
        self._none.say("" if has_line else _no_line(curve))
        words = describe(curve) if has_line else ""
        self._sentence.say(words)
        set_attribute(self._place, "aria-label", f"Equity curve: {words}")
        if self._chart is not None:
            self._draw(curve)

    def _draw(self, curve: EquityCurve) -> None:
        """Draw the curve. The first figures do not wait for the megabyte that draws: it comes once they are there."""
        if len(curve.points) < _FEWEST_POINTS:
            return
        options = draw(curve)
        if self._chart is None:
            with self._place:
                self._chart = EChart(options, renderer="svg").classes("drawing")
        else:
            self._chart.options.clear()
            self._chart.options.update(options)
            self._chart.update()

    def _chooser(self, span: Span) -> Callable[[], None]:
        def choose() -> None:
            self._span = span
            self._mark()
            self.show(self._picture)

        return choose

    def _mark(self) -> None:
        for span, button in self._buttons.items():
            set_attribute(button, "aria-pressed", "true" if span == self._span else "false")


def describe(curve: EquityCurve) -> str:
    """A curve of at least two points in a sentence."""
    first, last = curve.points[0].equity, curve.points[-1].equity
    low, high = (money(pick(point.equity for point in curve.points), curve.currency) for pick in (min, max))
    change = percent(last / first - 1, signed=True) if first > 0 else ""
    return f"{money(last, curve.currency)}, {change} · low {low}, high {high}"


def draw(curve: EquityCurve) -> dict[str, Any]:
    """ECharts' options; colours are the theme's own, so light and dark need no second drawing."""
    axis = {
        "axisLabel": {**_LABEL, "hideOverlap": True},
        "axisLine": {"show": False},
        "axisTick": {"show": False},
        "splitLine": {"show": False},
    }
    return {
        "animation": False,
        "useUTC": True,
        "grid": {"left": 4, "right": 12, "top": 12, "bottom": 4, "containLabel": True},
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "backgroundColor": "var(--surface)",
            "borderColor": "var(--rule)",
            "textStyle": {"color": "var(--ink)", "fontSize": 12},
            ":valueFormatter": _value_formatter(curve.currency),
        },
        "xAxis": {**axis, "type": "time"},
        "yAxis": {
            **axis,
            "type": "value",
            "scale": True,
            "splitNumber": 4,
            "splitLine": {"lineStyle": {"color": "var(--rule)"}},
            "axisLabel": {**_LABEL, ":formatter": _value_formatter(curve.currency)},
        },
        "series": [
            {
                "name": "Equity",
                "type": "line",
                "data": [[point.ts_ns // NS_PER_MS, point.equity] for point in curve.points],
                "showSymbol": False,
                "lineStyle": {"color": "var(--accent)", "width": 1.75},
                "itemStyle": {"color": "var(--accent)"},
                "areaStyle": {"color": "var(--accent)", "opacity": 0.1},
                "emphasis": {"disabled": True},
            }
        ],
    }


def _value_formatter(currency: str) -> str:
    """In the browser: whole amounts, thousands apart by a no-break space."""
    return f"value => {money_prefix(currency)!r} + Math.round(value).toLocaleString('en').replaceAll(',', '\\u00a0')"


def _no_line(curve: EquityCurve) -> str:
    return "equity was marked only once in this span" if curve.points else "equity was not marked in this span"
