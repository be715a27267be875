"""A made-up run for the report's tests: a random market, a random model, and a believable walk through the tiers."""

from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bars, Floats
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.journal.records import (
    CheckResult,
    EquityRecord,
    EventRecord,
    FillRecord,
    GateRecord,
    GuardianRecord,
    KillSwitchRecord,
    OrderRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    RunRecord,
    SignalRecord,
    SizingRecord,
    VolatilityRecord,
)

START_NS = 1_767_225_600 * 1_000_000_000  # 2026-01-01
BAR_NS = 5 * NS_PER_MIN
HOLD_BARS = 48
FEE = 0.0035
FIRST_PRICE = {"BTCZAR.VALR": 1_650_000.0, "ETHZAR.VALR": 52_400.0, "SOLZAR.VALR": 2_310.0}
CHECKS = (
    ("kill_switch", 0.0),
    ("drawdown", 0.15),
    ("daily_loss", 0.05),
    ("position", 0.20),
    ("sector", 0.60),
    ("correlation", 0.90),
    ("leverage", 3.0),
    ("open_positions", 10.0),
    ("price", 0.02),
    ("duplicates", 0.0),
    ("rate", 10.0),
)


class FakeRun(Struct, frozen=True, kw_only=True):
    records: list[Record]
    prices: dict[str, Bars]

    @property
    def run(self) -> RunRecord:
        return next(record for record in self.records if isinstance(record, RunRecord))


@cache
def fake_run(
    *, seed: int = 7, days: int = 15, every_bars: int = 6, trades: int = 24, drift: float = 0.0, note: str = ""
) -> FakeRun:
    """A run of three instruments; about ``trades`` decisions are filled, fewer if positions overlap."""
    rng = np.random.default_rng(seed)
    prices = {name: random_bars(rng, days=days, first=first, drift=drift) for name, first in FIRST_PRICE.items()}
    slots = [(bar, name) for bar in range(HOLD_BARS, days * 288 - HOLD_BARS, every_bars) for name in prices]
    wanted = {int(slot) for slot in rng.choice(len(slots), size=min(trades, len(slots)), replace=False)}
    book = _Book(rng, prices)
    for slot, (bar, name) in enumerate(slots):
        book.decide(slot, bar, name, wants_trade=slot in wanted)
    body = [*book.records, *_equity(book), *_volatility(rng, prices, days), *_events(days)]
    return FakeRun(records=[run_record(days=days, seed=seed, note=note), *sorted(body, key=_at)], prices=prices)


def run_record(*, days: int = 15, seed: int = 7, note: str = "") -> RunRecord:
    notes = ("synthetic market: nothing here says how Helios would have done", "taker fee 0.35 %, maker fee 0.18 %")
    return RunRecord(
        ts_ns=START_NS,
        run_id="bt-20260101-7f3a",
        mode="backtest",
        strategy="Helios five tiers",
        data_label="synthetic (seed 7, strength 1.0)",
        is_synthetic=True,
        account_currency="ZAR",
        starting_balance=100_000.0,
        instrument_ids=tuple(FIRST_PRICE),
        start_ns=START_NS,
        end_ns=START_NS + days * NS_PER_DAY,
        seed=seed,
        config_hash="c0ffee" * 10 + "0123",
        config_toml='[run]\nseed = 7\n\n[exit_plan]\nhold_mins = 240\nentry = "taker"\n',
        model_id="helios-nano-20251220-91ab",
        versions={"helios_nautilus": "0.1.0", "nautilus_trader": "1.231.0", "python": "3.12.11"},
        notes=(*notes, note) if note else notes,
    )


def random_bars(rng: np.random.Generator, *, days: int, first: float, drift: float = 0.0) -> Bars:
    """Five-minute bars of a random walk with changing volatility."""
    size = days * 288
    vol = 0.0016 * np.exp(0.4 * np.sin(np.arange(size) / 400 + rng.uniform(0, 6)))
    close = first * np.exp(np.cumsum(rng.normal(drift, vol)))
    opened = np.concatenate([[first], close[:-1]])
    return Bars(
        ts_ns=START_NS + BAR_NS * np.arange(1, size + 1, dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close) * (1 + vol / 3),
        low=np.minimum(opened, close) * (1 - vol / 3),
        close=close,
        volume=rng.gamma(2.0, 3.0, size),
    )


def _at(record: Record) -> int:
    return record.ts_ns


class _Book:
    """Walks decisions through the tiers and keeps what is open."""

    def __init__(self, rng: np.random.Generator, prices: dict[str, Bars]) -> None:
        self.rng, self.prices = rng, prices
        self.records: list[Record] = []
        self.closed: list[PositionRecord] = []
        self.busy_until = dict.fromkeys(prices, 0)

    def decide(self, slot: int, bar: int, name: str, *, wants_trade: bool) -> None:
        self.ids: dict[str, Any] = {
            "decision_id": f"dec-{slot:06d}",
            "instrument_id": name,
            "ts_ns": int(self.prices[name].ts_ns[bar]),
        }
        self.price = float(self.prices[name].close[bar])
        p_buy = float(self.rng.uniform(0.55, 0.8)) if wants_trade else float(self.rng.uniform(0.1, 0.55))
        p_sell = (1 - p_buy) * float(self.rng.uniform(0.2, 0.6))
        attention = tuple(float(weight) for weight in self.rng.dirichlet((4, 6, 3)))
        self.add(
            PredictionRecord(
                **self.ids,
                model_id="helios-nano-20251220-91ab",
                p_buy=p_buy,
                p_sell=p_sell,
                p_hold=1 - p_buy - p_sell,
                attention=attention,  # type: ignore[arg-type]
                price=self.price,
            )
        )
        dropped = "" if wants_trade else str(self.rng.choice(["hold", "no_shorts", "position_open"], p=[0.7, 0.2, 0.1]))
        proposed = not dropped or bool(self.rng.random() < 0.25)
        if bar < self.busy_until[name]:
            proposed, dropped = False, "position_open"
        self.add(
            SignalRecord(
                **self.ids,
                action="proposed" if proposed else "dropped",
                side="LONG" if proposed else None,
                reason="buy" if proposed else dropped,
            )
        )
        if proposed:
            self.size(bar, name, p_buy, p_sell, wants_trade=wants_trade)

    def add(self, record: Record) -> None:
        self.records.append(record)

    def size(self, bar: int, name: str, p_buy: float, p_sell: float, *, wants_trade: bool) -> None:
        reason = "sized" if wants_trade else str(self.rng.choice(["no_edge", "low_confidence"], p=[0.8, 0.2]))
        words = {
            "sized": f"Sized R5 {self.rng.integers(100, 999)}: win probability {p_buy:.2f}, a quarter of Kelly.",
            "no_edge": f"Declined: p {p_buy:.2f} and b 1.61 leave -0.021 after costs of 0.84 %; min_edge is 0.",
            "low_confidence": f"Declined: confidence {p_buy / (p_buy + p_sell):.2f} is below 0.55.",
        }[reason]
        self.add(
            SizingRecord(
                **self.ids,
                side="LONG",
                approved=wants_trade,
                reason=reason,
                words=words,
                p_win=p_buy,
                payoff=1.61,
                confidence=p_buy / (p_buy + p_sell),
                kelly_full=0.21 if wants_trade else -0.021,
                fraction=0.052 if wants_trade else 0.0,
                equity=100_000.0,
                drawdown=0.012,
                notional=5_200.0 if wants_trade else 0.0,
                leverage=1.0,
                stop=0.0245,
                target=0.049,
                vol_daily=0.03,
                vol_source="garch",
                regime="MEDIUM",
            )
        )
        if wants_trade:
            self.gate(bar, name)

    def gate(self, bar: int, name: str) -> None:
        answer = str(self.rng.choice(["APPROVE", "MODIFY", "REJECT"], p=[0.6, 0.28, 0.12]))
        self.add(
            GateRecord(
                **self.ids,
                provider="rules",
                decision=answer,  # type: ignore[arg-type]
                reasoning={
                    "APPROVE": "Volatility is medium and liquidity normal. Nothing speaks against the bet.",
                    "MODIFY": "Confidence is moderate, so the size is halved. The stop is kept.",
                    "REJECT": "Volume is in the thinnest tenth of its history. Leaving could cost more than it earns.",
                }[answer],
                multiplier={"APPROVE": 1.0, "MODIFY": 0.5, "REJECT": 0.0}[answer],
                risk_flags=("thin_liquidity", "no_news") if answer == "REJECT" else (),
                notional=2_600.0 if answer == "MODIFY" else 5_200.0,
                leverage=1.0,
                stop=0.0245,
                target=0.049,
                latency_ms=float(self.rng.uniform(0.1, 0.9)),
                clamped=("asked for a wider stop (0.0400), kept 0.0245",) if answer == "MODIFY" else (),
            )
        )
        if answer != "REJECT":
            self.guard(bar, name, notional=2_600.0 if answer == "MODIFY" else 5_200.0)

    def guard(self, bar: int, name: str, *, notional: float) -> None:
        breach = int(self.rng.integers(0, 40))
        checks = tuple(
            CheckResult(
                name=check,
                passed=number != breach,
                value=limit * (1.2 if number == breach else 0.3),
                limit=limit,
                words=f"{check.replace('_', ' ')} is {'above' if number == breach else 'within'} its limit of {limit}",
            )
            for number, (check, limit) in enumerate(CHECKS)
        )
        self.add(GuardianRecord(**self.ids, passed=breach >= len(CHECKS), checks=checks))
        if breach >= len(CHECKS):
            self.trade(bar, name, Decimal(f"{notional / self.price:.6f}"))

    def trade(self, bar: int, name: str, quantity: Decimal) -> None:
        stop, target = self.price * 0.985, self.price * 1.02
        self.order("ENTRY", "BUY", "SUBMITTED", quantity)
        if self.rng.random() < 0.12:
            self.order("ENTRY", "BUY", "EXPIRED", quantity)
            return
        entry_ns = self.ids["ts_ns"]
        entry_cost = self.fill("ENTRY", "BUY", quantity, self.price, "TAKER")
        closes = self.prices[name].close[bar + 1 : bar + 1 + HOLD_BARS]
        ended, reason, exit_price = _exit(closes, stop, target)
        role = {"STOP_LOSS": "STOP", "TAKE_PROFIT": "TARGET", "TIMEOUT": "EXIT"}[reason]
        self.ids = self.ids | {"ts_ns": int(self.prices[name].ts_ns[bar + 1 + ended])}
        exit_cost = self.fill(role, "SELL", quantity, exit_price, "MAKER" if role == "TARGET" else "TAKER")
        self.busy_until[name] = bar + 1 + ended
        position = PositionRecord(
            **self.ids,
            side="LONG",
            quantity=quantity,
            entry_ts_ns=entry_ns,
            entry_price=self.price,
            exit_price=exit_price,
            stop_price=stop,
            target_price=target,
            close_reason=reason,
            pnl=float(quantity) * (exit_price - self.price) - entry_cost - exit_cost,
            costs=entry_cost + exit_cost,
        )
        self.closed.append(position)
        self.add(position)

    def order(self, role: str, side: str, status: str, quantity: Decimal) -> None:
        self.add(
            OrderRecord(
                **self.ids,
                client_order_id=f"{self.ids['decision_id']}-{role}",
                role=role,  # type: ignore[arg-type]
                side=side,  # type: ignore[arg-type]
                order_type="LIMIT" if role in ("ENTRY", "TARGET") else "STOP_MARKET",
                quantity=quantity,
                price=Decimal(f"{self.price:.2f}"),
                status=status,
                reason="IOC remainder" if status == "EXPIRED" else "",
            )
        )

    def fill(self, role: str, side: str, quantity: Decimal, price: float, liquidity: str) -> float:
        self.order(role, side, "FILLED", quantity)
        rate = FEE if liquidity == "TAKER" else 0.0018
        commission = Decimal(f"{float(quantity) * price * rate:.2f}")
        self.add(
            FillRecord(
                **self.ids,
                client_order_id=f"{self.ids['decision_id']}-{role}",
                trade_id=f"{self.ids['decision_id']}-{role}-1",
                role=role,  # type: ignore[arg-type]
                side=side,  # type: ignore[arg-type]
                quantity=quantity,
                price=Decimal(f"{price:.2f}"),
                commission=commission,
                commission_currency="ZAR",
                commission_value=commission,
                liquidity=liquidity,  # type: ignore[arg-type]
            )
        )
        return float(commission)


def _exit(closes: Floats, stop: float, target: float) -> tuple[int, str, float]:
    for index, close in enumerate(closes):
        if close <= stop:
            return index, "STOP_LOSS", float(close)
        if close >= target:
            return index, "TAKE_PROFIT", target
    return len(closes) - 1, "TIMEOUT", float(closes[-1])


def _equity(book: _Book) -> list[Record]:
    """Marked every half hour: cash, plus what open positions are worth."""
    stamps = next(iter(book.prices.values())).ts_ns[::6]
    peak = 100_000.0
    records: list[Record] = []
    for index, ts in enumerate(stamps.tolist()):
        equity, held = 100_000.0, 0.0
        for trade in book.closed:
            if trade.ts_ns <= ts:
                equity += trade.pnl
            elif trade.entry_ts_ns <= ts:
                close = float(book.prices[trade.instrument_id].close[index * 6])
                equity += float(trade.quantity) * (close - trade.entry_price) - trade.costs / 2
                held += float(trade.quantity) * close
        peak = max(peak, equity)
        records.append(
            EquityRecord(
                ts_ns=ts,
                equity=equity,
                peak=peak,
                drawdown=1 - equity / peak,
                exposure=held / equity,
                open_positions=int(held > 0),
            )
        )
    return records


def _volatility(rng: np.random.Generator, prices: dict[str, Bars], days: int) -> list[Record]:
    regimes = ("LOW", "MEDIUM", "MEDIUM", "HIGH", "EXTREME")
    return [
        VolatilityRecord(
            ts_ns=START_NS + hour * 12 * BAR_NS,
            instrument_id=name,
            vol_daily=float(rng.uniform(0.015, 0.06)),
            regime=str(rng.choice(regimes, p=[0.2, 0.3, 0.3, 0.15, 0.05])),
            source="garch",
            trigger="schedule",
            alpha=0.08,
            beta=0.9,
            omega=0.002,
        )
        for name in prices
        for hour in range(0, days * 24, 8)
    ]


def _events(days: int) -> list[Record]:
    middle = START_NS + days * NS_PER_DAY // 2
    return [
        EventRecord(ts_ns=middle, kind="gap", words="no bars from 06:00 to 06:20", instrument_id="SOLZAR.VALR"),
        KillSwitchRecord(ts_ns=middle, state="REDUCE_ONLY", trigger="stale_data", words="no bar for 15 minutes"),
        KillSwitchRecord(ts_ns=middle + BAR_NS, state="NORMAL", trigger="operator", words="cleared after a look"),
    ]
