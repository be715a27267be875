"""The figures of a run: what ``summary.json`` holds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import numpy as np
from msgspec import Struct, structs

from helios_nautilus.domain.attribution import Trials
from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.performance import Performance, measure_performance
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import DataError
from helios_nautilus.journal.records import FillRecord, Mode, PositionRecord, Record, RunRecord
from helios_nautilus.report.attribution import Attribution, attribute_run
from helios_nautilus.report.curves import (
    Curve,
    account_curve,
    buy_and_hold_curve,
    cash_curve,
    realised_curve,
    stated_taker_fee,
)
from helios_nautilus.report.fingerprint import trade_hash
from helios_nautilus.report.funnel import Funnel, count_funnel
from helios_nautilus.report.gate_use import GateUse, count_gate

SCHEMA: Final = 1
"""Raised when a field of the summary changes its name or meaning; new fields do not count."""


class RunFacts(Struct, frozen=True, kw_only=True):
    """What was run; stamps are nanoseconds UTC."""

    run_id: str
    mode: Mode
    strategy: str
    data_label: str
    is_synthetic: bool
    account_currency: str
    starting_balance: float
    instrument_ids: tuple[str, ...]
    start_ns: int
    end_ns: int
    seed: int
    config_hash: str
    model_id: str
    versions: dict[str, str]
    notes: tuple[str, ...]
    trade_hash: str


class Result(Struct, frozen=True, kw_only=True):
    """What was made; amounts in the account currency, fractions rather than percent, None where unknown.

    For the account, figures come from its equity, marked to market. For one instrument they come from its closed
    trades, booked when they closed onto the full starting balance, so that returns of instruments add up.
    """

    pnl: float | None
    """Net of costs."""
    costs: float
    """All commissions paid, those of positions still open included."""
    costs_by_role: dict[str, float]
    """The same by what the order was for: ENTRY, STOP, TARGET, EXIT."""
    mean_hold_secs: float | None
    close_reasons: dict[str, int]
    performance: Performance


class Benchmark(Struct, frozen=True, kw_only=True):
    """What the same money would have made without deciding anything."""

    pnl: float
    taker_fee: float
    """Paid once at the entry, a fraction; 0 also where the run's notes do not state one."""
    performance: Performance


class Summary(Struct, frozen=True, kw_only=True):
    """Everything ``summary.json`` says of a run."""

    schema: int
    run: RunFacts
    funnel: Funnel
    gate: GateUse
    total: Result
    instruments: dict[str, Result]
    open_positions: int
    """Entered and not closed by the end: they count in the equity, not among the trades."""
    buy_and_hold: Benchmark | None
    """Equal weights over the run's instruments; None unless all of them have prices."""
    cash: Benchmark
    attribution: Attribution | None = None
    """Of the return against buying and holding; None without daily snapshots or that benchmark."""
    tiers: Trials | None = None
    """The same decisions without each tier; None unless asked for."""


def run_of(records: Iterable[Record]) -> RunRecord:
    """The run's own record; `DataError` if the journal lacks it."""
    run = next((record for record in records if isinstance(record, RunRecord)), None)
    if run is None:
        raise DataError("the journal holds no run record, so no report can be made of it: was the run started?")
    return run


def summarise(records: Iterable[Record], prices: Mapping[str, Bars], tiers: Trials | None = None) -> Summary:
    """Work out a run's figures; ``prices`` are bars in the quote currency by instrument id.

    ``tiers`` are what runs without each tier came to.
    `DataError` if the records hold no run.
    """
    records = list(records)
    run = run_of(records)
    trades = [record for record in records if isinstance(record, PositionRecord)]
    fills = [record for record in records if isinstance(record, FillRecord)]
    hold = buy_and_hold_curve(run, prices)
    return Summary(
        schema=SCHEMA,
        run=_run_facts(run, trade_hash(records)),
        funnel=count_funnel(records),
        gate=count_gate(records),
        total=_result(account_curve(run, records), trades, fills),
        instruments={
            name: _instrument_result(run, name, trades, fills)
            for name in dict.fromkeys([*run.instrument_ids, *(fill.instrument_id for fill in fills)])
        },
        open_positions=len({f.decision_id for f in fills if f.role == "ENTRY"} - {t.decision_id for t in trades}),
        buy_and_hold=None if hold is None else _benchmark(hold, stated_taker_fee(run)),
        cash=_benchmark(cash_curve(run), 0.0),
        attribution=attribute_run(records, run, prices),
        tiers=tiers,
    )


def _run_facts(run: RunRecord, trades: str) -> RunFacts:
    known = {name: value for name, value in structs.asdict(run).items() if name in RunFacts.__struct_fields__}
    return RunFacts(trade_hash=trades, **known)


def _instrument_result(
    run: RunRecord, name: str, trades: Sequence[PositionRecord], fills: Sequence[FillRecord]
) -> Result:
    own = [trade for trade in trades if trade.instrument_id == name]
    return _result(realised_curve(run, own), own, [fill for fill in fills if fill.instrument_id == name])


def _result(curve: Curve, trades: Sequence[PositionRecord], fills: Sequence[FillRecord]) -> Result:
    costs: dict[str, Decimal] = {}
    for fill in fills:
        costs[fill.role] = costs.get(fill.role, Decimal()) + fill.commission_value
    pnl = np.array([trade.pnl for trade in trades], np.float64)
    holds = [(trade.ts_ns - trade.entry_ts_ns) / NS_PER_SEC for trade in trades]
    return Result(
        pnl=float(curve.equity[-1] - curve.equity[0]) if len(curve.equity) > 1 else None,
        costs=float(sum(costs.values())),
        costs_by_role={role: float(cost) for role, cost in sorted(costs.items())},
        mean_hold_secs=sum(holds) / len(holds) if holds else None,
        close_reasons=dict(Counter(trade.close_reason for trade in trades).most_common()),
        performance=measure_performance(curve.ts_ns, curve.equity, pnl=pnl, exposure=curve.exposure),
    )


def _benchmark(curve: Curve, taker_fee: float) -> Benchmark:
    return Benchmark(
        pnl=float(curve.equity[-1] - curve.equity[0]),
        taker_fee=taker_fee,
        performance=measure_performance(curve.ts_ns, curve.equity, exposure=curve.exposure),
    )
