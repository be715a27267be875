"""`helios alert`: whether alerts reach their receiver."""

import os
import time

import click

from helios_nautilus.errors import ConfigError
from helios_nautilus.journal.records import Mode
from helios_nautilus.watch.alert import Alert, Source, encode_alert
from helios_nautilus.watch.settings import AlertSettings
from helios_nautilus.watch.webhook import ALERT_URL, Webhook


@click.group()
def alert() -> None:
    """Alerts: send one on trial."""


@alert.command()
@click.option("--mode", type=click.Choice(["paper", "live"]), default="paper", show_default=True, help="Shown in it.")
def test(mode: Mode) -> None:
    """Post one alert to HELIOS_ALERT_URL, signed if HELIOS_ALERT_SECRET is set; exit code 1 if it was not taken."""
    webhook = Webhook.from_env(os.environ, AlertSettings().timeout_secs)
    if webhook is None:
        raise ConfigError(f"{ALERT_URL} is not set: a node would send no alerts")
    words = "alerts of this machine reach you"
    webhook.post(
        encode_alert(
            Alert(level="info", kind="test", words=words, ts_ns=time.time_ns()), Source(mode=mode, run_id="none")
        )
    )
    click.echo("The receiver took it.")
