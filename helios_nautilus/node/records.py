"""The first records of a run, whatever its mode: its models, and the versions of what computed it."""

import platform
from importlib.metadata import version
from typing import Final

import msgspec

from helios_nautilus import __version__
from helios_nautilus.journal.records import ModelRecord
from helios_nautilus.models.succession import Term

_VERSIONED: Final = ("nautilus_trader", "torch", "numpy", "numba", "arch", "scipy")


def package_versions() -> dict[str, str]:
    """Of Helios, of Python, and of everything that a figure may depend on."""
    return {
        "helios": __version__,
        "python": platform.python_version(),
        **{package: version(package) for package in _VERSIONED},
    }


def model_record(term: Term, start_ns: int) -> ModelRecord:
    """Stamped when the model took charge, or at the start of the run where it had it by then."""
    card = term.model.card
    return ModelRecord(
        ts_ns=max(term.start_ns, start_ns),
        model_id=term.model.model_id,
        preset=card.preset,
        card=msgspec.json.format(msgspec.json.encode(card)).decode(),
    )
