"""Where stored rows come from. It travels inside the Parquet file it describes, so the two change in one step."""

from typing import Final

import msgspec
import pyarrow as pa
from msgspec import Struct

from helios_nautilus.errors import DataError
from helios_nautilus.simulator.market import MarketConfig

_KEY: Final = b"helios"


class SourceFile(Struct, frozen=True, kw_only=True):
    """A file that was imported."""

    name: str
    sha256: str


class Provenance(Struct, frozen=True, kw_only=True):
    """Either the configuration of the synthetic market, or the files that were imported, or neither: unknown."""

    synthetic: MarketConfig | None = None
    files: tuple[SourceFile, ...] = ()

    @property
    def is_synthetic(self) -> bool:
        """The rows are invented."""
        return self.synthetic is not None

    def label(self, venue: str) -> str:
        """A few words for a reader, e.g. ``synthetic (seed 7, strength 1.0)`` or ``recorded BINANCE``."""
        if self.synthetic is not None:
            return f"synthetic (seed {self.synthetic.seed}, strength {self.synthetic.strength})"
        return f"recorded {venue}" if self.files else f"of unknown origin, {venue}"

    def with_files(self, files: tuple[SourceFile, ...]) -> "Provenance":
        """These origins and further files, each once."""
        return Provenance(synthetic=self.synthetic, files=tuple(dict.fromkeys(self.files + files)))


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
