"""Which checks are made, in which order. What a check needs is imported by that check: one broken package, one line."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from helios_nautilus.journal.connect import DATABASE_URL, home_folder, kill_path
from helios_nautilus.journal.records import Mode
from helios_nautilus.node.doctor.configured import (
    check_catalogue,
    check_config,
    check_gaps,
    check_gate,
    check_model,
    model_cure,
)
from helios_nautilus.node.doctor.examination import Check, Finding, Level, Line, examine, find_secrets
from helios_nautilus.node.doctor.kept import check_journal, check_kill_switch, check_last_run, check_spool
from helios_nautilus.node.doctor.keys import check_alert_address, check_model_keys
from helios_nautilus.node.doctor.machine import (
    check_disk,
    check_extras,
    check_gpu,
    check_packages,
    check_processor,
    check_python,
)

if TYPE_CHECKING:
    from helios_nautilus.config import HeliosConfig

_IMPORT_SECS: Final = 60.0
"""torch and the engine come from a cold disk."""
_SERVER_SECS: Final = 30.0
"""A journal's first start makes its cluster."""


def diagnose(
    config: Path | None, *, mode: Mode, environ: Mapping[str, str], url: str | None, now_ns: int
) -> Iterator[Line]:
    """Look at everything, one line after another, each as soon as it is known; nothing is raised.

    Parameters
    ----------
    config
        The run to be ready for; without one its data, model and gate are not looked at.
    mode
        What is to be ready: for a backtest nothing of the venue is a failure, for live trading a missing key is.
    environ
        Where keys are looked for. No line shows a value that looks like a secret.
    url
        VALR's address, of the simulator for example; None is that of the configuration, or the venue's own.
    now_ns
        The time that the age of data is reckoned from.

    """
    read: list[HeliosConfig] = []
    secrets = find_secrets(environ)
    for check in _of_installation(config, mode, read):
        yield examine(check, secrets)
    settings = read[0] if read else None
    if settings is not None:
        secrets = find_secrets(environ, (settings.llm.anthropic.key_env, settings.llm.openai.key_env))
    of_run = _of_run(settings, config, mode, now_ns) if settings is not None and config is not None else ()
    for check in chain(_of_machine(settings, mode, environ), of_run, _of_outside(settings, mode, environ, url)):
        yield examine(check, secrets)


def _of_installation(path: Path | None, mode: Mode, read: list["HeliosConfig"]) -> Iterator[Check]:
    """Python, packages, and the configuration, which comes into ``read`` if there is one."""
    yield Check(name="Python", look=check_python)
    yield Check(name="packages", look=check_packages)
    yield Check(name="extras", look=check_extras)
    if path is not None:
        yield Check(name="config", look=partial(check_config, path, mode, read.append), deadline_secs=_IMPORT_SECS)


def _of_machine(config: "HeliosConfig | None", mode: Mode, environ: Mapping[str, str]) -> Iterator[Check]:
    """The computer, and what Helios keeps on it."""
    wants_gpu = config is not None and config.model.device == "cuda"

    def disk() -> Finding:
        return check_disk((home_folder(), *(() if config is None else (config.data.catalog, config.reports))))

    yield Check(name="processor", look=check_processor)
    yield Check(name="GPU", look=partial(check_gpu, is_wanted=wants_gpu), deadline_secs=_IMPORT_SECS)
    yield Check(name="disk", look=disk)
    is_own = not environ.get(DATABASE_URL)
    cure = "see 'Where it is' in docs/journal.md"
    yield Check(name="journal", look=partial(check_journal, is_own=is_own), deadline_secs=_SERVER_SECS, cure=cure)
    cure = "helios journal verify; then export what is whole, and restore the rest from a backup"
    yield Check(name="last run", look=check_last_run, deadline_secs=_SERVER_SECS, cure=cure)
    yield Check(name="spool", look=lambda: check_spool(home_folder() / "spool"))
    if mode != "backtest":
        yield Check(name="kill", look=lambda: check_kill_switch(kill_path(mode)))


def _of_run(config: "HeliosConfig", path: Path, mode: Mode, now_ns: int) -> Iterator[Check]:
    """What a configuration names."""
    verify = f"helios data verify --catalog {config.data.catalog}"
    yield Check(name="catalogue", look=partial(check_catalogue, config, mode), deadline_secs=_IMPORT_SECS)
    yield Check(
        name="gaps",
        look=partial(check_gaps, config, mode, now_ns),
        cure=verify,
        deadline_secs=_IMPORT_SECS,
        # The start of a paper or live run fills them.
        worst="fail" if mode == "backtest" else "warn",
    )
    yield Check(
        name="model",
        look=partial(check_model, config, mode, now_ns),
        deadline_secs=_IMPORT_SECS,
        cure=model_cure(config, path),
    )
    yield Check(name="gate", look=partial(check_gate, config, mode, path))


def _of_outside(
    config: "HeliosConfig | None", mode: Mode, environ: Mapping[str, str], url: str | None
) -> Iterator[Check]:
    """Keys, and the venue they are for."""
    names = () if config is None else config.data.instruments
    account = None if config is None else config.venue.sub_account
    if url is None and config is not None:
        url = config.venue.http_url
    symbols = [name.partition(".")[0] for name in names if name.endswith(".VALR")]
    yield Check(name="model key", look=partial(check_model_keys, config, mode, environ))
    if mode != "backtest":
        yield Check(name="alerts", look=partial(check_alert_address, environ), cure="helios alert test tries it")

    def key() -> Finding:
        from helios_nautilus.node.doctor.venue import check_venue_key

        return check_venue_key(environ, mode, url, account)

    def venue() -> Finding:
        from helios_nautilus.node.doctor.venue import check_venue

        return check_venue(symbols, url)

    def clock() -> Finding:
        from helios_nautilus.node.doctor.venue import check_clock

        return check_clock(url)

    yield Check(name="VALR key", look=key, deadline_secs=_IMPORT_SECS, cure="set both variables anew, whole")
    worst: Level = "warn" if mode == "backtest" else "fail"
    yield Check(name="VALR", look=venue, worst=worst)
    yield Check(name="clock", look=clock, worst=worst)
