"""What the tiles and lists say: from what was read to figures with their labels."""

from helios_nautilus.dashboard.pages.feed import Picture
from helios_nautilus.dashboard.pages.live import Figure
from helios_nautilus.dashboard.pages.wording import clock, day, lasting
from helios_nautilus.dashboard.shown import Figure as Shown
from helios_nautilus.dashboard.shown import Metrics
from helios_nautilus.dashboard.view import LATE_AFTER_SECS
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.status import Need, NodeStatus
from helios_nautilus.report import numerals
from helios_nautilus.report.numerals import money, percent, ratio


def headline(metrics: Metrics) -> list[Figure]:
    """The account in six figures."""
    currency = metrics.currency
    cash = f"cash {money(metrics.cash.value, currency)}" if metrics.cash.value is not None else ""
    since = f"since {day(metrics.since_ns)}" if metrics.since_ns else ""
    total = (
        f"{percent(metrics.return_total.value, signed=True)} {since}"
        if metrics.return_total.value is not None
        else since
    )
    return [
        _figure("Portfolio value", metrics.equity, money(metrics.equity.value, currency), beside=cash),
        _money("P&L today", metrics.pnl_day, currency, beside=_day_share(metrics)),
        _money("P&L in all", metrics.pnl_total, currency, beside=total),
        _figure("Sharpe", metrics.sharpe, ratio(metrics.sharpe.value), beside="daily returns, a year"),
        _figure("Drawdown", metrics.drawdown, percent(metrics.drawdown.value), beside="from the peak"),
        _figure("Leverage", metrics.leverage, f"{ratio(metrics.leverage.value)}×", beside="of equity in positions"),
    ]


def risk(metrics: Metrics) -> list[Figure]:
    """The account's risk."""
    return [
        _figure("Volatility", metrics.volatility, percent(metrics.volatility.value), beside="a year"),
        _figure("VaR 95 %", metrics.var_95, percent(metrics.var_95.value), beside="of a day"),
        _figure("Kelly fraction", metrics.kelly, percent(metrics.kelly.value), beside="newest sizing, before the cuts"),
        _figure("Size", metrics.size, percent(metrics.size.value), beside="of equity, newest sizing"),
        _figure("Beta", metrics.beta, ratio(metrics.beta.value), beside="against bitcoin, hourly"),
        _figure("Drawdown", metrics.drawdown, percent(metrics.drawdown.value), beside="from the peak"),
    ]


def readiness(needs: tuple[Need, ...]) -> list[Figure]:
    """What an entry needs and has not, one by one; what is there, in a line."""
    missing = [Figure(label=_need_name(need), words=need.missing, tone="alarm") for need in needs if need.missing]
    there = [_need_name(need) for need in needs if not need.missing]
    return [*missing, Figure(label="There", words=", ".join(there) or "nothing")]


def machine(node: NodeStatus, now_ns: int) -> list[Figure]:
    """How the process does."""
    skew = node.clock_skew_ms
    return [
        Figure(label="Run", words=node.run_id),
        Figure(label="Model", words=node.model_id or "none", tone="" if node.model_id else "warn"),
        Figure(label="Up for", words=lasting((now_ns - node.started_ns) / NS_PER_SEC)),
        Figure(label="Working orders", words=str(node.orders_working)),
        Figure(label="Loop lag", words=f"{node.loop_lag_ms:.1f} ms"),
        Figure(
            label="Clock skew",
            words=numerals.UNKNOWN if skew is None else f"{skew:+.0f} ms".replace("-", "\N{MINUS SIGN}"),
            why="VALR's clock was not asked yet" if skew is None else "",
        ),
        Figure(label="Memory", words=f"{node.memory_mb:.0f} MB"),
        _journal(node),
        Figure(label="Errors in a row", words=str(node.pipeline_errors), tone="warn" if node.pipeline_errors else ""),
    ]


def freshness(picture: Picture) -> tuple[str, str]:
    """How old what is shown is, in a few words, and their tone."""
    status = None if picture.present is None else picture.present.status
    if status is None:
        return ("journal away", "alarm") if picture.trouble else ("nothing read yet", "warn")
    if status.node is None:
        return "no node yet", "warn"
    age = (picture.now_ns - status.node.ts_ns) / NS_PER_SEC
    if picture.is_gone:
        return f"node not running since {clock(status.node.ts_ns, picture.now_ns)}", "alarm"
    if age > LATE_AFTER_SECS or picture.trouble:
        return f"{lasting(age)} old", "warn"
    return "live", ""


def _need_name(need: Need) -> str:
    return need.name.replace("_", " ")


def _journal(node: NodeStatus) -> Figure:
    if node.journal_lost:
        return Figure(label="Journal", words=f"{node.journal_lost} rows lost", tone="alarm")
    words = "keeps all" if node.is_journal_healthy else "cannot keep more"
    tone = "" if node.is_journal_healthy else "alarm"
    return Figure(label="Journal", words=f"{words}, {node.journal_waiting} waiting", tone=tone)


def _figure(label: str, shown: Shown, words: str, *, beside: str = "") -> Figure:
    if shown.value is None:
        return Figure(label=label, words=numerals.UNKNOWN, why=shown.why or "not known yet", beside=beside)
    return Figure(label=label, words=words, beside=beside)


def _money(label: str, shown: Shown, currency: str, *, beside: str) -> Figure:
    words = money(shown.value, currency, signed=True)
    tone = numerals.tone(shown.value)
    why = "" if shown.value is not None else shown.why or "not known yet"
    return Figure(label=label, words=words, tone=tone, beside=beside, why=why)


def _day_share(metrics: Metrics) -> str:
    pnl, equity = metrics.pnl_day.value, metrics.equity.value
    if pnl is None or equity is None or equity <= pnl:
        return "since 00:00 UTC"
    return f"{percent(pnl / (equity - pnl), signed=True)} since 00:00 UTC"
