"""What the actors and strategies say to each other over the message bus.

Facts are published on topics; questions go to an endpoint and carry the callback for their answer, so that a stage may
answer at once (a backtest) or later (a network call) while the asking code stays the same.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from nautilus_trader.core.data import Data
from nautilus_trader.model.custom import customdataclass
from nautilus_trader.model.identifiers import ClientId, InstrumentId

from helios_nautilus.domain.decision.policy import GateVerdict, Terms
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.portfolio.rebalance import RebalanceReason
from helios_nautilus.domain.risk.sizing import Sizing

HELIOS_CLIENT: Final = ClientId("HELIOS")

TOPIC_PREDICTIONS: Final = "helios.predictions"
TOPIC_PORTFOLIO: Final = "helios.portfolio"
TOPIC_KILL_SWITCH: Final = "helios.kill_switch"
TOPIC_PIPELINE: Final = "helios.pipeline"
TOPIC_DRIFT: Final = "helios.drift"
TOPIC_OUTCOMES: Final = "helios.outcomes"
TOPIC_READINESS: Final = "helios.readiness"
TOPIC_CONTROLS: Final = "helios.controls"
TOPIC_VITALS: Final = "helios.vitals"
TOPIC_MISMATCH: Final = "helios.mismatch"
TOPIC_REBALANCE: Final = "helios.rebalance"


@customdataclass
class Prediction(Data):
    """Tier 2's calibrated probabilities for one decision bar.

    ``ts_event`` is the close of the decision bar, ``ts_init`` when the prediction was known. Attention is the weight of
    each timeframe, fastest first. ``veto`` is the code of a reason not to act on it, if there is one. Written to a
    catalogue it can be replayed instead of the model.
    """

    instrument_id: InstrumentId = InstrumentId.from_str("NONE.NONE")
    decision_id: str = ""
    model_id: str = ""
    p_buy: float = 0.0
    p_sell: float = 0.0
    p_hold: float = 0.0
    attention_high: float = 0.0
    attention_medium: float = 0.0
    attention_low: float = 0.0
    price: float = 0.0
    veto: str = ""

    @property
    def attention(self) -> tuple[float, float, float]:
        """Weight of each timeframe, fastest first."""
        return self.attention_high, self.attention_medium, self.attention_low

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "Prediction":
        """The inverse of ``to_dict``; Nautilus's own looks up the type of every field anew for each row it reads."""
        known = {name: value for name, value in fields.items() if name not in ("type", "data_type")}
        known["instrument_id"] = InstrumentId.from_str(known["instrument_id"])
        return cls(**known)


class Stage(StrEnum):
    """The tiers a proposal must pass, in order."""

    AETHER = "aether"
    GATE = "gate"
    GUARDIAN = "guardian"

    @property
    def endpoint(self) -> str:
        """Message-bus endpoint of the stage."""
        return f"Helios.{self.value}"


class Proposal(Struct, frozen=True, kw_only=True):
    """A strategy's wish to enter. ``ts_ns`` is the decision's close; ``price`` the last price known then."""

    decision_id: str
    strategy_id: str
    instrument_id: InstrumentId
    side: Side
    ts_ns: int
    price: float
    p_buy: float
    p_sell: float
    p_hold: float
    model_id: str = ""
    attention: tuple[float, float, float] | None = None
    """Weight of each timeframe, fastest first; None where the strategy asks no such model."""
    wanted: float | None = None
    """Value that a rebalancing wants to buy, in the account currency; the gate is then not asked, and Aether caps it
    in the place of sizing it."""


class Dossier(Struct, frozen=True, kw_only=True):
    """A proposal and what the tiers have said of it so far; ``terms`` are the latest, never enlarged on the way."""

    proposal: Proposal
    sizing: Sizing | None = None
    verdict: GateVerdict | None = None
    terms: Terms | None = None

    @property
    def known_sizing(self) -> Sizing:
        """Aether's sizing; whoever comes after Aether may ask for it."""
        if self.sizing is None:
            raise LookupError(f"{self.proposal.decision_id} was not sized yet")
        return self.sizing

    @property
    def known_terms(self) -> Terms:
        """The terms agreed so far; whoever comes after Aether may ask for them."""
        if self.terms is None:
            raise LookupError(f"{self.proposal.decision_id} has no terms yet")
        return self.terms

    def judged(self, verdict: GateVerdict) -> "Dossier":
        """The dossier after the gate: its verdict, and the terms it left."""
        return replace(self, verdict=verdict, terms=verdict.terms)


class StageReply(Struct, frozen=True, kw_only=True):
    """A stage's answer: the dossier with its own words added, and whether it may go on."""

    stage: Stage
    dossier: Dossier
    approved: bool
    reason: str = ""


class StageRequest(Struct, frozen=True, kw_only=True):
    """A dossier put before a stage. ``reply`` must be called on the engine's thread, at most once."""

    dossier: Dossier
    reply: Callable[[StageReply], None]


class PipelineEvent(Struct, frozen=True, kw_only=True):
    """A walk through the stages ended properly (``ok``) or broke, at a stage."""

    decision_id: str
    ts_ns: int
    stage: Stage
    ok: bool
    words: str = ""


class PortfolioState(Struct, frozen=True, kw_only=True):
    """Guardian's mark to market, in the account currency. ``drawdown`` and ``daily_loss`` are fractions >= 0.

    ``exposure``, the gross value of open positions / equity, is None where no equity is left.
    """

    ts_ns: int
    equity: float
    peak: float
    drawdown: float
    daily_loss: float
    exposure: float | None
    open_positions: int
    """How many positions are open over all strategies."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a prediction, told at ``ts_ns`` when its label became known."""

    ts_ns: int
    decision_id: str
    instrument_id: InstrumentId
    predicted_ns: int
    side: Side
    """The likelier direction, as predicted."""
    confidence: float
    is_hit: bool | None
    """None where the label is HOLD."""
    net_return: float | None
    """Of the plan on ``side``, net of costs; None where the label's rule does not say."""


class DriftAlert(Struct, frozen=True, kw_only=True):
    """A figure of the drift monitor went beyond its limit (``is_raised``), or came back."""

    ts_ns: int
    what: str
    is_raised: bool
    value: float
    limit: float


class WeightOrder(Struct, frozen=True, kw_only=True):
    """One instrument of a rebalancing; weights are fractions of equity, and above 0 ``change`` buys."""

    instrument_id: InstrumentId
    weight: float
    target: float
    change: float
    value: float
    """What is to be bought or sold, unsigned, in the account currency."""
    prediction: Prediction | None
    """The newest of the instrument; nothing is bought without one."""

    @property
    def share(self) -> float:
        """Of what is held, the part that a sale sells."""
        return min(-self.change / self.weight, 1.0)


class Rebalance(Struct, frozen=True, kw_only=True):
    """The portfolio is to come nearer to its target weights: sales first."""

    ts_ns: int
    reason: RebalanceReason
    orders: tuple[WeightOrder, ...]


class KillSwitchChanged(Struct, frozen=True, kw_only=True):
    """The kill switch changed: strategies obey at once."""

    ts_ns: int
    entries_allowed: bool
    flatten: bool
    words: str


class ReadinessChanged(Struct, frozen=True, kw_only=True):
    """A live node came to have all that an entry needs, or lost some of it; exits never depend on it."""

    ts_ns: int
    is_ready: bool
    words: str
    """What is missing."""


class Mismatch(Struct, frozen=True, kw_only=True):
    """Our books and the venue's differ; what is dust, or a fee, is none."""

    ts_ns: int
    instrument_id: str
    words: str
    """Where, and what to look at."""


class ControlsChanged(Struct, frozen=True, kw_only=True):
    """An operator's switches, all of them; exits never depend on them.

    Where ``entries_on`` is false, or a tier is off, nothing is entered; the gate alone may be off and passed unasked.
    """

    ts_ns: int
    entries_on: bool
    off: frozenset[str] = frozenset()
    """Tiers that are switched off, of ``prediction``, ``aether`` and ``gate``."""

    @property
    def allow_entries(self) -> bool:
        """Something may be entered, as far as the operator goes."""
        return self.entries_on and self.off <= {"gate"}


def decision_id_of(instrument_id: str, ts_ns: int) -> str:
    """Name of the decision on an instrument at a bar's close: readable, unique within a run, equal in every replay."""
    stamp = datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC)
    return f"{instrument_id}-{stamp:%Y%m%dT%H%M}"
