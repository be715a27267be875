"""The figures of a page, as plain plotly specifications.

Colours are names of the page's CSS variables, so that a figure follows light and dark; times are milliseconds UTC.
Text that may come from outside is escaped here, because plotly reads hover text as markup.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

import numpy as np

from helios_nautilus.domain.bars import Bars, Floats, Ints
from helios_nautilus.journal.records import PositionRecord, RunRecord, VolatilityRecord
from helios_nautilus.report import numerals
from helios_nautilus.report.curves import Curve
from helios_nautilus.report.wording import close_words

type Spec = dict[str, Any]

POINTS: Final = 2000
"""A line is thinned to at most so many points."""
BRACKETS_SHOWN: Final = 60
"""Stop and target lines are drawn up to so many trades a chart; more could not be told apart."""
_FLATTENS: Final = 10.0
"""Buying and holding is drawn on request only where it moves more than this many times as much as the run."""
REGIMES: Final = ("LOW", "MEDIUM", "HIGH", "EXTREME")

_NS_PER_MS: Final = 1_000_000
_EXIT_SYMBOLS: Final = {"STOP_LOSS": "x", "TAKE_PROFIT": "circle", "TIMEOUT": "square"}


def thin(values: Floats, points: int = POINTS) -> Ints:
    """Indices, in order, of at most ``points`` values that keep the ends and the extremes of every stretch."""
    if len(values) <= points:
        return np.arange(len(values))
    stretches = np.array_split(np.arange(len(values)), (points - 2) // 2)
    extremes = [index for part in stretches for index in (part[values[part].argmin()], part[values[part].argmax()])]
    return np.unique([0, *extremes, len(values) - 1])


def equity_chart(account: Curve, hold: Curve | None, run: RunRecord) -> Spec:
    """Equity over drawdown; buying and holding as a second line in both."""
    prefix = numerals.money_prefix(run.account_currency)
    traces = _curve_traces(account, "this run", "var(--accent)", 1.8, prefix)
    if hold is not None:
        flattens = np.ptp(hold.equity) > _FLATTENS * np.ptp(account.equity)
        name = "buy and hold (select to show)" if flattens else "buy and hold"
        shown = {"visible": "legendonly"} if flattens else {}
        traces += [trace | shown for trace in _curve_traces(hold, name, "var(--muted)", 1.1, prefix)]
    layout = _layout(run, height=430, hovermode="x unified")
    layout["yaxis"] |= {"domain": [0.34, 1.0], "tickprefix": prefix}
    layout["yaxis2"] = layout["yaxis"] | {"domain": [0.0, 0.26], "tickprefix": "", "tickformat": ".2~%"}
    layout["xaxis"] |= {"anchor": "y2"}
    return {"data": traces, "layout": layout}


def instrument_chart(bars: Bars, trades: Sequence[PositionRecord], run: RunRecord) -> Spec:
    """Price with entries and exits marked, and the stop and target of each trade while they can be told apart."""
    keep = thin(bars.close)
    line = {
        "x": _ms(bars.ts_ns[keep]),
        "y": _rounded(bars.close[keep]),
        "name": "price",
        "mode": "lines",
        "line": {"color": "var(--muted)", "width": 1},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    marks = _trade_traces(trades, run.account_currency) if trades else []
    return {"data": [line, *marks], "layout": _layout(run, height=330, hovermode="closest")}


def regime_chart(refits: Iterable[VolatilityRecord], run: RunRecord) -> Spec:
    """One lane an instrument, darker where its volatility was higher for that instrument."""
    lanes: dict[str, list[VolatilityRecord]] = {}
    for refit in refits:
        if refit.regime in REGIMES:
            lanes.setdefault(refit.instrument_id, []).append(refit)
    traces = [trace for name, lane in lanes.items() for trace in _lane_traces(name, lane, run.end_ns)]
    layout = _layout(run, height=90 + 30 * len(lanes), hovermode="closest")
    layout["yaxis"] |= {"type": "category", "autorange": "reversed", "showgrid": False}
    return {"data": [*_regime_legend(), *traces], "layout": layout}


def _curve_traces(curve: Curve, name: str, color: str, width: float, prefix: str) -> list[Spec]:
    line = {"mode": "lines", "name": name, "legendgroup": name, "line": {"color": color, "width": width}}
    top, below = thin(curve.equity), thin(curve.drawdown)
    return [
        line
        | {
            "x": _ms(curve.ts_ns[top]),
            "y": _rounded(curve.equity[top]),
            "hovertemplate": f"{prefix}%{{y:,.2f}}",
        },
        line
        | {
            "x": _ms(curve.ts_ns[below]),
            "y": _rounded(-curve.drawdown[below]),
            "yaxis": "y2",
            "showlegend": False,
            "name": f"drawdown, {name}",
            "hovertemplate": "%{y:.2%}",
        },
    ]


def _trade_traces(trades: Sequence[PositionRecord], currency: str) -> list[Spec]:
    traces = [_entries(trades, currency), _exits(trades, currency)]
    paths = [
        _segments(f"trade at a {word}", color, "solid", [(t, t.entry_price, t.exit_price) for t in part])
        for word, color, part in (
            ("gain", "var(--gain)", [t for t in trades if t.pnl > 0]),
            ("loss", "var(--loss)", [t for t in trades if t.pnl <= 0]),
        )
        if part
    ]
    if len(trades) > BRACKETS_SHOWN:
        return [*paths, *traces]
    stops = _segments("stop", "var(--loss)", "dot", [(t, t.stop_price, t.stop_price) for t in trades])
    targets = _segments("target", "var(--gain)", "dot", [(t, t.target_price, t.target_price) for t in trades])
    return [stops, targets, *paths, *traces]


def _segments(name: str, color: str, dash: str, lines: Iterable[tuple[PositionRecord, float, float]]) -> Spec:
    """Separate lines from entry to exit in one trace, broken by empty points."""
    x: list[float | None] = []
    y: list[float | None] = []
    for trade, start, end in lines:
        x += [trade.entry_ts_ns / _NS_PER_MS, trade.ts_ns / _NS_PER_MS, None]
        y += [start, end, None]
    return {
        "x": x,
        "y": y,
        "name": name,
        "mode": "lines",
        "line": {"color": color, "width": 1.2, "dash": dash},
        "hoverinfo": "skip",
    }


def _entries(trades: Sequence[PositionRecord], currency: str) -> Spec:
    symbols = ["triangle-up" if trade.side == "LONG" else "triangle-down" for trade in trades]
    return _marks("entry", [t.entry_ts_ns for t in trades], [t.entry_price for t in trades]) | {
        "marker": {"symbol": symbols, "size": 10, "color": "var(--accent)", "line": _OUTLINE},
        "text": [_hover("Entry", trade, currency) for trade in trades],
    }


def _exits(trades: Sequence[PositionRecord], currency: str) -> Spec:
    symbols = [_EXIT_SYMBOLS.get(trade.close_reason, "diamond") for trade in trades]
    colors = ["var(--gain)" if trade.pnl > 0 else "var(--loss)" for trade in trades]
    return _marks("exit", [t.ts_ns for t in trades], [t.exit_price for t in trades]) | {
        "marker": {"symbol": symbols, "size": 9, "color": colors, "line": _OUTLINE},
        "text": [_hover("Exit", trade, currency) for trade in trades],
    }


def _marks(name: str, ts_ns: Sequence[int], prices: Sequence[float]) -> Spec:
    return {
        "x": [ts / _NS_PER_MS for ts in ts_ns],
        "y": prices,
        "name": name,
        "mode": "markers",
        "hovertemplate": "%{text}<extra></extra>",
    }


_OUTLINE: Final = {"color": "var(--paper)", "width": 1.2}


def _hover(what: str, trade: PositionRecord, currency: str) -> str:
    at, price = (trade.entry_ts_ns, trade.entry_price) if what == "Entry" else (trade.ts_ns, trade.exit_price)
    words = (
        f"{trade.side.lower()} {numerals.quantity(trade.quantity)}",
        f"P&L {numerals.money(trade.pnl, currency, signed=True)} net",
        f"closed by {close_words(trade.close_reason)}",
    )
    head = f"<b>{what}</b> {numerals.moment(at)} at {numerals.price(price)}"
    return "<br>".join([head, *map(escape, words)])


def _lane_traces(name: str, lane: Sequence[VolatilityRecord], end_ns: int) -> Iterable[Spec]:
    """Horizontal bars, one trace a regime, each from one refit to the next."""
    ends = [refit.ts_ns for refit in lane[1:]] + [max(end_ns, lane[-1].ts_ns)]
    for regime in REGIMES:
        spans = [(refit, end) for refit, end in zip(lane, ends, strict=True) if refit.regime == regime]
        if spans:
            yield _bars(regime) | {
                "base": [refit.ts_ns / _NS_PER_MS for refit, _ in spans],
                "x": [(end - refit.ts_ns) / _NS_PER_MS for refit, end in spans],
                "y": [escape(name)] * len(spans),
                "showlegend": False,
                "text": [_regime_hover(refit) for refit, _ in spans],
            }


def _bars(regime: str) -> Spec:
    return {
        "type": "bar",
        "orientation": "h",
        "name": regime,
        "legendgroup": regime,
        "marker": {"color": f"var(--regime-{regime.lower()})", "line": {"width": 0}},
        "hovertemplate": "%{text}<extra></extra>",
        "textposition": "none",
    }


def _regime_legend() -> list[Spec]:
    return [_bars(regime) | {"x": [None], "y": [None]} for regime in REGIMES]


def _regime_hover(refit: VolatilityRecord) -> str:
    lines = (
        f"{refit.instrument_id} {refit.regime}",
        f"{numerals.percent(refit.vol_daily)} a day by {refit.source}",
        f"from {numerals.moment(refit.ts_ns)}",
    )
    return "<br>".join(map(escape, lines))


def _layout(run: RunRecord, *, height: int, hovermode: str) -> Spec:
    window = [run.start_ns / _NS_PER_MS, run.end_ns / _NS_PER_MS]
    spec = layout(height=height, hovermode=hovermode)
    spec["xaxis"] |= {"type": "date", "range": window}
    return spec


def layout(*, height: int, hovermode: str) -> Spec:
    """What all figures of all pages have in common."""
    axis = {"gridcolor": "var(--rule)", "zeroline": False, "linecolor": "var(--rule)", "ticks": ""}
    return {
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 34, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "inherit", "size": 12, "color": "var(--muted)"},
        "separators": f".{numerals.SPACE}",
        "hovermode": hovermode,
        "hoverlabel": {"bgcolor": "var(--surface)", "bordercolor": "var(--rule)", "font": {"color": "var(--ink)"}},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "barmode": "overlay",
        "bargap": 0.35,
        "xaxis": axis | {"showgrid": False},
        "yaxis": axis | {"automargin": True, "tickformat": ","},
    }


def _ms(ts_ns: Ints) -> list[int]:
    return [int(ts) for ts in ts_ns // _NS_PER_MS]


def _rounded(values: Floats) -> list[float]:
    """Eight significant digits: more than a screen shows, fewer than a float prints."""
    return [float(f"{value:.8g}") for value in values]
