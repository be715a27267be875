"""What the API answers and the pages draw: frozen structs, one field list for both.

Money is in the account currency, stamps are nanoseconds UTC, fractions are not percent. A figure that cannot be had is
None, and says why; nothing is filled in.
"""

from typing import Literal

from msgspec import Struct

from helios_nautilus.dashboard.tokens import Role
from helios_nautilus.journal.commands import Answer, Command
from helios_nautilus.journal.records import AnyRecord, Mode, WeightChange
from helios_nautilus.journal.status import NodeStatus, PositionStatus
from helios_nautilus.report.story import Story

type Span = Literal["1H", "4H", "1D", "all"]
"""How far back a curve goes."""
type Level = Literal["info", "warning", "critical"]


class Figure(Struct, frozen=True, kw_only=True):
    """A number, or why there is none."""

    value: float | None = None
    why: str = ""
    """Empty where there is a number."""


class Status(Struct, frozen=True, kw_only=True):
    """How a mode's node is, and how old that is."""

    mode: Mode
    now_ns: int
    node: NodeStatus | None
    """What it said last; None if none of this mode ever did."""
    age_secs: float | None
    is_stale: bool
    """It said nothing for more than five seconds, or never anything."""
    is_running: bool
    """It said something in the last thirty seconds."""
    words: str
    """In a sentence: running, late, not running since, or never run."""


class Metrics(Struct, frozen=True, kw_only=True):
    """The account and its risk, from the node's own status while it is fresh, else from the journal."""

    mode: Mode
    ts_ns: int
    """Of equity; 0 without any."""
    currency: str
    """Empty without a run."""
    since_ns: int | None
    """When the account began, as far as the journal tells: first mark of the newest run and of those it continues."""
    equity: Figure
    cash: Figure
    pnl_day: Figure
    """Change of equity since 00:00 UTC, or since the account began if that is later."""
    pnl_total: Figure
    """Change of equity since ``since_ns``; what was paid in or out of a live account counts too."""
    return_total: Figure
    """The same as a fraction of the first equity."""
    sharpe: Figure
    """Of daily returns, a year."""
    drawdown: Figure
    """From the peak; a fraction >= 0."""
    volatility: Figure
    """Standard deviation of daily returns, a year."""
    var_95: Figure
    """Daily loss exceeded on one day in twenty, as a fraction; negative if even such a day gained."""
    kelly: Figure
    """Full Kelly fraction of the newest sizing, before the cuts."""
    size: Figure
    """Fraction of equity that sizing came to; 0 where it declined."""
    beta: Figure
    """Slope of the account's hourly returns on bitcoin's, over a week."""
    leverage: Figure
    """Gross value of positions / equity."""


class EquityPoint(Struct, frozen=True, kw_only=True):
    """The last mark of its stretch of time."""

    ts_ns: int
    equity: float
    drawdown: float


class EquityCurve(Struct, frozen=True, kw_only=True):
    """Equity over a span, at most some hundred points, oldest first; empty if nothing was marked in it."""

    span: Span
    currency: str
    since_ns: int
    """Where the span begins; 0 for all."""
    points: tuple[EquityPoint, ...]


class Positions(Struct, frozen=True, kw_only=True):
    """Open positions, as the node said at ``ts_ns``; 0 if it never said anything."""

    ts_ns: int
    is_stale: bool
    positions: tuple[PositionStatus, ...]


class ShownPrediction(Struct, frozen=True, kw_only=True):
    """One prediction, with its outcome once that is known."""

    run_id: str
    decision_id: str
    ts_ns: int
    instrument_id: str
    model_id: str
    p_buy: float
    p_sell: float
    p_hold: float
    price: float
    veto: str
    outcome_ns: int | None
    """When the outcome was told; None until then."""
    label: Literal["BUY", "SELL", "HOLD"] | None
    net_return: float | None
    """Of the likelier side's plan, after costs, as a fraction."""


class ShownDecision(Struct, frozen=True, kw_only=True):
    """What became of one prediction, and who said what."""

    run_id: str
    decision_id: str
    ts_ns: int
    instrument_id: str
    side: Literal["LONG", "SHORT"]
    p_side: float
    outcome: str
    """One of ``journal.decisions.OUTCOMES``."""
    reason: str
    """A short code."""
    words: str
    """The reason in words."""
    aether: str
    """What Aether said, in a sentence; empty if it was not asked. So with the next two."""
    gate: str
    guardian: str
    """The checks that were not passed, each with its figure; or that all were."""


class DecisionStory(Story, frozen=True, kw_only=True):
    """The whole story of a decision, as `helios why` tells it."""

    records: tuple[AnyRecord, ...]


class ShownTrade(Struct, frozen=True, kw_only=True):
    """One closed position; ``pnl`` is net of ``costs``."""

    run_id: str
    decision_id: str
    ts_ns: int
    """When it was closed."""
    opened_ns: int
    instrument_id: str
    side: str
    quantity: float
    entry_price: float
    exit_price: float
    stop_price: float
    target_price: float
    close_reason: str
    pnl: float
    costs: float


class ShownEvent(Struct, frozen=True, kw_only=True):
    """Something that happened beside the decisions: an engine event, or a change of the kill switch."""

    run_id: str
    ts_ns: int
    level: Level
    kind: str
    """``kill_switch`` for that; else the event's own."""
    words: str
    instrument_id: str
    decision_id: str


class ShownCommand(Struct, frozen=True, kw_only=True):
    """An operator's command, and what the node made of it; None while it has not said."""

    command: Command
    answer: Answer | None


class ShownRebalance(Struct, frozen=True, kw_only=True):
    """The portfolio compared with its target weights."""

    run_id: str
    ts_ns: int
    reason: str
    equity: float
    cash: float
    """Target weight of cash."""
    changes: tuple[WeightChange, ...]


class Health(Struct, frozen=True, kw_only=True):
    """Whether this process and its database work. Says nothing of trading."""

    is_healthy: bool
    words: str


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a request was not served, in a sentence that says what to do."""

    detail: str


class Ordered(Struct, frozen=True, kw_only=True):
    """A command that was given, and what the node made of it; None if it has not said in time."""

    command: Command
    answer: Answer | None
    words: str
    """What became of it, in a sentence."""


class Visitor(Struct, frozen=True, kw_only=True):
    """Who is asking, as the server sees them."""

    name: str
    role: Role
    csrf: str
    """Of a session: what its state-changing requests repeat in the header X-CSRF-Token; else empty."""
