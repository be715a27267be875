"""Where stored rows come from. It travels inside the Parquet file it describes, so the two change in one step."""

from typing import Final

import msgspec
import pyarrow as pa
from msgspec import Struct, structs

from helios_nautilus.errors import DataError
from helios_nautilus.simulator.market import MarketConfig

_KEY: Final = b"helios"


class SourceFile(Struct, frozen=True, kw_only=True):
    """A file that was imported."""

    name: str
    sha256: str


class Provenance(Struct, frozen=True, kw_only=True):
    """Either the configuration of the synthetic market, or the files and venues the rows are from, or none: unknown."""

    synthetic: MarketConfig | None = None
    files: tuple[SourceFile, ...] = ()
    addresses: tuple[str, ...] = ()
    """Venues that were asked, e.g. ``https://api.valr.com``."""

    @property
    def is_synthetic(self) -> bool:
        """The rows are invented."""
        return self.synthetic is not None

    def label(self, venue: str) -> str:
        """A few words for a reader: ``synthetic (seed 7, strength 1.0)``, ``recorded BINANCE`` or, where the venue was
        asked, the address that answered, for it may be a simulator's: ``VALR, from https://api.valr.com``.
        """
        if self.synthetic is not None:
            return f"synthetic (seed {self.synthetic.seed}, strength {self.synthetic.strength})"
        if self.addresses:
            return f"{venue}, from {' and '.join((*self.addresses, 'files') if self.files else self.addresses)}"
        return f"recorded {venue}" if self.files else f"of unknown origin, {venue}"

    def with_files(self, files: tuple[SourceFile, ...]) -> "Provenance":
        """These origins and further files, each once."""
        return structs.replace(self, files=tuple(dict.fromkeys(self.files + files)))

    def with_address(self, address: str) -> "Provenance":
        """These origins and a venue's address."""
        return structs.replace(self, addresses=tuple(dict.fromkeys((*self.addresses, address))))


def attach(schema: pa.Schema, provenance: Provenance) -> pa.Schema:
    """The schema with its provenance written in."""
    return schema.with_metadata({**(schema.metadata or {}), _KEY: msgspec.json.encode(provenance)})


def provenance_of(schema: pa.Schema) -> Provenance:
    """What a stored file says of its origin; files that Helios did not write say nothing."""
    text = (schema.metadata or {}).get(_KEY)
    if text is None:
        return Provenance()
    try:
        return msgspec.json.decode(text, type=Provenance)
    except msgspec.DecodeError as error:
        raise DataError(f"another version of Helios wrote this catalogue: make it anew ({error})") from error
