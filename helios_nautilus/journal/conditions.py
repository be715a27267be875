"""What two runs were made with: their settings, packages, model and market data, and which of these can move a tier."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from helios_nautilus.journal.changes import Change, changed_fields
from helios_nautilus.journal.differences import Difference, Tier
from helios_nautilus.journal.records import RunRecord

_SETTINGS: Final[Mapping[Tier, tuple[str, ...]]] = {
    "Model": ("model", "data", "training"),
    "Strategy": ("plan", "account", "execution"),
    "Aether": ("aether", "plan", "account"),
    "Gate": ("gate", "llm", "news"),
    "Guardian": ("guardian",),
    "Orders": ("execution", "plan", "account"),
    "Fills": ("execution", "plan", "account"),
    "Position": ("plan", "account"),
    "Outcome": ("training.label", "plan", "aether.volatility"),
    "Account": ("account",),
    "Events": ("data", "drift", "model", "execution"),
}
"""Sections of the configuration that a tier reads."""
_PACKAGES: Final[Mapping[Tier, tuple[str, ...]]] = {
    "Model": ("torch", "numpy", "numba"),
    "Aether": ("arch", "scipy", "numpy", "numba"),
}
"""Packages that can move a tier's figures, beside Helios, Python and the engine."""
_EVERYWHERE: Final = ("helios", "python", "nautilus_trader")
_HALF: Final = 16
"""A data hash is that of what came before the run, then that of the run's own window, so many digits each."""


class Conditions(Struct, frozen=True, kw_only=True):
    """What differs in how two runs were made; empty and None where it is the same."""

    settings: tuple[Change, ...] = ()
    """By their path in the configuration."""
    versions: tuple[Change, ...] = ()
    """Of Helios, Python and packages."""
    model: Change | None = None
    data: Change | None = None
    """The hash of the market data."""
    has_other_defaults: bool = False
    """Whether the same text means other settings today: a default was changed, or a setting is new."""


def compare_conditions(before: RunRecord, after: RunRecord) -> Conditions:
    """Compare how two runs were made."""
    settings = tuple(changed_fields(_settings(before), _settings(after)))
    return Conditions(
        settings=settings,
        has_other_defaults=not settings and before.config_hash != after.config_hash,
        versions=tuple(changed_fields(before.versions, after.versions)),
        model=_change("model_id", before.model_id, after.model_id),
        # A run that was recorded before there was a hash, or live, has none to compare.
        data=_change("data_hash", before.data_hash, after.data_hash) if before.data_hash and after.data_hash else None,
    )


def find_reasons(difference: Difference, conditions: Conditions) -> Iterator[str]:
    """Why a tier may have answered otherwise, in clauses for a reader; at least one."""
    fields = {change.field for change in difference.changes}
    found = [
        *_market_reasons(difference.tier, fields, conditions),
        *(f"setting {_say(change)}" for change in _settings_of(difference.tier, conditions)),
        *map(_say, _versions_of(difference.tier, conditions)),
    ]
    if "request_hash" in fields:
        found.append("the question to the gate is worded otherwise, so no recorded answer fits it")
    if not found:
        changed = "a default of its settings or its code" if conditions.has_other_defaults else "its code"
        found.append(f"its settings, its versions and the market data are the same, so {changed} was changed")
    yield from found


def describe_data(change: Change) -> str:
    """Which part of the market data is not what it was."""
    before, after = str(change.before), str(change.after)
    parts = [
        words
        for words, half in (("before the run", slice(0, _HALF)), ("of the run itself", slice(_HALF, None)))
        if before[half] != after[half]
    ]
    return f"the market data {' and '.join(parts)} are not those that were recorded"


def _market_reasons(tier: Tier, fields: Iterable[str], conditions: Conditions) -> Iterator[str]:
    if conditions.data is not None:
        yield describe_data(conditions.data)
    elif tier == "Model" and "price" in fields:
        yield "the market data are not those that were recorded: the price is another"
    if tier == "Model" and conditions.model is not None:
        yield f"another model: {conditions.model.before} -> {conditions.model.after}"


def _settings_of(tier: Tier, conditions: Conditions) -> Iterator[Change]:
    for change in conditions.settings:
        if any(change.field == section or change.field.startswith(f"{section}.") for section in _SETTINGS[tier]):
            yield change


def _versions_of(tier: Tier, conditions: Conditions) -> Iterator[Change]:
    packages = (*_EVERYWHERE, *_PACKAGES.get(tier, ()))
    return (change for change in conditions.versions if change.field in packages)


def _say(change: Change) -> str:
    before, after = ("default" if each is None else each for each in (change.before, change.after))
    return f"{change.field} {before} -> {after}"


def _settings(run: RunRecord) -> dict[str, object]:
    """The configuration as it was written; a name and where reports go decide nothing."""
    try:
        fields = tomllib.loads(run.config_toml)
    except tomllib.TOMLDecodeError:
        return {}
    return {name: value for name, value in fields.items() if name not in ("name", "reports")}


def _change(field: str, before: str, after: str) -> Change | None:
    return None if before == after else Change(field=field, before=before, after=after)
