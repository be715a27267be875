"""Metrics of what a run did, counted from its records."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import singledispatchmethod
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.records import (
    EventRecord,
    FillRecord,
    GateCallRecord,
    GateRecord,
    GuardianRecord,
    KillSwitchRecord,
    OrderRecord,
    PositionRecord,
    PredictionRecord,
    RebalanceRecord,
    Record,
    SignalRecord,
    SizingRecord,
)
from helios_nautilus.journal.status import NodeStatus
from helios_nautilus.watch.recent import Recent

_DECISION_SECS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
_ORDER_SECS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_GATE_SECS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0)
_MS_PER_SEC: Final = 1_000.0
_STAMP: Final = "%Y%m%dT%H%M"
_STAMP_LENGTH: Final = len("20260131T1200")


class RecordMetrics:
    """An `Observer` that counts.

    Parameters
    ----------
    registry
        Whose metrics these are.
    monotonic_ns
        By which the way of an order to the venue and back is measured: its stamps are those of two clocks.

    """

    def __init__(self, registry: CollectorRegistry, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._monotonic_ns = monotonic_ns
        self._sent_ns = Recent[str, int]()
        self._entered = Recent[str, bool]()

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"helios_{name}", words, labels, registry=registry)

        def histogram(name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"helios_{name}_seconds", words, labels, buckets=buckets, registry=registry)

        self._predictions = counter("predictions", "Predictions; a vetoed one is not acted on.", "instrument", "veto")
        self._decisions = counter("decisions", "What became of predictions, as 'helios journal decisions'.", "outcome")
        self._checks = counter("guardian_checks", "Checks before an entry.", "check", "result")
        self._orders = counter("orders", "States that orders reached.", "role", "status")
        self._fills = counter("fills", "Fills.", "role", "liquidity")
        self._commission = counter("commission_account_currency", "Commissions paid.")
        self._closed = counter("positions_closed", "Positions that were closed.", "reason")
        self._pnl = Gauge("helios_realised_pnl_account_currency", "Result of closed positions.", registry=registry)
        self._moves = counter("kill_switch_moves", "Moves of the kill switch.", "state", "trigger")
        self._verdicts = counter("gate_verdicts", "The gate's answers after the clamps.", "decision")
        self._calls = counter("gate_calls", "Questions to a provider.", "provider", "outcome")
        self._cost = counter("gate_cost_usd", "What the gate's questions cost.", "provider")
        self._rebalancings = counter("rebalancings", "Comparisons with the target weights.", "reason")
        self._events = counter("events", "Engine events, pipeline errors among them.", "kind")
        self._gate_time = histogram("gate_call", "Time of a provider's answer.", _GATE_SECS, "provider")
        self._prediction_time = histogram("prediction", "From a bar's close to its prediction.", _DECISION_SECS)
        self._decision_time = histogram("decision", "From a bar's close to Guardian's word.", _DECISION_SECS)
        self._order_time = histogram("order", "From an order sent to its acknowledgement.", _ORDER_SECS, "role")

    def on_status(self, status: NodeStatus) -> None:
        """See `Observer`; not of interest here."""

    def on_record(self, record: Record) -> None:
        """Count it."""
        self._count(record)

    @singledispatchmethod
    def _count(self, record: Record) -> None:
        """Other records have no metric."""

    @_count.register
    def _(self, record: PredictionRecord) -> None:
        self._predictions.labels(record.instrument_id, record.veto or "none").inc()
        _observe_since_close(self._prediction_time, record.decision_id, record.ts_ns)

    @_count.register
    def _(self, record: SignalRecord) -> None:
        if record.action != "proposed":
            self._decisions.labels("exit" if record.action == "exit" else "rejected-by-strategy").inc()

    @_count.register
    def _(self, record: SizingRecord) -> None:
        if not record.approved:
            self._decisions.labels("rejected-by-aether").inc()

    @_count.register
    def _(self, record: GateCallRecord) -> None:
        self._calls.labels(record.provider, record.outcome).inc()
        self._cost.labels(record.provider).inc(max(0.0, record.cost_usd))
        if record.latency_ms:  # else nobody was asked
            self._gate_time.labels(record.provider).observe(record.latency_ms / _MS_PER_SEC)

    @_count.register
    def _(self, record: GateRecord) -> None:
        self._verdicts.labels(record.decision).inc()
        if record.decision == "REJECT":
            self._decisions.labels("rejected-by-gate").inc()

    @_count.register
    def _(self, record: GuardianRecord) -> None:
        for check in record.checks:
            self._checks.labels(check.name, "passed" if check.passed else "failed").inc()
        _observe_since_close(self._decision_time, record.decision_id, record.ts_ns)
        if not record.passed:
            self._decisions.labels("rejected-by-guardian").inc()

    @_count.register
    def _(self, record: OrderRecord) -> None:
        self._orders.labels(record.role, record.status).inc()
        if record.status == "SUBMITTED":
            self._sent_ns.add(record.client_order_id, self._monotonic_ns())
        elif (sent_ns := self._sent_ns.pop(record.client_order_id)) is not None and record.status == "ACCEPTED":
            self._order_time.labels(record.role).observe((self._monotonic_ns() - sent_ns) / NS_PER_SEC)
        if record.role == "ENTRY" and record.status in ("REJECTED", "DENIED"):
            self._decisions.labels("rejected-by-venue").inc()

    @_count.register
    def _(self, record: FillRecord) -> None:
        self._fills.labels(record.role, record.liquidity).inc()
        # A maker may be paid, and that is no count that grows.
        self._commission.inc(max(0.0, float(record.commission_value)))
        if record.role == "ENTRY" and not self._entered.add(record.decision_id, True):
            self._decisions.labels("entered").inc()

    @_count.register
    def _(self, record: PositionRecord) -> None:
        self._closed.labels(record.close_reason).inc()
        self._pnl.inc(record.pnl)

    @_count.register
    def _(self, record: KillSwitchRecord) -> None:
        self._moves.labels(record.state, record.trigger or "none").inc()

    @_count.register
    def _(self, record: RebalanceRecord) -> None:
        self._rebalancings.labels(record.reason).inc()

    @_count.register
    def _(self, record: EventRecord) -> None:
        self._events.labels(record.kind).inc()


def _observe_since_close(histogram: Histogram, decision_id: str, ts_ns: int) -> None:
    """A decision's id ends in the close of its bar; of one that does not, nothing is known."""
    try:
        close = datetime.strptime(decision_id[-_STAMP_LENGTH:], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return
    histogram.observe(max(0.0, ts_ns / NS_PER_SEC - close.timestamp()))
