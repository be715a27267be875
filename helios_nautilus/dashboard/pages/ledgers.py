"""The lists that go back in time: trades and rebalancings, decisions, events."""

from collections.abc import Callable, Sequence

from helios_nautilus.dashboard.pages import rows
from helios_nautilus.dashboard.pages.feed import Picture, Records
from helios_nautilus.dashboard.pages.live import panel
from helios_nautilus.dashboard.pages.overview import Show
from helios_nautilus.dashboard.pages.sheet import Row, Sheet


def build_trades() -> list[Show]:
    """Closed positions, and the rebalancings."""
    with panel("Closed trades", "trades", "net of costs; the newest first"):
        trades = Sheet("Closed trades", rows.TRADE_COLUMNS, "no position has been closed yet")
    with panel("Rebalancings", "rebalancings"):
        rebalancings = Sheet("Rebalancings", rows.REBALANCE_COLUMNS, "the portfolio has not been rebalanced yet")
    return [
        _of_records(trades, lambda kept, now: rows.trade_rows(kept.trades, kept.metrics.currency, now)),
        _of_records(rebalancings, lambda kept, now: rows.rebalance_rows(kept.rebalancings, kept.metrics.currency, now)),
    ]


def build_decisions() -> list[Show]:
    """What became of every prediction, and what became true of it."""
    with panel("Decisions", "decisions", "a time leads to the whole story"):
        decisions = Sheet("Decisions", rows.DECISION_COLUMNS, "nothing has been decided yet")
    return [_of_records(decisions, lambda kept, now: rows.decision_rows(kept.decisions, now))]


def build_events() -> list[Show]:
    """What happened beside the decisions."""
    with panel("Events and alerts", "events", "the newest first"):
        events = Sheet("Events and alerts", rows.EVENT_COLUMNS, "nothing has happened yet")
    return [_of_records(events, lambda kept, now: rows.event_rows(kept.events, now))]


def _of_records(sheet: Sheet, rows_of: Callable[[Records, int], Sequence[Row]]) -> Show:
    def show(picture: Picture) -> None:
        if picture.records is not None:
            sheet.show(rows_of(picture.records, picture.now_ns))

    return show
