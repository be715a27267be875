"""The replay of a session in a terminal: the answer first, a line a trade, then how many differ by which cause."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from helios_nautilus.journal.session import CAUSES, Cause, SessionComparison, TradePair
from helios_nautilus.journal.trades import Trade
from helios_nautilus.report import numerals
from helios_nautilus.report.numerals import wrap
from helios_nautilus.report.replay_terminal import describe_conditions
from helios_nautilus.report.session import SessionReport

_SHOWN: Final = 5
_INDENT: Final = "   "
_NONE: Final = "–"


def print_session(report: SessionReport, console: Console) -> None:
    """Print what the replay of a session found, at the console's width."""
    style = "green" if report.is_identical else "yellow"
    console.print(Text(wrap(_answer(report), console.width), style=f"bold {style}"))
    for line in (*describe_conditions(report.conditions), *_notes(report.comparison)):
        console.print(Text(wrap(line, console.width, _INDENT)))
    if report.comparison.trades:
        console.print()
        console.print(_trades(report))
    for line in _causes(report.comparison):
        console.print(Text(wrap(line, console.width, _INDENT)))
    _print_partings(report.comparison, console)


def _answer(report: SessionReport) -> str:
    found = report.comparison
    span = f"{numerals.moment(report.start_ns)} to {numerals.moment(report.until_ns)}"
    trades = f"{numerals.whole(found.agreeing)} of {numerals.whole(len(found.trades))} trades"
    predictions = f"{numerals.whole(found.predictions_equal)} of {numerals.whole(found.decisions)} predictions"
    return f"{report.mode.capitalize()} run {report.run_id}, {span}: equal are {trades}, and to the bit {predictions}."


def _notes(found: SessionComparison) -> Iterator[str]:
    if found.changed_bar:
        yield f"Changed market data: {found.changed_bar}; what follows is of other features."


def _trades(report: SessionReport) -> Table:
    """Each trade twice where it differs: as it was, and below as it is in the replay."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("Decision", "Side"):
        table.add_column(name, no_wrap=True)
    for name in ("Size", "Entry", "Exit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Ended by")
    table.add_column("P&L", justify="right", no_wrap=True)
    table.add_column("Compared")
    for pair in report.comparison.trades:
        table.add_row(*_cells(pair.decision_id, pair.recorded, report.currency), _verdict(pair))
        if not pair.agrees:
            table.add_row(*_cells("  replay", pair.replayed, report.currency), "", style="dim")
    return table


def _cells(name: str, trade: Trade | None, currency: str) -> tuple[str, ...]:
    if trade is None:
        return (name, *[_NONE] * 6)
    return (
        name,
        trade.side,
        numerals.quantity(trade.quantity),
        _leg(trade.entry_ts_ns, trade.entry_price),
        _leg(trade.exit_ts_ns, trade.exit_price),
        trade.reason or "still open",
        _NONE if trade.pnl is None else numerals.money(trade.pnl, currency, signed=True),
    )


def _leg(ts_ns: int | None, price: float | None) -> str:
    return _NONE if ts_ns is None else f"{numerals.moment(ts_ns)[-5:]} {numerals.price(price)}"


def _verdict(pair: TradePair) -> str:
    return "agrees" if pair.agrees else pair.words


def _causes(found: SessionComparison) -> Iterator[str]:
    counts: dict[Cause, int] = {name: found.causes[name] for name in CAUSES if name in found.causes}
    for cause, count in counts.items():
        yield f"{cause}: {numerals.whole(count)} {'trade' if count == 1 else 'trades'}, {CAUSES[cause]}"


def _print_partings(found: SessionComparison, console: Console) -> None:
    """Decisions that came to another end; those of trades are told above."""
    traded = {pair.decision_id for pair in found.trades}
    others = [each for each in found.partings if each.decision_id not in traded]
    if others:
        console.print(Text(f"\nOther decisions that differ: {numerals.whole(len(others))}", style="bold"))
    for parting in others[:_SHOWN]:
        line = f"{parting.decision_id}, {parting.tier}, by {parting.cause}: {parting.words}"
        console.print(Text(wrap(line, console.width, _INDENT)))
    if len(others) > _SHOWN:
        console.print(Text(f"{_INDENT}and {len(others) - _SHOWN} more; --json names them all", style="dim"))
