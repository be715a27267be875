"""What a run leaves behind: one frozen record for everything a tier saw and said.

Records are appended, never changed. ``decision_id`` ties together all that follows from one prediction, from the
tiers' words to the last fill. Money and prices that came from orders are `Decimal`; what came out of maths is float.
"""

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.schema import AnswerSource
from helios_nautilus.domain.kept_bets import Role

type Mode = Literal["backtest", "paper", "live"]
type Action = Literal["proposed", "exit", "dropped"]
type OrderRole = Role


class Record(Struct, frozen=True, kw_only=True, tag=True):
    """Base of all records; ``ts_ns`` is the engine's time of the event (nanoseconds UTC)."""

    ts_ns: int


class RunRecord(Record, frozen=True, kw_only=True):
    """The first record of a run: everything needed to repeat it."""

    run_id: str
    mode: Mode
    strategy: str
    data_label: str
    """What the market data are, e.g. ``synthetic (seed 7, strength 1.0)`` or ``recorded BINANCE``."""
    is_synthetic: bool
    account_currency: str
    starting_balance: float
    instrument_ids: tuple[str, ...]
    start_ns: int
    end_ns: int
    seed: int
    config_hash: str
    config_toml: str
    model_id: str
    versions: dict[str, str]
    notes: tuple[str, ...] = ()
    """What a reader must know to judge the result, such as a lowered ``min_edge``."""
    data_hash: str = ""
    """Of the market data of the run and before it; empty where they are not kept."""


class ModelRecord(Record, frozen=True, kw_only=True):
    """A model took charge of the predictions at ``ts_ns``, or had it when the run began."""

    model_id: str
    preset: str
    card: str
    """Its card, as the JSON text that lies beside the weights."""


class PredictionRecord(Record, frozen=True, kw_only=True):
    """Tier 2: the calibrated probabilities of one decision bar."""

    decision_id: str
    instrument_id: str
    model_id: str
    p_buy: float
    p_sell: float
    p_hold: float
    attention: tuple[float, float, float]
    """Weight of each timeframe, fastest first; sums to one."""
    price: float
    """Last close known at the decision."""
    veto: str = ""
    """A short code of why nothing may be made of it, e.g. ``out_of_distribution``; empty if it may."""


class SignalRecord(Record, frozen=True, kw_only=True):
    """What the strategy made of a prediction: ``proposed``, ``exit``, or dropped with a reason."""

    decision_id: str
    instrument_id: str
    action: Action
    side: str | None
    reason: str
    """A short code, e.g. ``hold``, ``position_open``, ``no_shorts``, ``pending``, ``entries_off``."""


class SizingRecord(Record, frozen=True, kw_only=True):
    """Tier 3: Aether's sizing with all of its inputs, also when it declines."""

    decision_id: str
    instrument_id: str
    side: str
    approved: bool
    reason: str
    """A short code, e.g. ``sized``, ``low_confidence``, ``no_edge``, ``too_small``, ``no_volatility``."""
    words: str
    """The same in a sentence for a trader, with the figures that decided."""
    p_win: float
    payoff: float
    """b: mean win / mean loss."""
    confidence: float
    kelly_full: float
    fraction: float
    equity: float
    drawdown: float
    notional: float
    leverage: float
    stop: float
    target: float
    vol_daily: float
    vol_source: str
    regime: str
    hold_ns: int = 0
    """How long the plan holds at most. From here on: how the size was worked out, step by step."""
    edge: float = 0.0
    """f* after costs."""
    kelly_scaled: float = 0.0
    kelly_after_vol: float = 0.0
    kelly_after_drawdown: float = 0.0
    cap: float = 0.0
    """The lower of the regime's cap and that of a single position; a fraction of equity, like the steps before it."""
    capped_by: str = "none"
    risk: float = 0.0
    """Loss at the stop, before costs."""
    reward: float = 0.0
    """Gain at the target, before costs."""


class ContextRecord(Record, frozen=True, kw_only=True):
    """Tier 4: what the gate was told of a proposal."""

    decision_id: str
    instrument_id: str
    context: GateContext


class GateCallRecord(Record, frozen=True, kw_only=True):
    """One question put to one provider: the exact words that went out, and what came back."""

    decision_id: str
    instrument_id: str
    provider: str
    model: str
    source: AnswerSource
    request_hash: str
    """SHA-256 of ``request``, in hexadecimal: what a cassette finds the answer by."""
    request: str
    """Canonical JSON of everything that decides the answer; never a key."""
    answer: str
    """The answer's own text; empty if there was none."""
    outcome: str
    """``answered``, or a short code of the failure, e.g. ``timeout``, ``rate_limited``, ``over_budget``."""
    words: str = ""
    """The failure in a sentence."""
    latency_ms: float = 0.0
    input_tokens: int = 0
    """Those charged in full; read from and written to the provider's cache are counted apart."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0


class GateRecord(Record, frozen=True, kw_only=True):
    """Tier 4: the gate's answer after the clamps."""

    decision_id: str
    instrument_id: str
    provider: str
    decision: Literal["APPROVE", "REJECT", "MODIFY"]
    reasoning: str
    multiplier: float
    risk_flags: tuple[str, ...]
    notional: float
    leverage: float
    stop: float
    target: float
    latency_ms: float
    clamped: tuple[str, ...] = ()
    """What the answer asked for and was not given."""
    source: AnswerSource = "ruled"
    request_hash: str = ""
    """Of the question that was answered; empty where none was worded."""


class CheckResult(Struct, frozen=True, kw_only=True):
    """One of Guardian's checks: what it measured, against which limit. ``value`` is None where it could not be had."""

    name: str
    passed: bool
    value: float | None
    limit: float
    words: str


class GuardianRecord(Record, frozen=True, kw_only=True):
    """Tier 5: the checks before an entry; all of them run."""

    decision_id: str
    instrument_id: str
    passed: bool
    checks: tuple[CheckResult, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that were not passed."""
        return tuple(check.name for check in self.checks if not check.passed)


class OrderRecord(Record, frozen=True, kw_only=True):
    """An order reached a new state."""

    decision_id: str
    instrument_id: str
    client_order_id: str
    role: OrderRole
    side: Literal["BUY", "SELL"]
    order_type: str
    quantity: Decimal
    price: Decimal | None
    status: str
    reason: str = ""


class FillRecord(Record, frozen=True, kw_only=True):
    """One fill. ``commission_value`` is the commission expressed in the account currency."""

    decision_id: str
    instrument_id: str
    client_order_id: str
    trade_id: str
    role: OrderRole
    side: Literal["BUY", "SELL"]
    quantity: Decimal
    price: Decimal
    commission: Decimal
    commission_currency: str
    commission_value: Decimal
    liquidity: Literal["MAKER", "TAKER", "NONE"]


class PositionRecord(Record, frozen=True, kw_only=True):
    """A position was closed. Figures are in the account currency; ``pnl`` is net of ``costs``."""

    decision_id: str
    instrument_id: str
    side: str
    quantity: Decimal
    """Largest size held."""
    entry_ts_ns: int
    entry_price: float
    exit_price: float
    stop_price: float
    target_price: float
    close_reason: str
    pnl: float
    costs: float
    position_id: str = ""


class OutcomeRecord(Record, frozen=True, kw_only=True):
    """A prediction's horizon has passed, and its label is known."""

    decision_id: str
    instrument_id: str
    predicted_ns: int
    side: Literal["LONG", "SHORT"]
    """The likelier direction, as predicted."""
    confidence: float
    """P(side) / (P(BUY) + P(SELL))."""
    label: Literal["BUY", "SELL", "HOLD"]
    net_return: float | None
    """What the plan would have earned on ``side``, net of costs, as a fraction of the notional; None where the label's
    rule does not say."""


class VolatilityRecord(Record, frozen=True, kw_only=True):
    """A volatility model was refitted."""

    instrument_id: str
    vol_daily: float
    regime: str
    source: Literal["garch", "ewma"]
    trigger: str
    alpha: float
    beta: float
    omega: float


class EquityRecord(Record, frozen=True, kw_only=True):
    """Equity marked to market in the account currency."""

    equity: float
    peak: float
    drawdown: float
    exposure: float | None
    """Gross value of open positions / equity; None where no equity is left."""
    open_positions: int


class Holding(Struct, frozen=True, kw_only=True):
    """One instrument's part of a snapshot; ``value`` is signed, in the account currency."""

    instrument_id: str
    quantity: float
    """Negative for a short."""
    price: float
    value: float
    weight: float
    """Value / equity."""
    pnl: float
    """Since the last snapshot: marks, closed trades and commissions."""


class SnapshotRecord(Record, frozen=True, kw_only=True):
    """The portfolio at the end of a UTC day."""

    equity: float
    cash: float
    drawdown: float
    pnl: float
    """Since the last snapshot, net of costs."""
    costs: float
    """Commissions since the last snapshot."""
    holdings: tuple[Holding, ...]


class KillSwitchRecord(Record, frozen=True, kw_only=True):
    """The kill switch changed its state."""

    state: Literal["NORMAL", "REDUCE_ONLY", "HALT"]
    trigger: str
    words: str


class AccountHolding(Struct, frozen=True, kw_only=True):
    """A position of an account, or on a cash account what a base currency was bought as; ``quantity`` is signed."""

    instrument_id: str
    quantity: Decimal
    entry_price: Decimal
    opened_ns: int


class AccountRecord(Record, frozen=True, kw_only=True):
    """What a simulated account held when a run began; the run's fills tell what it held later."""

    kind: Literal["cash", "margin"]
    balances: dict[str, Decimal]
    """By currency, base currencies of a cash account too."""
    holdings: tuple[AccountHolding, ...]
    continues: str = ""
    """Id of the run whose end this is; empty for a fresh account."""


class WeightChange(Struct, frozen=True, kw_only=True):
    """One instrument of a rebalancing; weights are fractions of equity."""

    instrument_id: str
    current: float
    target: float
    change: float
    """What is to be traded; 0 where the cost exceeds the use."""
    view: float | None
    """Return per day that a prediction stands for, or None without one."""


class RebalanceRecord(Record, frozen=True, kw_only=True):
    """The portfolio was compared with its target weights, and trades were asked for."""

    reason: Literal["DAILY", "WEEKLY", "RISK_EVENT"]
    equity: float
    changes: tuple[WeightChange, ...]
    cash: float
    """Target weight of cash."""


AS_ASKED: Final = "as asked"
"""The words of the event ``stopped`` where a node was stopped on purpose; else they say why it stopped."""


class EventRecord(Record, frozen=True, kw_only=True):
    """Anything else worth keeping: a gap met, a prediction missed, an error handled."""

    kind: str
    words: str
    instrument_id: str = ""
    decision_id: str = ""


type AnyRecord = (
    RunRecord
    | ModelRecord
    | PredictionRecord
    | SignalRecord
    | SizingRecord
    | ContextRecord
    | GateCallRecord
    | GateRecord
    | GuardianRecord
    | OrderRecord
    | FillRecord
    | PositionRecord
    | OutcomeRecord
    | VolatilityRecord
    | EquityRecord
    | SnapshotRecord
    | KillSwitchRecord
    | AccountRecord
    | RebalanceRecord
    | EventRecord
)
