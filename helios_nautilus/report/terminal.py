"""The summary of a run in a terminal."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from helios_nautilus.domain.performance import Performance
from helios_nautilus.report import numerals
from helios_nautilus.report.funnel import Step
from helios_nautilus.report.gate_use import gate_words
from helios_nautilus.report.summary import Result, Summary
from helios_nautilus.report.verdict import deepest_fall, verdict, why_no_trades
from helios_nautilus.report.wording import tier_name

_STYLES = {"gain": "green", "loss": "red", "": ""}
_REASONS_SHOWN = 3


def print_summary(summary: Summary, console: Console, folder: Path | None = None) -> None:
    """Print the verdict, a table by instrument, the funnel in one line a step, and the page in ``folder``."""
    run = summary.run
    data = "SYNTHETIC DATA, " if run.is_synthetic else ""
    console.print(Text(f"{run.strategy} · {run.mode.upper()} · {data}{run.data_label}", style="bold"))
    console.print(Text(verdict(summary)))
    console.print(_table(summary))
    console.print(Text(f"{numerals.whole(summary.funnel.predictions):>9} predictions"))
    for step in summary.funnel.steps:
        console.print(Text(_step_line(step)), overflow="ellipsis", no_wrap=True)
    if words := gate_words(summary.gate):
        console.print(Text(words))
    if not summary.total.performance.trades.count and not summary.open_positions:
        console.print(Text(why_no_trades(summary.funnel), style="yellow"))
    for line in _origin_lines(summary):
        console.print(Text(line))
    for note in run.notes:
        console.print(Text(f"Note: {note}", style="yellow"))
    if folder is not None:
        console.print(Text(f"Report: {folder / 'index.html'}"), soft_wrap=True)


def _table(summary: Summary) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in ("Return", "P&L", "Costs", "Sharpe", "Drawdown", "Trades", "Won"):
        table.add_column(name, justify="right", no_wrap=True)
    currency = summary.run.account_currency
    for name, result in summary.instruments.items():
        table.add_row(Text(name), *_result_cells(result, currency))
    table.add_row(Text("Account"), *_result_cells(summary.total, currency), style="bold")
    if (hold := summary.buy_and_hold) is not None:
        table.add_row("Buy and hold", *_figure_cells(hold.pnl, "", hold.performance, currency), style="dim")
    return table


def _result_cells(result: Result, currency: str) -> list[Text]:
    trades = result.performance.trades
    costs = numerals.money(result.costs, currency)
    return [
        *_figure_cells(result.pnl, costs, result.performance, currency),
        Text(numerals.whole(trades.count)),
        Text(numerals.percent(trades.win_rate, places=0)),
    ]


def _figure_cells(pnl: float | None, costs: str, performance: Performance, currency: str) -> list[Text]:
    style = _STYLES[numerals.tone(pnl)]
    return [
        Text(numerals.percent(performance.total_return, signed=True), style=style),
        Text(numerals.money(pnl, currency, signed=True), style=style),
        Text(costs),
        Text(numerals.ratio(performance.sharpe)),
        Text(numerals.percent(deepest_fall(performance))),
    ]


def _step_line(step: Step) -> str:
    shown = [f"{numerals.whole(reason.count)} {reason.words}" for reason in step.reasons[:_REASONS_SHOWN]]
    more = ["…"] if len(step.reasons) > _REASONS_SHOWN else []
    drops = f"  dropped: {', '.join(shown + more)}" if shown else ""
    return f"{numerals.whole(step.kept):>9} {step.name:<9} {numerals.percent(step.share, places=1):>8}{drops}"


def _origin_lines(summary: Summary) -> list[str]:
    """Where the result came from: against buying and holding, and tier by tier where that was asked for."""
    lines = []
    if (origin := summary.attribution) is not None:
        parts = {name: getattr(origin.effects, name) for name in ("allocation", "selection", "timing", "currency")}
        words = ", ".join(f"{name} {numerals.percent(part, signed=True)}" for name, part in parts.items())
        lines.append(f"Against buying and holding {numerals.percent(origin.active, signed=True)}: {words}")
    if (tiers := summary.tiers) is not None:
        currency = summary.run.account_currency
        words = ", ".join(
            f"{tier_name(each.tier)} {numerals.money(each.added.pnl, currency, signed=True)}" for each in tiers.without
        )
        lines.append(f"Added to the P&L, each left out alone: {words}")
    return lines
