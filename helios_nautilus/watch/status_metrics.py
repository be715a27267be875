"""Metrics of how a node is, set from its status once a second; a scrape only reads them."""

from math import nan
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Gauge, Info

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.records import KillSwitchRecord, Record
from helios_nautilus.journal.status import NodeStatus

_STATES: Final = get_args(KillSwitchRecord.__annotations__["state"])
_BYTES_PER_MB: Final = 2**20
_MS_PER_SEC: Final = 1_000.0


class StatusMetrics:
    """An `Observer` that sets gauges; what is not known is NaN."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, words: str, *labels: str) -> Gauge:
            return Gauge(f"helios_{name}", words, labels, registry=registry)

        self._info = Info("helios_node", "What runs here.", registry=registry)
        self._seen = gauge("status_timestamp_seconds", "When the node last said how it is.")
        self._started = gauge("start_timestamp_seconds", "When the run began.")
        self._equity = gauge("equity_account_currency", "Equity, marked to market.")
        self._cash = gauge("cash_account_currency", "Cash.")
        self._peak = gauge("peak_equity_account_currency", "Highest equity.")
        self._drawdown = gauge("drawdown_ratio", "Distance of equity from its peak.")
        self._daily_loss = gauge("daily_loss_ratio", "Loss since 00:00 UTC.")
        self._exposure = gauge("exposure_ratio", "Gross value of positions / equity.")
        self._positions = gauge("open_positions", "Open positions.")
        self._unguarded = gauge("unguarded_positions", "Open positions without a working stop.")
        self._value = gauge("position_value_account_currency", "Signed value of a position.", "instrument")
        self._orders = gauge("working_orders", "Orders that work.")
        self._ready = gauge("ready", "1 if all is there that an entry needs.")
        self._need = gauge("need_met", "1 if it is there.", "need")
        self._entries = gauge("entries_on", "0 if an operator switched entries off.")
        self._tier = gauge("tier_on", "0 if an operator switched it off.", "tier")
        self._tier_errors = gauge("tier_errors", "Failures of a tier since the start.", "tier")
        self._kill = gauge("kill_state", "1 at the state of the kill switch.", "state")
        self._pipeline_errors = gauge("pipeline_errors_in_a_row", "Decisions that broke, one after another.")
        self._quote_age = gauge("quote_age_seconds", "Age of an instrument's newest quote.", "instrument")
        self._bar_age = gauge("bar_age_seconds", "Age of an instrument's newest bar.", "instrument")
        self._volatility = gauge("volatility_daily_ratio", "Forecast of a day's standard deviation.", "instrument")
        self._lag = gauge("loop_lag_seconds", "Longest delay of the event loop in the last second.")
        self._skew = gauge("clock_skew_seconds", "The venue's clock minus this machine's.")
        self._memory = gauge("memory_bytes", "Resident memory of the node.")
        self._waiting = gauge("journal_waiting_records", "Records in the journal's queue.")
        self._kept = gauge("journal_kept_records", "Rows of the run that are kept.")
        self._lost = gauge("journal_lost_records", "Records for which the queue had no room.")
        self._healthy = gauge("journal_healthy", "1 if what is appended will be kept.")

    def on_record(self, record: Record) -> None:
        """See `Observer`; not of interest here."""

    def on_status(self, status: NodeStatus) -> None:
        """Set every gauge."""
        self._set_run(status)
        self._set_account(status)
        self._set_switches(status)
        self._set_markets(status)
        self._set_machine(status)

    def _set_run(self, status: NodeStatus) -> None:
        named = {"name": status.name, "model_id": status.model_id, "currency": status.currency}
        self._info.info({"mode": status.mode, "run_id": status.run_id, **named})
        self._seen.set(status.ts_ns / NS_PER_SEC)
        self._started.set(status.started_ns / NS_PER_SEC)

    def _set_account(self, status: NodeStatus) -> None:
        for gauge, figure in (
            (self._equity, status.equity),
            (self._cash, status.cash),
            (self._peak, status.peak),
            (self._drawdown, status.drawdown),
            (self._daily_loss, status.daily_loss),
            (self._exposure, status.exposure),
        ):
            gauge.set(_known(figure))
        self._positions.set(len(status.positions))
        self._unguarded.set(sum(not position.is_guarded for position in status.positions))
        self._orders.set(status.orders_working)
        held = {market.instrument_id: 0.0 for market in status.markets}
        for position in status.positions:
            held[position.instrument_id] = held.get(position.instrument_id, 0.0) + _known(position.value)
        _set_all(self._value, held)

    def _set_switches(self, status: NodeStatus) -> None:
        self._ready.set(status.is_ready)
        self._entries.set(status.entries_on)
        self._pipeline_errors.set(status.pipeline_errors)
        _set_all(self._need, {need.name: float(not need.missing) for need in status.needs})
        _set_all(self._tier, {tier.tier: float(tier.is_on) for tier in status.tiers})
        _set_all(self._tier_errors, {tier.tier: float(tier.errors) for tier in status.tiers})
        _set_all(self._kill, {state: float(state == status.kill_state) for state in _STATES})

    def _set_markets(self, status: NodeStatus) -> None:
        markets = status.markets
        _set_all(self._quote_age, {market.instrument_id: _known(market.quote_age_secs) for market in markets})
        _set_all(self._bar_age, {market.instrument_id: _known(market.bar_age_secs) for market in markets})
        _set_all(self._volatility, {market.instrument_id: _known(market.vol_daily) for market in markets})

    def _set_machine(self, status: NodeStatus) -> None:
        self._lag.set(status.loop_lag_ms / _MS_PER_SEC)
        self._skew.set(nan if status.clock_skew_ms is None else status.clock_skew_ms / _MS_PER_SEC)
        self._memory.set(status.memory_mb * _BYTES_PER_MB)
        self._waiting.set(status.journal_waiting)
        self._kept.set(status.journal_kept)
        self._lost.set(status.journal_lost)
        self._healthy.set(status.is_journal_healthy)


def _known(figure: float | None) -> float:
    return nan if figure is None else figure


def _set_all(gauge: Gauge, figures: dict[str, float]) -> None:
    """One value a label; a label stays once it is there, so a reader sees no gap."""
    for label, figure in figures.items():
        gauge.labels(label).set(figure)
