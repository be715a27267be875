"""The last day of a paper run, made up from a seed: enough of everything for the pages to have something to show."""

import math
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Final, Literal

from msgspec.structs import replace

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.records import (
    CheckResult,
    EquityRecord,
    EventRecord,
    GuardianRecord,
    KillSwitchRecord,
    OutcomeRecord,
    PositionRecord,
    PredictionRecord,
    RebalanceRecord,
    Record,
    RunRecord,
    SignalRecord,
    WeightChange,
)
from helios_nautilus.journal.status import MarketStatus, Need, NodeStatus, PositionStatus, TierStatus
from tests.integration.journal import samples

RUN_ID: Final = "paper-20261120-0900"
PAIRS: Final = {"BTCZAR.VALR": 1_874_350.0, "ETHZAR.VALR": 62_410.0, "SOLZAR.VALR": 3_318.5}
_STEP_NS: Final = 5 * NS_PER_MIN
_HOURS: Final = 30
_DAYS_BEFORE: Final = 45
"""Of which one mark a day is left."""
_EQUITY: Final = 100_000.0
_EQUITY_NOW: Final = 101_312.48


def day(now_ns: int, seed: int = 7) -> list[Record]:
    """The records of a run that began some weeks ago and still goes on; all of them for the last thirty hours."""
    chance = Random(seed)
    start_ns = now_ns - _HOURS * NS_PER_HOUR
    begun_ns = start_ns - _DAYS_BEFORE * NS_PER_DAY
    records: list[Record] = [_run(begun_ns)]
    for number in range(_DAYS_BEFORE):
        equity = round(_EQUITY * (1.0 + chance.gauss(0.0, 0.004)), 2)
        mark = EquityRecord(
            ts_ns=begun_ns + number * NS_PER_DAY + NS_PER_SEC,
            equity=equity,
            peak=max(equity, _EQUITY),
            drawdown=max(0.0, 1.0 - equity / _EQUITY),
            exposure=0.11,
            open_positions=2,
        )
        records.append(mark)
    peak = 0.0
    for step, equity in enumerate(_walk(chance, _HOURS * 12)):
        ts_ns = start_ns + step * _STEP_NS + NS_PER_SEC
        peak = max(peak, equity)
        records.append(
            EquityRecord(
                ts_ns=ts_ns,
                equity=round(equity, 2),
                peak=round(peak, 2),
                drawdown=1 - equity / peak,
                exposure=0.11 + 0.03 * math.sin(step / 20),
                open_positions=2,
            )
        )
        if step >= _HOURS * 12 - 60:
            for pair, price in PAIRS.items():
                records += _decide(chance, f"{pair[:3]}-{step:04d}", pair, price, ts_ns)
    records += _happened(now_ns)
    return sorted((each for each in records if each.ts_ns <= now_ns), key=lambda record: record.ts_ns)


def status(now_ns: int, **changed: object) -> NodeStatus:
    """How the node of that run is now."""
    return replace(_status(now_ns), **changed)


def _walk(chance: Random, count: int) -> list[float]:
    """Equity at random, bent so that it ends where the node says it is."""
    free = list(accumulate((chance.gauss(0, 0.0006) for _ in range(count)), initial=0.0))[1:]
    bend = math.log(_EQUITY_NOW / _EQUITY) - free[-1]
    return [_EQUITY * math.exp(gone + bend * (at + 1) / count) for at, gone in enumerate(free)]


def _run(start_ns: int) -> RunRecord:
    return replace(
        samples.RUN,
        ts_ns=start_ns,
        run_id=RUN_ID,
        mode="paper",
        is_synthetic=False,
        data_label="live VALR",
        instrument_ids=tuple(PAIRS),
        start_ns=start_ns,
        end_ns=start_ns,
        config_toml="name = 'three-pairs'",
        model_id="nano-4f2c91",
    )


def _decide(chance: Random, decision_id: str, pair: str, price: float, ts_ns: int) -> list[Record]:
    p_buy, p_sell = chance.uniform(0.18, 0.52), chance.uniform(0.12, 0.4)
    known = {"decision_id": decision_id, "instrument_id": pair}
    close = round(price * (1 + chance.gauss(0, 0.004)), 1)
    predicted = PredictionRecord(
        ts_ns=ts_ns,
        **known,
        model_id="nano-4f2c91",
        p_buy=p_buy,
        p_sell=p_sell,
        p_hold=1 - p_buy - p_sell,
        attention=(0.5, 0.3, 0.2),
        price=close,
    )
    turn = chance.random()
    if turn < 0.42:
        reason = "no_shorts" if p_sell > p_buy else "hold"
        signal = SignalRecord(ts_ns=ts_ns + 1, **known, action="dropped", side=None, reason=reason)
        return [predicted, signal, *_outcome(chance, predicted)]
    proposed = SignalRecord(ts_ns=ts_ns + 1, **known, action="proposed", side="LONG", reason="directional")
    sized = replace(
        samples.size(decision_id, ts_ns + 2, approved=turn > 0.72),
        instrument_id=pair,
        words="f* 0.081 of a bet at 2.0 to 1: R4 870.00, 4.9 % of equity, risk R41.40"
        if turn > 0.72
        else "no edge left after costs: f* -0.012 at p 0.36 and b 1.71",
        kelly_full=0.081,
        fraction=0.0487,
    )
    if turn <= 0.72:
        return [predicted, proposed, sized, *_outcome(chance, predicted)]
    rejected = turn > 0.93
    gate = replace(
        samples.answer(decision_id, ts_ns + 3, "REJECT" if rejected else "APPROVE"),
        instrument_id=pair,
        reasoning="Volatility is in its highest regime and the book is thin." if rejected else "The trend agrees.",
    )
    if rejected:
        return [predicted, proposed, sized, gate, *_outcome(chance, predicted)]
    return [predicted, proposed, sized, gate, _checked(chance, known, ts_ns + 4), *_outcome(chance, predicted)]


def _checked(chance: Random, known: dict[str, str], ts_ns: int) -> GuardianRecord:
    share = chance.uniform(0.05, 0.3)
    checks = tuple(
        CheckResult(
            name=name,
            passed=share < 0.2,
            value=share,
            limit=0.2,
            words=f"{name} {share:.1%} of equity after the order, limit 20.0%",
        )
        for name in ("position", "sector")
    )
    return GuardianRecord(ts_ns=ts_ns, **known, passed=share < 0.2, checks=checks)


def _outcome(chance: Random, predicted: PredictionRecord) -> list[Record]:
    if chance.random() < 0.4:
        return []
    label: Literal["BUY", "HOLD"] = "BUY" if chance.random() < 0.4 else "HOLD"
    return [
        OutcomeRecord(
            ts_ns=predicted.ts_ns + 4 * NS_PER_HOUR,
            decision_id=predicted.decision_id,
            instrument_id=predicted.instrument_id,
            predicted_ns=predicted.ts_ns,
            side="LONG" if predicted.p_buy >= predicted.p_sell else "SHORT",
            confidence=0.61,
            label=label,
            net_return=0.0041,
        )
    ]


def _happened(now_ns: int) -> list[Record]:
    def closed(hours: float, pair: str, pnl: float, reason: str, number: int) -> PositionRecord:
        ts_ns = now_ns - int(hours * NS_PER_HOUR)
        entry = PAIRS[pair] * 0.99
        return PositionRecord(
            ts_ns=ts_ns,
            decision_id=f"{pair[:3]}-T{number}",
            instrument_id=pair,
            side="LONG",
            quantity=Decimal(str(round(4900 / entry, 6))),
            entry_ts_ns=ts_ns - int(2.4 * NS_PER_HOUR),
            entry_price=entry,
            exit_price=entry * (1 + pnl / 4900),
            stop_price=entry * 0.988,
            target_price=entry * 1.024,
            close_reason=reason,
            pnl=pnl,
            costs=9.8,
            position_id=f"P-{number}",
        )

    ago = now_ns - NS_PER_HOUR
    return [
        closed(26, "BTCZAR.VALR", 108.4, "TAKE_PROFIT", 1),
        closed(19.5, "SOLZAR.VALR", -61.75, "STOP_LOSS", 2),
        closed(11, "ETHZAR.VALR", 22.1, "TIMEOUT", 3),
        closed(5.2, "BTCZAR.VALR", 97.9, "TAKE_PROFIT", 4),
        closed(2.1, "SOLZAR.VALR", -58.2, "STOP_LOSS", 5),
        EventRecord(ts_ns=ago, kind="ready", words="everything an entry needs is there"),
        EventRecord(ts_ns=ago - NS_PER_MIN, kind="not_ready", words="quotes: ETHZAR has none"),
        EventRecord(
            ts_ns=ago - 5 * NS_PER_HOUR, kind="drift", words="hit rate of the last 100 predictions 0.41, card 0.48"
        ),
        KillSwitchRecord(
            ts_ns=ago - 9 * NS_PER_HOUR, state="REDUCE_ONLY", trigger="operator", words="thabo: maintenance"
        ),
        KillSwitchRecord(ts_ns=ago - 8 * NS_PER_HOUR, state="NORMAL", trigger="operator", words="thabo: done"),
        RebalanceRecord(
            ts_ns=ago - 4 * NS_PER_HOUR,
            reason="DAILY",
            equity=100_412.5,
            changes=(
                WeightChange(instrument_id="BTCZAR.VALR", current=0.07, target=0.12, change=0.05, view=0.002),
                WeightChange(instrument_id="ETHZAR.VALR", current=0.05, target=0.05, change=0.0, view=None),
            ),
            cash=0.83,
        ),
    ]


def _status(now_ns: int) -> NodeStatus:
    return NodeStatus(
        ts_ns=now_ns,
        run_id=RUN_ID,
        mode="paper",
        name="three-pairs",
        model_id="nano-4f2c91",
        currency="ZAR",
        started_ns=now_ns - _HOURS * NS_PER_HOUR,
        is_ready=True,
        needs=tuple(Need(name=name) for name in ("journal", "data", "venue", "account", "positions", "orders", "bars")),
        entries_on=True,
        kill_state="NORMAL",
        kill_words="",
        tiers=(
            _tier("prediction", now_ns - 41 * NS_PER_SEC, "SOLZAR: buy 34 %, sell 29 %, hold 37 %"),
            _tier("aether", now_ns - 41 * NS_PER_SEC, "SOLZAR: no edge left after costs"),
            _tier("gate", now_ns - 22 * NS_PER_MIN, "rules: BTCZAR approved"),
            _tier("guardian", now_ns - 22 * NS_PER_MIN, "BTCZAR: all 11 checks passed"),
        ),
        equity=_EQUITY_NOW,
        cash=90_204.11,
        peak=101_690.02,
        drawdown=0.00371,
        daily_loss=0.0,
        exposure=0.1096,
        positions=(
            _position("BTCZAR.VALR", now_ns, 0.00342, 1.0062, 78),
            _position("ETHZAR.VALR", now_ns, 0.0752, 0.9971, 171),
        ),
        markets=tuple(
            MarketStatus(
                instrument_id=pair,
                price=price,
                bid=price * 0.9996,
                ask=price * 1.0004,
                quote_age_secs=0.4,
                bar_age_secs=21.0,
                vol_daily=vol,
                regime=regime,
            )
            for (pair, price), vol, regime in zip(
                PAIRS.items(), (0.021, 0.029, 0.037), ("MEDIUM", "MEDIUM", "HIGH"), strict=True
            )
        ),
        orders_working=2,
        loop_lag_ms=3.1,
        clock_skew_ms=-12.0,
        memory_mb=846.0,
        journal_waiting=0,
        journal_lost=0,
        is_journal_healthy=True,
        pipeline_errors=0,
    )


def _tier(tier: Literal["prediction", "aether", "gate", "guardian"], last_ns: int, words: str) -> TierStatus:
    return TierStatus(tier=tier, is_on=True, last_ns=last_ns, words=words)


def _position(pair: str, now_ns: int, quantity: float, gone: float, minutes: int) -> PositionStatus:
    entry = PAIRS[pair] / gone
    return PositionStatus(
        instrument_id=pair,
        decision_id=f"{pair[:3]}-{_HOURS * 12 - 1 - minutes // 5:04d}",
        side="LONG",
        quantity=quantity,
        entry_price=round(entry, 2),
        price=PAIRS[pair],
        value=quantity * PAIRS[pair],
        pnl=quantity * (PAIRS[pair] - entry),
        opened_ns=now_ns - minutes * NS_PER_MIN,
        stop_price=round(entry * 0.988, 2),
        target_price=round(entry * 1.024, 2),
        deadline_ns=now_ns + (240 - minutes) * NS_PER_MIN,
        is_guarded=True,
    )
