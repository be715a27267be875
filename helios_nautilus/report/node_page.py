"""How a node is, in a terminal: what it needs, its money, its positions, its markets and its tiers."""

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.status import MarketStatus, NodeStatus, PositionStatus, TierStatus
from helios_nautilus.report import numerals

_STYLES: Final = {"gain": "green", "loss": "red", "": ""}
_KILL_STYLES: Final = {"NORMAL": "green", "REDUCE_ONLY": "yellow", "HALT": "bold red"}


def print_node(status: NodeStatus, now_ns: int, console: Console, *, is_running: bool) -> None:
    """Print a status, with its age; of a node that does not run the last one, and since when."""
    age = max(0.0, (now_ns - status.ts_ns) / NS_PER_SEC)
    title = Text(f"{status.name} · {status.mode.upper()} · run {status.run_id}", style="bold")
    console.print(title)
    if not is_running:
        console.print(Text(f"NOT RUNNING since {_clock(status.ts_ns)} UTC; this is how it was", style="bold red"))
    else:
        console.print(Text(f"{age:.0f} s ago, up since {_clock(status.started_ns)} UTC · model {status.model_id}"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column()
    for label, words in _facts(status):
        grid.add_row(label, words)
    console.print(grid)
    for table in (_positions(status.positions, status.currency), _markets(status.markets), _tiers(status)):
        if table.row_count:
            console.print()
            console.print(table)


def _facts(status: NodeStatus) -> Iterable[tuple[str, Text]]:
    missing = "; ".join(f"{need.name}: {need.missing}" for need in status.needs if need.missing)
    ready = Text("ready", style="green") if status.is_ready else Text(f"not ready: {missing or '?'}", style="yellow")
    yield "Entries", ready if status.entries_on else Text("switched off by an operator", style="yellow")
    kill = f"{status.kill_state} {status.kill_words.removeprefix(status.kill_state).strip()}".strip()
    yield "Kill switch", Text(kill, style=_KILL_STYLES[status.kill_state])
    money = f"{numerals.money(status.equity, status.currency)}, cash {numerals.money(status.cash, status.currency)}"
    yield "Equity", Text(f"{money}, exposure {numerals.percent(status.exposure)}")
    fallen = f"{numerals.percent(status.drawdown)} below its peak of {numerals.money(status.peak, status.currency)}"
    yield "Drawdown", Text(f"{fallen}, lost today {numerals.percent(status.daily_loss)}")
    yield "Orders", Text(f"{status.orders_working} at work")
    yield "Journal", _journal(status)
    yield "Machine", Text(_machine(status))


def _journal(status: NodeStatus) -> Text:
    if not status.is_journal_healthy:
        return Text(f"keeps nothing; {status.journal_lost:,} records are lost", style="bold red")
    lost = f", {status.journal_lost:,} lost" if status.journal_lost else ""
    return Text(f"healthy, {status.journal_waiting:,} records wait{lost}", style="yellow" if lost else "")


def _machine(status: NodeStatus) -> str:
    skew = "unknown" if status.clock_skew_ms is None else f"{status.clock_skew_ms:+.0f} ms"
    errors = f", {status.pipeline_errors} pipeline errors in a row" if status.pipeline_errors else ""
    return f"loop late by {status.loop_lag_ms:.0f} ms, venue's clock {skew}, memory {status.memory_mb:,.0f} MB{errors}"


def _positions(positions: tuple[PositionStatus, ...], currency: str) -> Table:
    table = _table("Position", "Quantity", "Entry", "Price", "Value", "P&L", "Stop", "Target", "Until", left=1)
    for each in positions:
        table.add_row(
            Text(f"{each.instrument_id} {each.side}"),
            f"{each.quantity:g}",
            numerals.price(each.entry_price),
            numerals.price(each.price),
            numerals.money(each.value, currency),
            Text(numerals.money(each.pnl, currency, signed=True), style=_STYLES[numerals.tone(each.pnl)]),
            Text(numerals.price(each.stop_price)) if each.is_guarded else Text("UNGUARDED", style="bold red"),
            numerals.price(each.target_price),
            numerals.UNKNOWN if each.deadline_ns is None else _clock(each.deadline_ns),
        )
    return table


def _markets(markets: tuple[MarketStatus, ...]) -> Table:
    table = _table("Market", "Price", "Bid", "Ask", "Quote", "Bar", "Vol a day", "Regime", left=1)
    for each in markets:
        table.add_row(
            each.instrument_id,
            numerals.price(each.price),
            numerals.price(each.bid),
            numerals.price(each.ask),
            _age(each.quote_age_secs),
            _age(each.bar_age_secs),
            numerals.percent(each.vol_daily),
            each.regime or numerals.UNKNOWN,
        )
    return table


def _tiers(status: NodeStatus) -> Table:
    table = _table("Tier", "Switch", "Said", "Errors", "Words", left=5)
    for each in status.tiers:
        table.add_row(each.tier, _switch(each), _since(each.last_ns, status.ts_ns), str(each.errors), Text(each.words))
    return table


def _switch(tier: TierStatus) -> Text:
    return Text("on") if tier.is_on else Text("OFF", style="yellow")


def _table(*names: str, left: int) -> Table:
    """The first columns are words, the others figures."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number < left else "right", no_wrap=number < left)
    return table


def _age(secs: float | None) -> str:
    return "never" if secs is None else f"{secs:.0f}{numerals.SPACE}s"


def _since(ts_ns: int, now_ns: int) -> str:
    return _age((now_ns - ts_ns) / NS_PER_SEC if ts_ns else None)


def _clock(ts_ns: int) -> str:
    return numerals.moment(ts_ns)
