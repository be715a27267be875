"""The figures of an account, worked out of what journal and node say: each a value, or the reason why there is none."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.dashboard.shown import Figure, Metrics
from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.performance import annual_volatility, equity_returns, sharpe, value_at_risk
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.journal.records import Mode
from helios_nautilus.journal.status import NodeStatus

_LEAST_DAYS: Final = 20
"""Daily returns that a yearly figure needs: from a few days it would be chance, times nineteen."""
_BETA_PAIRS: Final = 24
"""Hours in which both moved or stood; fewer say nothing."""
_NO_RUN: Final = "no run of this mode is in the journal"
_NO_MARK: Final = "equity was not marked yet"
_NO_NODE: Final = "only a running node knows"


class Account(Struct, frozen=True, kw_only=True):
    """The newest run of a mode with those it continues, the newest first, and the first mark of equity in them."""

    run_ids: list[str]
    currency: str
    first_ns: int | None
    first_equity: float | None


class Mark(Struct, frozen=True, kw_only=True):
    """Equity at a time, as `journal.records.EquityRecord` has it."""

    ts_ns: int
    equity: float
    drawdown: float
    exposure: float | None


class Price(Struct, frozen=True, kw_only=True):
    """A price at a time."""

    ts_ns: int
    price: float


class Sizing(Struct, frozen=True, kw_only=True):
    """The newest word of Aether."""

    ts_ns: int
    kelly_full: float
    fraction: float


class Known(Struct, frozen=True, kw_only=True):
    """All that the figures are made of. Series are in time order; ``node`` is None unless its status is fresh."""

    node: NodeStatus | None
    account: Account | None
    last: Mark | None
    """The newest mark."""
    days: Sequence[Mark] = ()
    """The last mark of each UTC day."""
    hours: Sequence[Mark] = ()
    bitcoin: Sequence[Price] = ()
    """Of each hour too."""
    sizing: Sizing | None = None

    @property
    def ts_ns(self) -> int:
        """The time of the newest equity; 0 without any."""
        if self.node is not None and self.node.equity is not None:
            return self.node.ts_ns
        return self.last.ts_ns if self.last is not None else 0

    @property
    def equity(self) -> float | None:
        """The newest."""
        if self.node is not None and self.node.equity is not None:
            return self.node.equity
        return self.last.equity if self.last is not None else None

    @property
    def silence(self) -> str:
        """Why there is no equity."""
        return _NO_RUN if self.account is None else _NO_MARK


def measure(mode: Mode, now_ns: int, known: Known) -> Metrics:
    """Every figure that can be had at ``now_ns``."""
    node, last, account, sizing = known.node, known.last, known.account, known.sizing
    daily = _daily_returns(known)
    began = account.first_equity if account is not None else None
    return Metrics(
        mode=mode,
        ts_ns=known.ts_ns,
        currency=account.currency if account is not None else "",
        since_ns=account.first_ns if account is not None else None,
        equity=_figure(known.equity, known.silence),
        cash=_figure(node.cash if node is not None else None, _NO_NODE),
        pnl_day=_difference(known.equity, _opening(known, now_ns), known.silence),
        pnl_total=_difference(known.equity, began, known.silence),
        return_total=_ratio(known.equity, began, known.silence),
        sharpe=_of_days(sharpe, daily),
        drawdown=_first(
            node.drawdown if node is not None else None, last.drawdown if last is not None else None, known.silence
        ),
        volatility=_of_days(annual_volatility, daily),
        var_95=_of_days(value_at_risk, daily),
        kelly=_figure(sizing.kelly_full if sizing is not None else None, "Aether has sized nothing yet"),
        size=_figure(sizing.fraction if sizing is not None else None, "Aether has sized nothing yet"),
        beta=measure_beta(known.hours, known.bitcoin),
        leverage=_first(
            node.exposure if node is not None else None, last.exposure if last is not None else None, known.silence
        ),
    )


def measure_beta(hours: Sequence[Mark], bitcoin: Sequence[Price]) -> Figure:
    """Slope of the account's hourly returns on bitcoin's: covariance / variance of the hours that both have.

    Both series have at most one sample an hour; a return is taken only between hours that follow each other.
    """
    equity = {mark.ts_ns // NS_PER_HOUR: mark.equity for mark in hours}
    price = {quote.ts_ns // NS_PER_HOUR: quote.price for quote in bitcoin}
    both = [
        (equity[hour] / equity[hour - 1] - 1.0, price[hour] / price[hour - 1] - 1.0)
        for hour in sorted(equity.keys() & price.keys())
        if equity.get(hour - 1, 0.0) > 0.0 and price.get(hour - 1, 0.0) > 0.0
    ]
    if len(both) < _BETA_PAIRS:
        return Figure(why=f"needs {_BETA_PAIRS} hours of equity and bitcoin side by side, has {len(both)}")
    own, market = np.array(both).T
    spread = float(market.var())
    if not spread > 0.0:
        return Figure(why="bitcoin did not move")
    return Figure(value=float(np.mean((own - own.mean()) * (market - market.mean()))) / spread)


def _daily_returns(known: Known) -> Floats:
    """Returns of UTC days, from the account's first mark to its newest equity."""
    marks = {mark.ts_ns: mark.equity for mark in known.days}
    account = known.account
    if account is not None and account.first_ns is not None and account.first_equity is not None and len(marks) < 2:
        marks[account.first_ns] = account.first_equity
    if known.equity is not None:
        marks[known.ts_ns] = known.equity
    ts_ns = np.array(sorted(marks), dtype=np.int64)
    return equity_returns(ts_ns, np.array([marks[stamp] for stamp in ts_ns.tolist()], dtype=np.float64))


def _opening(known: Known, now_ns: int) -> float | None:
    """Equity at 00:00 UTC; of an account that began today, at its beginning."""
    midnight = now_ns // NS_PER_DAY * NS_PER_DAY
    before = [mark.equity for mark in known.days if mark.ts_ns < midnight]
    if before:
        return before[-1]
    return known.account.first_equity if known.account is not None else None


def _of_days(figure: Callable[[Floats], float | None], daily: Floats) -> Figure:
    if len(daily) < _LEAST_DAYS:
        return Figure(why=f"needs {_LEAST_DAYS} days of equity, has {len(daily)}")
    return _figure(figure(daily), "equity did not move")


def _difference(value: float | None, base: float | None, why: str) -> Figure:
    return _figure(value - base if value is not None and base is not None else None, why)


def _ratio(value: float | None, base: float | None, why: str) -> Figure:
    return _figure(value / base - 1.0 if value is not None and base else None, why)


def _first(value: float | None, otherwise: float | None, why: str) -> Figure:
    return _figure(value if value is not None else otherwise, why)


def _figure(value: float | None, why: str) -> Figure:
    return Figure(why=why) if value is None else Figure(value=value)
