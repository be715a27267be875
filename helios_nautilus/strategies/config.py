"""The configuration that all strategies of the family share."""

from typing import Final

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import TriggerType
from nautilus_trader.model.identifiers import ClientId, InstrumentId

from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.portfolio.flatten import FlattenRules

ORDER_CHECK_SECS: Final = 2.0


class TieredStrategyConfig(StrategyConfig, frozen=True, kw_only=True):
    """Configuration common to all strategies that ride on the tiers.

    Parameters
    ----------
    instrument_ids
        The traded instruments.
    account_currency
        Currency of equity and of every notional, e.g. ``ZAR``; the instruments are quoted in it.
    plan
        The exit plan, the same one the labels and Aether use.
    base, decision
        Lengths of the recorded bars and of the decision bars; a trailing stop follows the latter.
    slippage_bound
        A taker's entry is an immediate-or-cancel limit at most this fraction beyond the last known price; a maker's
        is re-quoted no further than that.
    proposal_ttl_secs
        How long a proposal may be under way before it is refused.
    order_check_secs
        How often a bet is looked at as long as one of its orders is on its way.
    emulation
        What triggers stops and targets that the engine watches over; by default the venue does.
    flatten
        How a halt gets out of what is held, and when it is told that it is not out; without it by market orders alone.
    awaits_readiness
        Nothing is entered before a `ReadinessChanged` says that all is there.
    bar_maker
        Who makes the decision bars; see `follow_bars`.

    """

    instrument_ids: tuple[InstrumentId, ...]
    account_currency: str = "ZAR"
    plan: ExitPlan = ExitPlan()
    base: str = "1m"
    decision: str = "5m"
    slippage_bound: float = 0.002
    proposal_ttl_secs: float = 10.0
    order_check_secs: float = ORDER_CHECK_SECS
    emulation: TriggerType = TriggerType.NO_TRIGGER
    flatten: FlattenRules | None = None
    awaits_readiness: bool = False
    bar_maker: ClientId | None = None
    manage_gtd_expiry: bool = True
