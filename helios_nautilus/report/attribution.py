"""The return of a run against buying and holding, taken apart: the journal's daily snapshots made into `Days`."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.attribution import Days, Effects, attribute
from helios_nautilus.domain.bars import Bars, Floats, Ints
from helios_nautilus.journal.records import FillRecord, Record, RunRecord, SnapshotRecord
from helios_nautilus.report.curves import Curve, buy_and_hold_curve


class Attribution(Struct, frozen=True, kw_only=True):
    """Active return of the days that have a snapshot, and its parts; fractions."""

    days: int
    portfolio: float
    benchmark: float
    """Buying and holding equal weights, over the same days."""
    active: float
    effects: Effects


def attribute_run(records: Iterable[Record], run: RunRecord, prices: Mapping[str, Bars]) -> Attribution | None:
    """Attribution of a run; None without snapshots, without a benchmark, or where an account was worth nothing."""
    records = list(records)
    snapshots = [record for record in records if isinstance(record, SnapshotRecord)]
    hold = buy_and_hold_curve(run, prices)
    equity = np.array([run.starting_balance, *(each.equity for each in snapshots)])
    if hold is None or not snapshots or not (equity > 0.0).all():
        return None
    fills = [record for record in records if isinstance(record, FillRecord)]
    days = _days(run, snapshots, fills, {name: prices[name].window(run.start_ns, run.end_ns) for name in prices}, hold)
    effects = attribute(days)
    portfolio, benchmark = (float(np.prod(1.0 + each) - 1.0) for each in (days.portfolio, days.benchmark))
    return Attribution(
        days=len(snapshots), portfolio=portfolio, benchmark=benchmark, active=portfolio - benchmark, effects=effects
    )


def _days(
    run: RunRecord,
    snapshots: Sequence[SnapshotRecord],
    fills: Sequence[FillRecord],
    prices: Mapping[str, Bars],
    hold: Curve,
) -> Days:
    stamps = np.array([run.start_ns, *(each.ts_ns for each in snapshots)])
    equity = np.array([run.starting_balance, *(each.equity for each in snapshots)])
    benchmark = hold.equity[np.searchsorted(hold.ts_ns, stamps, side="right") - 1]
    price = np.column_stack([_prices_at(prices[name], stamps) for name in run.instrument_ids])
    growth = price / price[0]
    quantity = np.column_stack([_mean_held(name, stamps, snapshots, fills, run) for name in run.instrument_ids])
    returns = price[1:] / price[:-1] - 1.0
    return Days(
        portfolio=equity[1:] / equity[:-1] - 1.0,
        benchmark=benchmark[1:] / benchmark[:-1] - 1.0,
        held=quantity * price[:-1] / equity[:-1, None],
        neutral=growth[:-1] / growth[:-1].sum(axis=1, keepdims=True),
        local=returns,
        # A run's instruments are all quoted in the account's currency: its configuration is refused otherwise.
        in_account=returns,
        costs=np.array([each.costs for each in snapshots]) / equity[:-1],
    )


def _prices_at(bars: Bars, stamps: Ints) -> Floats:
    """The last close at each stamp; before the first one the price of the benchmark's purchase, the first open."""
    known = np.concatenate([bars.open[:1], bars.close])
    price: Floats = known[np.searchsorted(bars.ts_ns, stamps, side="right")]
    return price


def _mean_held(
    name: str, stamps: Ints, snapshots: Sequence[SnapshotRecord], fills: Sequence[FillRecord], run: RunRecord
) -> Floats:
    """Quantity of an instrument held on average over each day (d,), weighted by time; negative for a short."""
    own = [fill for fill in fills if fill.instrument_id == name]
    held = np.array([0.0, *(_held_at(each, name) for each in snapshots)])
    mean = held[:-1].copy()
    for fill in own:
        day = int(np.searchsorted(stamps, fill.ts_ns)) - 1
        if 0 <= day < len(mean):
            share = (stamps[day + 1] - fill.ts_ns) / (stamps[day + 1] - stamps[day])
            mean[day] += _quantity(fill, run) * share
    return mean


def _held_at(snapshot: SnapshotRecord, name: str) -> float:
    return sum(holding.quantity for holding in snapshot.holdings if holding.instrument_id == name)


def _quantity(fill: FillRecord, run: RunRecord) -> float:
    """What a fill changed in what is held: a commission in the base currency is taken from it."""
    taken = 0 if fill.commission_currency == run.account_currency else fill.commission
    return float((fill.quantity if fill.side == "BUY" else -fill.quantity) - taken)
