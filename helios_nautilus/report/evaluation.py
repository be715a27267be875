"""The page of an evaluation: one HTML file that needs nothing but a browser, and its figures beside it."""

from pathlib import Path
from typing import Final

import msgspec
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from helios_nautilus.models.bootstrap import Interval
from helios_nautilus.models.judgement import Judgement
from helios_nautilus.report import findings, numerals
from helios_nautilus.report.evaluation_charts import evaluation_charts
from helios_nautilus.report.render import environment, script_json, write_whole

PAGE: Final = "evaluation.html"
FIGURES: Final = "evaluation.json"


def write_evaluation(judgement: Judgement, folder: Path) -> None:
    """Write ``evaluation.html`` and ``evaluation.json`` into ``folder``; a file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / PAGE, render_evaluation(judgement).encode())
    write_whole(folder / FIGURES, msgspec.json.format(msgspec.json.encode(judgement)) + b"\n")


def render_evaluation(judgement: Judgement) -> str:
    """The HTML text of the page."""
    charts = evaluation_charts(judgement)
    return (
        environment()
        .get_template(PAGE)
        .render(
            judgement=judgement,
            headline=findings.headline(judgement),
            sentences=list(findings.sentences(judgement)),
            names=findings.NAMES,
            interval=_interval,
            figure=figure,
            difference=findings.difference_words,
            slices={
                by: [each for each in judgement.slices if each.by == by] for by in ("regime", "hour", "instrument")
            },
            equity_models=list(dict.fromkeys(line.model for line in judgement.equity)),
            chart_specs=script_json(charts),
            plotly_js=Markup(get_plotlyjs()),
        )
    )


def figure(value: float | None) -> str:
    """A skill, a correlation or a share, to four decimals."""
    return numerals.UNKNOWN if value is None else f"{value:.4f}".replace("-", "\u2212")


def _interval(found: Interval | None) -> str:
    return "" if found is None else f"{figure(found.low)} to {figure(found.high)}"
