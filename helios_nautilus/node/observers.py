"""Who watches a run beside its journal: metrics and alerts, as configured."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from prometheus_client import CollectorRegistry

from helios_nautilus.config import HeliosConfig
from helios_nautilus.journal.records import Mode
from helios_nautilus.journal.writer import LiveJournal
from helios_nautilus.node.startup import Tell
from helios_nautilus.watch.alert import Source
from helios_nautilus.watch.alerts import sending_alerts
from helios_nautilus.watch.endpoint import serve_metrics
from helios_nautilus.watch.observers import ObservedJournal, Observer
from helios_nautilus.watch.record_metrics import RecordMetrics
from helios_nautilus.watch.status_metrics import StatusMetrics
from helios_nautilus.watch.webhook import ALERT_URL, Webhook


@contextmanager
def observed(
    journal: LiveJournal, config: HeliosConfig, mode: Mode, run_id: str, tell: Tell
) -> Iterator[ObservedJournal]:
    """The journal of a run, watched until the end: the last alerts are sent before this returns.

    Raises `ConfigError` where the metrics' address cannot be had or the alerts' is none.
    """
    registry = CollectorRegistry()
    with ExitStack() as cleanup:
        observers: list[Observer] = [RecordMetrics(registry), StatusMetrics(registry)]
        if (webhook := Webhook.from_env(os.environ, config.alerts.timeout_secs)) is not None:
            source = Source(mode=mode, run_id=run_id)
            alerts = sending_alerts(config.alerts, webhook, source, registry, partial(tell, "alerts"))
            observers.append(cleanup.enter_context(alerts))
        port = cleanup.enter_context(serve_metrics(registry, config.metrics))
        if port is not None:
            tell("metrics", f"http://{config.metrics.host}:{port}/metrics")
        tell("alerts", f"{config.alerts.level} and above" if webhook else f"none: {ALERT_URL} is not set")
        yield ObservedJournal(journal, observers, partial(tell, "watch"))
