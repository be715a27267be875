"""The figures of an evaluation's page, as plotly specifications; colours are names of the page's CSS variables."""

from typing import Final

from helios_nautilus.models.evaluate import CalibrationBin
from helios_nautilus.models.judgement import EquityLine, Judgement
from helios_nautilus.report.charts import Spec, layout

COLORS: Final = {
    "prior": "var(--rule)",
    "logistic": "var(--muted)",
    "boosting": "var(--gain)",
    "network": "var(--accent)",
    "ensemble": "var(--ink)",
}
_THRESHOLD_COLORS: Final = (
    "var(--muted)",
    "var(--regime-medium)",
    "var(--regime-high)",
    "var(--regime-extreme)",
    "var(--accent)",
)
_NS_PER_MS: Final = 1_000_000


def evaluation_charts(judgement: Judgement) -> dict[str, Spec]:
    """Every chart of the page by the id of its element."""
    charts = {"chart-calibration": calibration_chart(judgement), "chart-deciles": decile_chart(judgement)}
    for model in dict.fromkeys(line.model for line in judgement.equity):
        lines = [line for line in judgement.equity if line.model == model]
        charts[f"chart-equity-{model}"] = equity_chart(lines, judgement.day_stamps_ns)
    if judgement.importance:
        charts["chart-importance"] = importance_chart(judgement)
    return charts


def calibration_chart(judgement: Judgement) -> Spec:
    """What was said against what came, before and after calibration; on the diagonal both are the same."""
    ideal = _line("said = came", [0, 1], [0, 1], "var(--muted)", "dash")
    traces = [ideal | {"mode": "lines", "hoverinfo": "skip"}]
    for model in ("boosting", "network", "ensemble"):
        showing = judgement.showing(model)
        if model == "network":
            traces.append(_reliability("network, before calibration", showing.calibration_before, model, "dot"))
        traces.append(_reliability(model, showing.calibration_after, model, "solid"))
    spec = layout(height=380, hovermode="closest")
    spec["xaxis"] |= {"title": {"text": "probability said"}, "range": [0, 1], "tickformat": ".0%", "showgrid": True}
    spec["yaxis"] |= {"title": {"text": "how often it came"}, "range": [0, 1], "tickformat": ".0%"}
    return {"data": traces, "layout": spec}


def decile_chart(judgement: Judgement) -> Spec:
    """How often the likelier side was right, by tenths of rising directional confidence."""
    traces = [
        _line("coin", [1, 10], [0.5, 0.5], "var(--muted)", "dash") | {"mode": "lines", "hoverinfo": "skip"},
    ]
    for model in ("logistic", "boosting", "network", "ensemble"):
        deciles = judgement.showing(model).metrics.directional_deciles
        accuracy = [each.accuracy for each in deciles]
        trace = _line(model, list(range(1, len(accuracy) + 1)), accuracy, COLORS[model], "solid")
        traces.append(trace | {"hovertemplate": f"{model}, tenth %{{x}}: %{{y:.1%}}<extra></extra>"})
    spec = layout(height=380, hovermode="closest")
    spec["xaxis"] |= {"title": {"text": "tenths of confidence, highest last"}, "dtick": 1}
    spec["yaxis"] |= {"tickformat": ".0%"}
    return {"data": traces, "layout": spec}


def equity_chart(lines: list[EquityLine], day_stamps_ns: tuple[int, ...]) -> Spec:
    """Sum of net returns so far at each threshold, as taker (solid) and as maker (dotted)."""
    days = [stamp // _NS_PER_MS for stamp in day_stamps_ns]
    thresholds = sorted({line.threshold for line in lines})
    traces = []
    for line in lines:
        color = _THRESHOLD_COLORS[thresholds.index(line.threshold) % len(_THRESHOLD_COLORS)]
        name = f"{line.threshold:.2f} as {line.entry}"
        total = [float(f"{value:.6g}") for value in line.total]
        trace = _line(name, days, total, color, "solid" if line.entry == "taker" else "dot")
        traces.append(trace | {"mode": "lines", "hovertemplate": "%{y:.2%}"})
    spec = layout(height=380, hovermode="x unified")
    spec["xaxis"] |= {"type": "date"}
    spec["yaxis"] |= {"tickformat": ".0%"}
    return {"data": traces, "layout": spec}


def importance_chart(judgement: Judgement) -> Spec:
    """How much the log-loss rises without each part of the features."""
    parts = [each.part for each in judgement.importance]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": model,
            "y": parts,
            "x": [each.added_loss[model] for each in judgement.importance],
            "marker": {"color": COLORS[model]},
            "hovertemplate": f"{model} without %{{y}}: %{{x:+.5f}}<extra></extra>",
        }
        for model in judgement.importance[0].added_loss
    ]
    spec = layout(height=90 + 34 * len(parts), hovermode="closest")
    spec["barmode"] = "group"
    spec["xaxis"] |= {"title": {"text": "log-loss added"}, "showgrid": True}
    spec["yaxis"] |= {"type": "category", "autorange": "reversed", "showgrid": False}
    return {"data": traces, "layout": spec}


def _reliability(name: str, bins: tuple[CalibrationBin, ...], model: str, dash: str) -> Spec:
    line = _line(name, [each.p_mean for each in bins], [each.frequency for each in bins], COLORS[model], dash)
    return line | {
        "text": [f"{each.count:,}" for each in bins],
        "hovertemplate": f"{name}: said %{{x:.1%}}, came %{{y:.1%}} of %{{text}}<extra></extra>",
    }


def _line(name: str, x: list[int] | list[float], y: list[int] | list[float], color: str, dash: str) -> Spec:
    return {
        "x": x,
        "y": y,
        "name": name,
        "mode": "lines+markers",
        "line": {"color": color, "width": 1.6, "dash": dash},
        "marker": {"color": color, "size": 6},
    }
