"""The rebalancer of a run, where its configuration asks for one: the same in a backtest and live."""

from collections.abc import Callable, Mapping

from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.rebalancer import Rebalancer, RebalancerConfig
from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.payoff import PayoffTable
from helios_nautilus.domain.risk.volatility import VolatilityTracker
from helios_nautilus.journal.protocol import Journal


def build_rebalancers(
    config: HeliosConfig,
    ids: tuple[InstrumentId, ...],
    journal: Journal,
    histories: Mapping[str, MarketHistory],
    payoff_at: Callable[[int], PayoffTable | None],
    trackers: Mapping[str, VolatilityTracker],
) -> list[Rebalancer]:
    """One, or none where it is off. ``histories`` and ``trackers`` are those that the tiers keep up to date."""
    if config.rebalance.mode == "off":
        return []
    settings = RebalancerConfig(
        instrument_ids=ids,
        decision=config.data.timeframes.decision,
        plan=config.plan,
        max_drawdown=config.guardian.kill_switch.max_drawdown,
        settings=config.rebalance,
    )
    return [Rebalancer(settings, journal, histories, payoff_at, lambda name: trackers[name].forecast)]
