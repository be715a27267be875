"""Training arrays kept from one training to the next, memory-mapped, under a name made of all that they depend on.

An entry is a folder below the catalogue. It is written aside and moved in, so that it is whole or not there; one that
cannot be read, or that is not what its name says, is made anew. The entries unused for longest are dropped.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from nautilus_trader.model.instruments import Instrument

import helios_nautilus
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.labels import LabelConfig
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.risk.volatility import VolatilityRules
from helios_nautilus.errors import DataError
from helios_nautilus.history.arrays import build_arrays, hash_data
from helios_nautilus.history.catalogue import load_instruments, load_market_data
from helios_nautilus.history.hindsight import check_features, check_labels
from helios_nautilus.models.dataset import Arrays, load_arrays, save_arrays

FOLDER: Final = "arrays"
"""Where the entries lie in a catalogue."""
_KEPT: Final = 8
_CODE: Final = ("domain", "history/arrays.py", "models/dataset.py")
"""What works the arrays out: another version of it makes other entries."""


class Rules(Struct, frozen=True, kw_only=True):
    """What arrays are made by, beyond the data."""

    spec: FeatureSpec
    plan: ExitPlan
    label: LabelConfig
    volatility: VolatilityRules


def cached_arrays(
    catalog: Path, rules: Rules, start_ns: int, end_ns: int, check: Callable[[Arrays], object] | None = None
) -> Arrays:
    """The training arrays of ``(start_ns, end_ns]``: those that are kept, or new ones, which then are.

    Where ``check`` raises, the arrays are of no use, and new ones are not kept. In any case a sample is worked out
    again from bars cut off in time: `LookaheadError` if it differs. Raises what `export_arrays` raises.
    """
    spec = rules.spec
    data = load_market_data(catalog, spec.universe, start_ns, end_ns, bar=spec.base, trades=spec.trades)
    instruments = {each.id.value: each for each in load_instruments(catalog, spec.universe)}
    data_hash = hash_data(data)

    def build() -> Arrays:
        arrays = build_arrays(spec, data, instruments, rules.plan, rules.label, rules.volatility)
        if check is not None:
            check(arrays)
        return arrays

    arrays = _keep(catalog / FOLDER / _name(rules, data_hash, instruments), build)
    check_labels(arrays, spec, data)
    check_features(arrays, spec, data, instruments, rules.volatility)
    return arrays


def _keep(entry: Path, build: Callable[[], Arrays]) -> Arrays:
    try:
        arrays = load_arrays(entry)
        os.utime(entry)
    except DataError:
        _put(build(), entry)
        _drop_oldest(entry.parent)
        arrays = load_arrays(entry)
    return arrays


def _name(rules: Rules, data_hash: str, instruments: Mapping[str, Instrument]) -> str:
    """24 hexadecimal digits of the rules, the data, what is read of the instruments, and the code."""
    grains = {
        name: (instruments[name].size_precision, instruments[name].base_currency.code) for name in rules.spec.universe
    }
    given = rules, rules.spec.hash, data_hash, grains
    digest = hashlib.sha256(msgspec.json.encode(given, order="sorted"))
    root = Path(helios_nautilus.__file__).parent
    for part in _CODE:
        for path in sorted((root / part).rglob("*.py")) if (root / part).is_dir() else (root / part,):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def _put(arrays: Arrays, entry: Path) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=entry.parent) as aside:
        draft = Path(aside) / entry.name
        save_arrays(arrays, draft)
        if entry.exists():
            entry.rename(Path(aside) / "damaged")
        draft.rename(entry)


def _drop_oldest(folder: Path) -> None:
    entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for path in sorted(entries, key=lambda path: path.stat().st_mtime_ns)[:-_KEPT]:
        shutil.rmtree(path, ignore_errors=True)
