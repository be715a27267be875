"""From records and status to alerts that are sent: an observer, and what it needs to live as long as a run."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from helios_nautilus.journal.records import EventRecord, Record
from helios_nautilus.journal.status import NodeStatus, PositionStatus
from helios_nautilus.watch.alert import URGENCY, Alert, Source, encode_alert
from helios_nautilus.watch.conditions import Conditions
from helios_nautilus.watch.outbox import Delivered, Outbox
from helios_nautilus.watch.record_alerts import alerts_of
from helios_nautilus.watch.repeats import Repeats
from helios_nautilus.watch.settings import AlertSettings
from helios_nautilus.watch.webhook import Webhook

_LAST_SECS: Final = 10.0
"""How long the last alerts of a run may take."""


class Alerts:
    """An `Observer` that decides what is sent; time is that of what it hears.

    Parameters
    ----------
    settings
        See `AlertSettings`.
    send
        Takes each alert; must not wait.

    """

    def __init__(self, settings: AlertSettings, send: Callable[[Alert], None]) -> None:
        self._least = URGENCY[settings.level]
        self._send = send
        self._conditions = Conditions(settings)
        self._repeats = Repeats(settings.repeat_mins)
        self._held: tuple[PositionStatus, ...] = ()
        self._now_ns = 0

    def on_record(self, record: Record) -> None:
        """Tell what a record is worth telling."""
        self._now_ns = max(self._now_ns, record.ts_ns)
        self._offer(alerts_of(record))
        if isinstance(record, EventRecord) and record.kind == "stopped":
            self._offer(map(self._left_open, self._held))

    def on_status(self, status: NodeStatus) -> None:
        """Tell what has begun and what is over, and what was held back for long enough."""
        self._now_ns = max(self._now_ns, status.ts_ns)
        self._held = status.positions
        self._offer(self._conditions.update(status))
        self._send_all(self._repeats.due(status.ts_ns))

    def flush(self) -> None:
        """Tell what is held back: the run is over."""
        self._send_all(self._repeats.flush(self._now_ns))

    def _left_open(self, position: PositionStatus) -> Alert:
        name = position.instrument_id
        words = f"{position.side} {position.quantity:g} {name} is held, and no node watches its stop any more"
        return Alert(level="critical", kind="left_open", subject=name, words=words, ts_ns=self._now_ns)

    def _offer(self, alerts: Iterable[Alert]) -> None:
        urgent = (each for each in alerts if URGENCY[each.level] <= self._least)
        self._send_all(told for each in urgent if (told := self._repeats.offer(each)) is not None)

    def _send_all(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            self._send(alert)


@contextmanager
def sending_alerts(
    settings: AlertSettings,
    webhook: Webhook,
    source: Source,
    registry: CollectorRegistry,
    on_trouble: Callable[[str], None],
) -> Iterator[Alerts]:
    """Alerts that are posted meanwhile; at the end what waits is tried once more."""
    counted = Counter("helios_alerts", "What became of alerts.", ["level", "result"], registry=registry)

    def count(alert: Alert, result: Delivered) -> None:
        counted.labels(alert.level, result).inc()

    def deliver(alert: Alert) -> None:
        webhook.post(encode_alert(alert, source))

    outbox = Outbox(deliver, settings.attempts, count, on_trouble)
    outbox.start()
    alerts = Alerts(settings, outbox.put)
    try:
        yield alerts
    finally:
        alerts.flush()
        outbox.close(_LAST_SECS)
