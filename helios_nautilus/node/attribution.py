"""What each tier added: the decisions of a run made once more without it, from the same predictions.

The predictions are those that the run recorded, told again when they were known; the model is not asked. Each tier is
left out alone, and everything after the prediction happens anew: other sizes, other fills, other positions in the way.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from statistics import fmean
from typing import Final

from msgspec.structs import replace
from nautilus_trader.core.data import Data
from nautilus_trader.model.data import CustomData, DataType
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.attribution import RunFigures, Trial, Trials
from helios_nautilus.domain.risk.sizing import SizingRules
from helios_nautilus.domain.timeframe import NS_PER_DAY, parse_timeframe
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import (
    EquityRecord,
    FillRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    SizingRecord,
)
from helios_nautilus.messages import HELIOS_CLIENT, Prediction, Stage
from helios_nautilus.node.backtest import build_engine, load_market, run_engine
from helios_nautilus.node.tiers import Absence, add_tiers

_LONG_NS: Final = 60 * NS_PER_DAY
"""Runs over a longer window go in processes of their own; a shorter one is over before these have started."""


def try_without_tiers(config: HeliosConfig, records: Iterable[Record]) -> Trials:
    """Make the decisions of a finished run again without Aether, without the gate and without Guardian.

    ``records`` are the run's own. A gate that asks a language model answers from its cassette, as in any backtest;
    where other decisions come before it than those recorded, its rules answer. Raises what `run_backtest` raises, and
    `HeliosError` if a process of its own dies.
    """
    records = list(records)
    absences = _absences(records, config.aether.sizing)
    predictions = [record for record in records if isinstance(record, PredictionRecord)]
    attempt = partial(_figures_without, config, predictions)
    window_ns = config.backtest.end_ns - config.backtest.start_ns
    try_all = _try_side_by_side if window_ns > _LONG_NS else map
    figures = list(try_all(attempt, [absence for absence, _ in absences]))
    base = _figures(records, config.account.balance)
    return Trials(
        base=base,
        without=tuple(
            Trial(tier=absence.stage.value, words=words, figures=each, added=base.less(each))
            for (absence, words), each in zip(absences, figures, strict=True)
        ),
    )


def _try_side_by_side(attempt: Callable[[Absence], RunFigures], absences: Sequence[Absence]) -> list[RunFigures]:
    processes = min(len(absences), os.cpu_count() or 1)
    try:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            return list(pool.map(attempt, absences))
    except BrokenProcessPool as error:
        raise HeliosError("the process of a run without a tier has died; was there enough memory?") from error


def _absences(records: Iterable[Record], rules: SizingRules) -> list[tuple[Absence, str]]:
    """The tiers to leave out one by one, and in words what is there instead."""
    sized = [record.fraction for record in records if isinstance(record, SizingRecord) and record.approved]
    fraction = fmean(sized) if sized else min(*rules.regime_cap.values, rules.max_fraction)
    source = "the mean of what Aether granted" if sized else "the least of its caps, for it granted nothing"
    return [
        (
            Absence(stage=Stage.AETHER, fraction=fraction),
            f"every proposal gets {fraction:.2%} of equity, {source}; stop and target by the same plan",
        ),
        (Absence(stage=Stage.GATE), "every sizing passes at once, unchanged"),
        (Absence(stage=Stage.GUARDIAN), "every entry passes unchecked; the kill switch stays"),
    ]


def _figures_without(
    config: HeliosConfig, predictions: Iterable[PredictionRecord], absence: Absence | None
) -> RunFigures:
    return _figures(replay_without(config, predictions, absence), config.account.balance)


def replay_without(
    config: HeliosConfig, predictions: Iterable[PredictionRecord], absence: Absence | None
) -> MemoryJournal:
    """Run the decisions of some predictions without a tier, or with all of them; the journal has no run record."""
    # No catalogue's predictions are to be read: they are at hand.
    config = replace(config, model=replace(config.model, predictions="model"))
    market = load_market(config)
    node, engine = build_engine(config, market)
    engine.add_data(_retold(config, predictions), client_id=HELIOS_CLIENT, sort=False)
    journal = MemoryJournal()
    add_tiers(engine, _settings(config, absence), market, journal, absence=absence)
    run_engine(node, journal, market)
    return journal


def _settings(config: HeliosConfig, absence: Absence | None) -> HeliosConfig:
    """The tiers' settings: predictions are replayed, and an absent gate takes no time either."""
    config = replace(config, model=replace(config.model, predictions="catalogue"))
    if absence is None or absence.stage is not Stage.GATE:
        return config
    return replace(config, gate=replace(config.gate, provider="off", latency_ms=0))


def _retold(config: HeliosConfig, predictions: Iterable[PredictionRecord]) -> list[Data]:
    """Recorded predictions as data; each was known less than a bar after the close that it is of."""
    decision_ns = parse_timeframe(config.data.timeframes.decision)
    return [
        CustomData(
            DataType(Prediction),
            Prediction(
                ts_event=record.ts_ns // decision_ns * decision_ns,
                ts_init=record.ts_ns,
                instrument_id=InstrumentId.from_str(record.instrument_id),
                decision_id=record.decision_id,
                model_id=record.model_id,
                p_buy=record.p_buy,
                p_sell=record.p_sell,
                p_hold=record.p_hold,
                attention_high=record.attention[0],
                attention_medium=record.attention[1],
                attention_low=record.attention[2],
                price=record.price,
                veto=record.veto,
            ),
        )
        for record in predictions
    ]


def _figures(records: Iterable[Record], balance: float) -> RunFigures:
    records = list(records)
    marks = [record for record in records if isinstance(record, EquityRecord)]
    return RunFigures(
        pnl=marks[-1].equity - balance if marks else 0.0,
        costs=float(sum(record.commission_value for record in records if isinstance(record, FillRecord))),
        drawdown=max((mark.drawdown for mark in marks), default=0.0),
        trades=sum(isinstance(record, PositionRecord) for record in records),
    )
