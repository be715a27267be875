"""What entries need beside the market's data, asked of a live node's parts once a second."""

from collections.abc import Mapping

from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import Venue

from helios_nautilus.actors.prediction import PredictionActor
from helios_nautilus.actors.readiness import Probe
from helios_nautilus.adapters.valr import VALR
from helios_nautilus.journal.writer import LiveJournal
from helios_nautilus.node.tiers import Past
from helios_nautilus.node.watching import actor_of
from helios_nautilus.strategies.tiered import TieredStrategy


def entry_probes(node: TradingNode, past: Past, strategy: TieredStrategy, journal: LiveJournal) -> Mapping[str, Probe]:
    """By name; `Readiness` has those of the market's data itself."""
    data, execution, cache = node.kernel.data_engine, node.kernel.exec_engine, node.cache

    def unguarded() -> str:
        """Positions of an earlier run come back by reconciliation; their stops are sent anew."""
        names = ", ".join(each.value for each in strategy.unguarded())
        return f"{names} has no stop yet" if names else ""

    def strays() -> str:
        """Orders of an earlier run are cancelled; until VALR says so they may fill. Foreign ones are nobody's here."""
        names = ", ".join(strategy.strays())
        return f"{names} may still fill and is no order of this run" if names else ""

    return {
        "journal": lambda: "" if journal.is_healthy else "it keeps nothing",
        "data": lambda: "" if data.check_connected() else "not connected",
        "venue": lambda: "" if execution.check_connected() else "not connected",
        "account": lambda: "" if cache.account_for_venue(Venue(VALR)) is not None else "unknown",
        "positions": unguarded,
        "orders": strays,
        "bets": strategy.bets.trouble,
        "model": lambda: "" if past.no_model is None else str(past.no_model),
        "features": actor_of(node, PredictionActor).missing,
    }
