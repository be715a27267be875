"""The figures of the attribution, as plotly specifications."""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from helios_nautilus.domain.attribution import Trials
from helios_nautilus.report import numerals
from helios_nautilus.report.attribution import Attribution
from helios_nautilus.report.charts import Spec, layout
from helios_nautilus.report.wording import tier_name

_ROW: Final = 34
"""Height of a bar and its gap."""
_ROOM: Final = 0.2
"""For the figure beside a bar's end, as a share of the bars' span."""


def steps_chart(attribution: Attribution) -> Spec:
    """From the benchmark's return, part by part, to the account's."""
    effects = attribution.effects
    steps = (
        ("Buy and hold", attribution.benchmark, "absolute"),
        ("Allocation", effects.allocation, "relative"),
        ("Selection", effects.selection, "relative"),
        ("Timing before costs", effects.timing + effects.costs, "relative"),
        ("Costs", -effects.costs, "relative"),
        ("Currency", effects.currency, "relative"),
        ("This run", attribution.portfolio, "total"),
    )
    trace = {
        "type": "waterfall",
        "orientation": "h",
        "y": [name for name, _, _ in steps],
        "x": [float(f"{value:.8g}") for _, value, _ in steps],
        "measure": [measure for _, _, measure in steps],
        "text": [numerals.percent(value, signed=True) for _, value, _ in steps],
        "textposition": "outside",
        "cliponaxis": False,
        "increasing": {"marker": {"color": "var(--gain)"}},
        "decreasing": {"marker": {"color": "var(--loss)"}},
        "totals": {"marker": {"color": "var(--accent)"}},
        "connector": {"line": {"color": "var(--rule)", "width": 1}},
        "hoverinfo": "skip",
    }
    moves = [value for _, value, measure in steps if measure != "total"]
    spec = _bars(len(steps), list(accumulate(moves)), moves)
    spec["xaxis"] |= {"tickformat": ".1~%"}
    return {"data": [trace], "layout": spec}


def trials_chart(trials: Trials, currency: str) -> Spec:
    """Profit and loss with all tiers, and without each."""
    runs = [("All tiers", trials.base.pnl)]
    runs += [(f"Without {tier_name(trial.tier)}", trial.figures.pnl) for trial in trials.without]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [name for name, _ in runs],
        "x": [round(pnl, 2) for _, pnl in runs],
        "text": [numerals.money(pnl, currency, signed=True) for _, pnl in runs],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": ["var(--accent)"] + ["var(--regime-medium)"] * len(trials.without)},
        "hoverinfo": "skip",
    }
    amounts = [pnl for _, pnl in runs]
    spec = _bars(len(runs), amounts, amounts)
    spec["xaxis"] |= {"tickprefix": numerals.money_prefix(currency), "tickformat": ","}
    return {"data": [trace], "layout": spec}


def _bars(rows: int, ends: Sequence[float], moves: Sequence[float]) -> Spec:
    """Horizontal bars that end there after moving so far, with room for the figure beside each end."""
    room = (max(*ends, 0.0) - min(*ends, 0.0)) * _ROOM or 1.0
    reach = [end + math.copysign(room, move) for end, move in zip(ends, moves, strict=True)]
    spec = layout(height=70 + _ROW * rows, hovermode="closest")
    spec["showlegend"] = False
    spec["margin"] |= {"t": 10}
    spec["xaxis"] |= {"range": [min(*reach, 0.0), max(*reach, 0.0)], "showgrid": True}
    spec["xaxis"] |= {"zeroline": True, "zerolinecolor": "var(--muted)"}
    spec["yaxis"] |= {"type": "category", "autorange": "reversed", "showgrid": False}
    return spec
