"""The page of a run: one HTML file that needs nothing but a browser, and the summary beside it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from helios_nautilus.domain.attribution import Trials
from helios_nautilus.domain.bars import Bars
from helios_nautilus.journal.records import (
    EventRecord,
    KillSwitchRecord,
    PositionRecord,
    Record,
    RunRecord,
    VolatilityRecord,
)
from helios_nautilus.report import charts
from helios_nautilus.report.attribution_charts import steps_chart, trials_chart
from helios_nautilus.report.curves import account_curve, buy_and_hold_curve
from helios_nautilus.report.decisions import select_decisions
from helios_nautilus.report.funnel import follow
from helios_nautilus.report.gate_use import gate_words
from helios_nautilus.report.render import environment, script_json, write_whole
from helios_nautilus.report.summary import Summary, run_of, summarise
from helios_nautilus.report.verdict import is_rough, verdict, why_no_trades

EVENTS_SHOWN: Final = 100
"""The latest events are listed, this many; all are counted."""
TRADES_SHOWN: Final = 1000
"""The latest trades are listed and marked in the charts, this many; all are in the figures."""


def write_report(
    records: Iterable[Record], prices: Mapping[str, Bars], folder: Path, tiers: Trials | None = None
) -> Summary:
    """Write ``index.html`` and ``summary.json`` of one run into ``folder`` and return the summary.

    ``prices`` are bars in the quote currency by instrument id, for the charts and for buying and holding;
    ``tiers`` what runs without each tier came to. A file appears whole or not at all. `DataError` if the records hold
    no run.
    """
    records = list(records)
    summary = summarise(records, prices, tiers)
    page = render_page(records, prices, summary)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "index.html", page.encode())
    write_whole(folder / "summary.json", msgspec.json.format(msgspec.json.encode(summary)) + b"\n")
    return summary


def render_page(records: Iterable[Record], prices: Mapping[str, Bars], summary: Summary) -> str:
    """The HTML text of the page."""
    records = list(records)
    run = run_of(records)
    trades = [record for record in records if isinstance(record, PositionRecord)][-TRADES_SHOWN:]
    refits = [record for record in records if isinstance(record, VolatilityRecord)]
    events = [record for record in records if isinstance(record, EventRecord)]
    decisions = select_decisions(records, follow(records))
    specs = _charts(run, records, prices, trades, refits) | _attribution_charts(summary)
    template = environment().get_template("page.html")
    return template.render(
        summary=summary,
        run=run,
        verdict=verdict(summary),
        why_no_trades="" if trades or summary.open_positions else why_no_trades(summary.funnel),
        gate_words=gate_words(summary.gate),
        is_rough=is_rough(summary),
        trades=trades,
        decisions=decisions,
        anchors=decisions.anchors(),
        regimes=regime_shares(refits, run.end_ns),
        kill_switch=[record for record in records if isinstance(record, KillSwitchRecord)],
        event_counts=Counter(event.kind for event in events).most_common(),
        event_total=len(events),
        events=events[-EVENTS_SHOWN:],
        brackets_shown=charts.BRACKETS_SHOWN,
        charted=set(specs),
        chart_specs=script_json(specs),
        plotly_js=Markup(get_plotlyjs()),
    )


def regime_shares(refits: Iterable[VolatilityRecord], end_ns: int) -> dict[str, dict[str, float]]:
    """Share of the time that each instrument spent in each regime, from its first refit to the end."""
    spans: dict[str, Counter[str]] = {}
    latest: dict[str, VolatilityRecord] = {}
    for refit in refits:
        if before := latest.get(refit.instrument_id):
            spans[refit.instrument_id][before.regime] += refit.ts_ns - before.ts_ns
        spans.setdefault(refit.instrument_id, Counter())
        latest[refit.instrument_id] = refit
    for name, last in latest.items():
        spans[name][last.regime] += max(0, end_ns - last.ts_ns)
    return {
        name: {regime: span / total for regime, span in times.items()}
        for name, times in spans.items()
        if (total := times.total())
    }


def _charts(
    run: RunRecord,
    records: Iterable[Record],
    prices: Mapping[str, Bars],
    trades: list[PositionRecord],
    refits: list[VolatilityRecord],
) -> dict[str, charts.Spec]:
    """Every chart of the page by the id of its element."""
    account, hold = account_curve(run, records), buy_and_hold_curve(run, prices)
    specs = {"chart-equity": charts.equity_chart(account, hold, run)}
    for number, name in enumerate(run.instrument_ids, start=1):
        if name in prices and len(bars := prices[name].window(run.start_ns, run.end_ns)):
            own = [trade for trade in trades if trade.instrument_id == name]
            specs[f"chart-instrument-{number}"] = charts.instrument_chart(bars, own, run)
    if refits:
        specs["chart-regimes"] = charts.regime_chart(refits, run)
    return specs


def _attribution_charts(summary: Summary) -> dict[str, charts.Spec]:
    specs = {}
    if summary.attribution is not None:
        specs["chart-steps"] = steps_chart(summary.attribution)
    if summary.tiers is not None:
        specs["chart-tiers"] = trials_chart(summary.tiers, summary.run.account_currency)
    return specs
