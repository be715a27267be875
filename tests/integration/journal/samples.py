"""What is kept and sent: a small run that goes the whole way, any record whatsoever, a status, a command."""

from decimal import Decimal
from enum import Enum
from itertools import count
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeAliasType, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from helios_nautilus.domain.decision.policy import Terms
from helios_nautilus.domain.kept_bets import KeptBet
from helios_nautilus.domain.lifecycle import Phase
from helios_nautilus.domain.plan import CloseReason, Side
from helios_nautilus.journal.commands import Answer, Command
from helios_nautilus.journal.records import (
    EquityRecord,
    FillRecord,
    GateCallRecord,
    GateRecord,
    GuardianRecord,
    OrderRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    RunRecord,
    SignalRecord,
    SizingRecord,
)
from helios_nautilus.journal.status import MarketStatus, Need, NodeStatus, PositionStatus, TierStatus
from helios_nautilus.journal.tables import TABLES

BTC: Final = "BTCZAR.VALR"
RUN: Final = RunRecord(
    ts_ns=1_000,
    run_id="small-1234",
    mode="backtest",
    strategy="HeliosStrategy",
    data_label="synthetic",
    is_synthetic=True,
    account_currency="ZAR",
    starting_balance=100_000.0,
    instrument_ids=(BTC,),
    start_ns=1_000,
    end_ns=9_000,
    seed=7,
    config_hash="abcd",
    config_toml="name = 'small'",
    model_id="feedbeef",
    versions={"helios": "0.1.0"},
)


KEPT_BET: Final = KeptBet(
    decision_id="BTCZAR.VALR-20260105T0005",
    instrument_id=BTC,
    decided_ns=1,
    side=Side.SHORT,
    reference=1_000_000.1,
    stop_price=1_020_000.3,
    target_price=960_000.0,
    hold_ns=3,
    phase=Phase.EXITING,
    opened_ns=2,
    exit_reason=CloseReason.SIGNAL,
    is_closed=False,
    extreme=990_000.7,
    costs=Decimal("35.1234567890123"),
    trades=("a", "b"),
    roles={"O-1": "ENTRY", "O-2": "STOP"},
    in_doubt=({"client_order_id": "O-1", "tags": ["x", "ENTRY"], "price": None},),
)


def predict(decision_id: str, ts_ns: int) -> PredictionRecord:
    return PredictionRecord(
        ts_ns=ts_ns,
        decision_id=decision_id,
        instrument_id=BTC,
        model_id="feedbeef",
        p_buy=0.7,
        p_sell=0.1,
        p_hold=0.2,
        attention=(0.5, 0.3, 0.2),
        price=1_000_000.0,
    )


def propose(decision_id: str, ts_ns: int) -> SignalRecord:
    return SignalRecord(
        ts_ns=ts_ns, decision_id=decision_id, instrument_id=BTC, action="proposed", side="LONG", reason="directional"
    )


def size(decision_id: str, ts_ns: int, *, approved: bool = True) -> SizingRecord:
    return SizingRecord(
        ts_ns=ts_ns,
        decision_id=decision_id,
        instrument_id=BTC,
        side="LONG",
        approved=approved,
        reason="sized" if approved else "no_edge",
        words="",
        p_win=0.6,
        payoff=2.0,
        confidence=0.8,
        kelly_full=0.4,
        fraction=0.05,
        equity=100_000.0,
        drawdown=0.0,
        notional=5_000.1,
        leverage=1.0,
        stop=0.02,
        target=0.04,
        vol_daily=0.03,
        vol_source="garch",
        regime="MEDIUM",
    )


def answer(decision_id: str, ts_ns: int, decision: Literal["APPROVE", "REJECT"] = "APPROVE") -> GateRecord:
    return GateRecord(
        ts_ns=ts_ns,
        decision_id=decision_id,
        instrument_id=BTC,
        provider="rules",
        decision=decision,
        reasoning="calm",
        multiplier=1.0,
        risk_flags=("extreme_volatility",) if decision == "REJECT" else (),
        notional=5_000.1,
        leverage=1.0,
        stop=0.02,
        target=0.04,
        latency_ms=0.0,
    )


def gate_call(decision_id: str = "D-1", ts_ns: int = 1, **fields: Any) -> GateCallRecord:
    """A question that was put to Claude and answered, but for ``fields``."""
    call = GateCallRecord(
        ts_ns=ts_ns,
        decision_id=decision_id,
        instrument_id=BTC,
        provider="anthropic",
        model="claude-sonnet-5-5",
        source="live",
        request_hash="",
        request="",
        answer="",
        outcome="answered",
    )
    return replace(call, **fields)


def order(decision_id: str, ts_ns: int, status: str, order_id: str = "O-1") -> OrderRecord:
    return OrderRecord(
        ts_ns=ts_ns,
        decision_id=decision_id,
        instrument_id=BTC,
        client_order_id=order_id,
        role="ENTRY",
        side="BUY",
        order_type="LIMIT",
        quantity=Decimal("0.00500000"),
        price=Decimal("1000000.10"),
        status=status,
    )


def fill(decision_id: str, ts_ns: int) -> FillRecord:
    return FillRecord(
        ts_ns=ts_ns,
        decision_id=decision_id,
        instrument_id=BTC,
        client_order_id="O-1",
        trade_id="T-1",
        role="ENTRY",
        side="BUY",
        quantity=Decimal("0.00500000"),
        price=Decimal("1000000.10"),
        commission=Decimal("5.00000050"),
        commission_currency="ZAR",
        commission_value=Decimal("5.00000050"),
        liquidity="TAKER",
    )


def close(decision_id: str, ts_ns: int) -> PositionRecord:
    return PositionRecord(
        ts_ns=ts_ns,
        decision_id=decision_id,
        instrument_id=BTC,
        side="LONG",
        quantity=Decimal("0.005"),
        entry_ts_ns=2_000,
        entry_price=1_000_000.1,
        exit_price=1_040_000.0,
        stop_price=980_000.0,
        target_price=1_040_000.0,
        close_reason="TAKE_PROFIT",
        pnl=190.5,
        costs=10.0,
        position_id="P-1",
    )


def mark(ts_ns: int) -> EquityRecord:
    return EquityRecord(ts_ns=ts_ns, equity=100_190.5, peak=100_190.5, drawdown=0.0, exposure=0.05, open_positions=0)


def trade(decision_id: str = "D-1", ts_ns: int = 2_000) -> list[Record]:
    """A decision that all tiers agree to, from its prediction to its profit."""
    checked = GuardianRecord(ts_ns=ts_ns, decision_id=decision_id, instrument_id=BTC, passed=True, checks=())
    return [
        predict(decision_id, ts_ns),
        propose(decision_id, ts_ns),
        size(decision_id, ts_ns),
        answer(decision_id, ts_ns),
        checked,
        order(decision_id, ts_ns, "SUBMITTED"),
        fill(decision_id, ts_ns + 1),
        close(decision_id, ts_ns + 2),
    ]


def small_run(**changed: Any) -> list[Record]:
    """A run with one trade, one decision that Aether declined, and a mark at the end."""
    declined = [predict("D-2", 3_000), propose("D-2", 3_000), size("D-2", 3_000, approved=False)]
    return [replace(RUN, **changed), *trade(), *declined, mark(4_000)]


_numbers = count(1)


def command(**changes: Any) -> Command:
    """An order to halt that nobody else has given."""
    number = next(_numbers)
    halt = Command(
        command_id=f"order-{number:04}", ts_ns=number, mode="paper", verb="halt", who="ann", why="a test", origin="cli"
    )
    return replace(halt, **changes)


def answer_to(command: Command, words: str = "as ordered") -> Answer:
    """A node's, that it did it."""
    return Answer(command_id=command.command_id, ts_ns=command.ts_ns + 5, run_id="R", outcome="done", words=words)


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=10)
_KNOWN: Final[dict[Any, st.SearchStrategy[Any]]] = {
    int: st.integers(-(2**31), 2**31 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    str: _texts,
    NoneType: st.none(),
    # As many digits as a venue may ever quote, either side of the point.
    Decimal: st.decimals(min_value=-(10**15), max_value=10**15, places=12),
    Terms: st.builds(
        Terms,
        confidence=st.floats(0, 1),
        notional=st.floats(0, 1e9),
        leverage=st.floats(1, 3),
        stop=st.floats(0, 1),
        target=st.floats(0, 1),
        costs=st.floats(0, 1),
    ),
}
_NAMES: Final = ("decision_id", "instrument_id")
"""Fields that are columns of their own: text of PostgreSQL's, and so without NUL."""


def any_value(hint: Any) -> st.SearchStrategy[Any]:
    """Whatever a field of that type may hold."""
    if isinstance(hint, TypeAliasType):
        return any_value(hint.__value__)
    if hint in _KNOWN:
        return _KNOWN[hint]
    arguments = get_args(hint)
    match get_origin(hint):
        case origin if origin is Literal:
            return st.sampled_from(arguments)
        case origin if origin is UnionType or isinstance(hint, UnionType):
            return st.one_of(*map(any_value, arguments))
        case origin if origin is dict:
            return st.dictionaries(*map(any_value, arguments), max_size=3)
        case origin if origin is tuple and arguments[-1] is ...:
            return st.lists(any_value(arguments[0]), max_size=3).map(tuple)
        case origin if origin is tuple:
            return st.tuples(*map(any_value, arguments))
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    assert issubclass(hint, Struct), hint
    return any_struct(hint)


def any_struct(kind: type[Struct]) -> st.SearchStrategy[Any]:
    """Any struct of a kind that its own checks let pass."""
    hints = get_type_hints(kind)
    fields = {name: _names if name in _NAMES else any_value(hints[name]) for name in kind.__struct_fields__}
    return st.builds(kind, **fields)


def any_record() -> st.SearchStrategy[Record]:
    """Any record but a run's."""
    return st.one_of([any_struct(kind) for kind in TABLES if kind is not RunRecord])


def status(ts_ns: int) -> NodeStatus:
    """A node that holds a position and lacks a quote."""
    return NodeStatus(
        ts_ns=ts_ns,
        run_id="demo-paper-1",
        mode="paper",
        name="demo",
        model_id="m-1",
        currency="ZAR",
        started_ns=1,
        is_ready=False,
        needs=(Need(name="journal"), Need(name="quotes", missing="none of ETHZAR.VALR")),
        entries_on=True,
        kill_state="NORMAL",
        kill_words="",
        tiers=(TierStatus(tier="gate", is_on=True, last_ns=ts_ns, words="CONFIRM", errors=1),),
        equity=100_250.5,
        cash=80_000.0,
        peak=101_000.0,
        drawdown=0.0074,
        daily_loss=0.0,
        exposure=0.2,
        positions=(
            PositionStatus(
                instrument_id=BTC,
                decision_id="D-1",
                side="LONG",
                quantity=0.02,
                entry_price=1_000_000.0,
                price=1_012_525.0,
                value=20_250.5,
                pnl=250.5,
                opened_ns=1,
                stop_price=985_000.0,
                target_price=1_030_000.0,
                deadline_ns=14_400_000_000_001,
                is_guarded=True,
            ),
        ),
        markets=(
            MarketStatus(
                instrument_id=BTC,
                price=1_012_525.0,
                bid=1_012_500.0,
                ask=1_012_550.0,
                quote_age_secs=0.4,
                bar_age_secs=31.0,
                vol_daily=0.021,
                regime="normal",
            ),
            MarketStatus(
                instrument_id="ETHZAR.VALR", price=None, bid=None, ask=None, quote_age_secs=None, bar_age_secs=None
            ),
        ),
        orders_working=2,
        loop_lag_ms=1.5,
        clock_skew_ms=None,
        memory_mb=512.0,
        journal_waiting=0,
        journal_lost=0,
        is_journal_healthy=True,
        pipeline_errors=0,
    )
