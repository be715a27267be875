"""The secrets of the environment that are not the venue's: that they are there, never what they are."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from helios_nautilus.journal.records import Mode
from helios_nautilus.llm.chain import remote_order
from helios_nautilus.llm.client import read_key
from helios_nautilus.llm.request import RemoteName
from helios_nautilus.llm.settings import LlmSettings
from helios_nautilus.node.doctor.examination import Finding, fail, ok, warn
from helios_nautilus.watch.webhook import ALERT_SECRET, ALERT_URL, Webhook

if TYPE_CHECKING:
    from helios_nautilus.config import HeliosConfig


def check_model_keys(config: "HeliosConfig | None", mode: Mode, environ: Mapping[str, str]) -> Finding:
    """The keys of the language models that the gate asks; without a configuration, of Claude."""
    settings = LlmSettings() if config is None else config.llm
    asked: Sequence[RemoteName] = () if config is None else remote_order(config.gate, config.llm)
    is_needed = mode != "backtest" and config is not None and config.gate.provider != "recorded"
    names = {settings.of(provider).key_env: provider for provider in asked or ("anthropic",)}
    missing = [name for name in names if not environ.get(name, "").strip()]
    if missing and asked and is_needed:
        return fail(f"{', '.join(missing)}: not set, but the gate asks", "set it in the environment, never in a file")
    for name in names.keys() - missing:
        read_key(environ, name, names[name])
    return ok(", ".join(f"{name} {'not set; nothing asks for it' if name in missing else 'set'}" for name in names))


def check_alert_address(environ: Mapping[str, str]) -> Finding:
    """Where a paper or live node tells what its operator should know."""
    if Webhook.from_env(environ, 1.0) is None:
        return warn(
            f"{ALERT_URL} not set: nobody is told of anything", "set it in the environment, see docs/operations.md"
        )
    return ok(f"{ALERT_URL} set, {'signed' if environ.get(ALERT_SECRET, '').strip() else 'not signed'}")
