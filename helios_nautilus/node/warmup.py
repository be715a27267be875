"""What is known before the first bar of a run: state built from history, the same way the run goes on with it."""

from collections.abc import Mapping

from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.features.aggregate import aggregate
from helios_nautilus.domain.risk.volatility import VolatilityTracker
from helios_nautilus.domain.timeframe import parse_timeframe


def bars_of(data: MarketData, base: str, timeframe: str, precision: int) -> Bars:
    """The bars of one instrument at a length."""
    return aggregate(data.bars, parse_timeframe(base), parse_timeframe(timeframe), precision)


def warm_trackers(
    config: HeliosConfig,
    history: Mapping[str, MarketData],
    precisions: Mapping[str, int],
    base_currencies: Mapping[str, str],
) -> dict[str, VolatilityTracker]:
    """Volatility trackers that have seen the history, refits included: the sigma the labels were made with."""
    rules = config.aether.volatility
    trackers = {}
    for name, data in history.items():
        tracker = trackers[name] = VolatilityTracker(rules, base_currencies[name])
        bars = bars_of(data, config.data.base, rules.bar, precisions[name])
        for ts_ns, close in zip(bars.ts_ns.tolist(), bars.close.tolist(), strict=True):
            tracker.advance(ts_ns, close)
    return trackers


def warm_histories(
    config: HeliosConfig, history: Mapping[str, MarketData], precisions: Mapping[str, int]
) -> dict[str, MarketHistory]:
    """Market histories of the decision bars so far."""
    decision = config.data.timeframes.decision
    histories = {}
    for name, data in history.items():
        past = histories[name] = MarketHistory(parse_timeframe(decision))
        bars = bars_of(data, config.data.base, decision, precisions[name])
        for row in zip(bars.ts_ns.tolist(), bars.close.tolist(), bars.volume.tolist(), strict=True):
            past.update(*row)
    return histories


def trailed_bars(
    config: HeliosConfig, history: Mapping[str, MarketData], precisions: Mapping[str, int]
) -> dict[str, Bars]:
    """The decision bars that a trailing stop goes on from; none if stops do not trail."""
    if config.plan.trail_atr is None:
        return {}
    base, decision = config.data.base, config.data.timeframes.decision
    return {name: bars_of(data, base, decision, precisions[name]) for name, data in history.items()}
