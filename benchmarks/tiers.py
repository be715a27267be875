"""Tiers 3 to 5: the domain's functions alone, without an engine around them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np

from benchmarks.row import Row, time_call, time_calls, timing
from benchmarks.world import World
from helios_nautilus.domain.decision.context import (
    GateContext,
    MarketConditions,
    OpenPosition,
    PortfolioState,
    RiskFigures,
)
from helios_nautilus.domain.decision.policy import GateRules, Terms, clamp
from helios_nautilus.domain.decision.regimes import CorrelationRegime, LiquidityRegime, TrendRegime, VolatilityRegime
from helios_nautilus.domain.payoff import Payoff
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.portfolio.guardian import (
    EntryRequest,
    Exposure,
    GuardianRules,
    PortfolioView,
    RecentEntry,
    check_entry,
)
from helios_nautilus.domain.portfolio.kill_switch import KillState
from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.domain.risk.garch import GarchFit, fit_garch, simulate
from helios_nautilus.domain.risk.regime import Regime
from helios_nautilus.domain.risk.sizing import SizingInput, SizingRules, size_position
from helios_nautilus.domain.risk.volatility import VolatilityForecast, VolatilityRules, VolatilityTracker
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_SEC
from helios_nautilus.llm.rules import RulesProvider

_NOW_NS: Final = 20_000 * NS_PER_DAY
_EQUITY: Final = 100_000.0
_TRUTH: Final = GarchFit(
    omega=2e-4, alpha=0.06, beta=0.92, source="garch", outcome="converged", observations=0, outliers=0
)
"""A model to draw returns from."""


def tier_rows(world: World) -> Iterator[Row]:
    """Volatility, sizing, the gate's rules, Guardian's checks."""
    yield from _garch(world)
    yield timing("volatility tracker: one close", _track(world.count(9_000)))
    yield timing("sizing", time_calls(_sizing(), world.count(10_000)), target=100e-6)
    yield timing("gate: answer of the rules, clamps", time_calls(_gate(), world.count(10_000)))
    yield timing("Guardian: all checks, ten positions", time_calls(_guardian(), world.count(2_000)), target=1e-3)


def _garch(world: World) -> Iterator[Row]:
    """Windows four hours apart, as refits are scheduled; warm is from the fit of the window before."""
    rules, count = VolatilityRules(), world.count(100)
    step = int(rules.refit_hours * 12)
    returns = simulate(_TRUTH, rules.window_bars + count * step, np.random.default_rng(0))
    windows = [returns[at : at + rules.window_bars] for at in range(0, count * step, step)]
    fits = [fit_garch(window, rules) for window in windows]
    cold = [time_call(partial(fit_garch, window, rules)) for window in windows]
    warm = [time_call(partial(fit_garch, window, rules, fit)) for window, fit in zip(windows[1:], fits, strict=False)]
    yield timing("GARCH refit on 30 days of 5 m: cold", cold, target=50e-3)
    yield timing("GARCH refit on 30 days of 5 m: warm", warm, target=10e-3)


def _track(count: int) -> list[float]:
    """Closes taken with a month already known, refits not counted."""
    tracker = VolatilityTracker(VolatilityRules(), "BTC")
    known = tracker.rules.window_bars
    returns = simulate(_TRUTH, known + count, np.random.default_rng(1)) / 100.0
    seconds = []
    for bar, close in enumerate((1_000_000.0 * np.exp(np.cumsum(returns))).tolist(), start=1):
        ts_ns = bar * tracker.rules.bar_ns
        seconds.append(time_call(partial(_take, tracker, ts_ns, close)))
        if tracker.refit_due(ts_ns):
            tracker.refit(ts_ns)
    return seconds[known:]


def _take(tracker: VolatilityTracker, ts_ns: int, close: float) -> None:
    tracker.update(ts_ns, close)
    tracker.refit_due(ts_ns)


def _sizing() -> Callable[[], object]:
    inputs = SizingInput(
        side=Side.LONG,
        p_buy=0.54,
        p_sell=0.21,
        odds=Payoff(p_win=0.72, payoff=2.0, count=500),
        volatility=VolatilityForecast(
            ts_ns=_NOW_NS, vol_daily=0.03, vol_annual=0.57, regime=Regime.MEDIUM, source="garch"
        ),
        equity=_EQUITY,
        drawdown=0.0,
        plan=ExitPlan(),
        min_notional=10.0,
        shorts_allowed=False,
    )
    return partial(size_position, inputs, SizingRules())


def _gate() -> Callable[[], object]:
    rules = GateRules()
    provider = RulesProvider(rules)
    terms = Terms(confidence=0.72, notional=5_800.0, leverage=1.0, stop=0.024, target=0.049, costs=0.004)
    context = GateContext(
        ts_ns=_NOW_NS,
        decision_id="BTCZAR.VALR-20240101T0000",
        instrument_id="BTCZAR.VALR",
        side=Side.LONG,
        terms=terms,
        market=MarketConditions(
            price=1_900_000.0,
            change_24h=0.012,
            change_7d=-0.03,
            trend=TrendRegime.BULLISH,
            volatility=VolatilityRegime.MEDIUM,
            liquidity=LiquidityRegime.NORMAL,
            volume_percentile=0.43,
            correlation=CorrelationRegime.COUPLED,
            mean_correlation=0.62,
        ),
        risk=RiskFigures(vol_daily=0.03),
        portfolio=PortfolioState(positions=(OpenPosition(instrument_id="ETHZAR.VALR", side=Side.LONG),)),
    )
    return lambda: clamp(provider.answer(context), terms, rules)


def _guardian() -> Callable[[], object]:
    names = [f"COIN{index}.TEST" for index in range(11)]
    rng = np.random.default_rng(0)
    request = EntryRequest(
        instrument_id=names[0], base="COIN0", side=Side.LONG, notional=5_800.0, price=100.0, leverage=1.0, ts_ns=_NOW_NS
    )
    view = PortfolioView(
        kill_state=KillState.NORMAL,
        mark=EquityMark(ts_ns=_NOW_NS, equity=_EQUITY, peak=_EQUITY, day_start=_EQUITY),
        positions=tuple(Exposure(instrument_id=name, base=name[:-5], notional=5_000.0) for name in names[1:]),
        returns={name: rng.normal(0.0, 0.03, 30) for name in names},
        last_price=100.0,
        bid=99.9,
        ask=100.1,
        recent=(RecentEntry(instrument_id=names[1], side=Side.LONG, ts_ns=_NOW_NS - NS_PER_SEC),),
    )
    return partial(check_entry, request, view, GuardianRules())
