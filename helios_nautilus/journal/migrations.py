"""The numbered scripts that lead a database to the schema of today; each is applied once, in order, for ever."""

from functools import cache
from importlib.resources import files
from typing import Final

from msgspec import Struct

from helios_nautilus.errors import JournalError

_FOLDER: Final = files("helios_nautilus.journal.sql").joinpath("migrations")


class Migration(Struct, frozen=True, kw_only=True):
    """One script."""

    version: int
    name: str
    """Of its file, without number and ending."""
    sql: str


@cache
def migrations() -> tuple[Migration, ...]:
    """All scripts, ordered; their numbers are 1, 2, 3 and so on."""
    found = sorted(file.name for file in _FOLDER.iterdir() if file.name.endswith(".sql"))
    return tuple(_load(name) for name in found)


def _load(file: str) -> Migration:
    number, _, name = file.removesuffix(".sql").partition("_")
    return Migration(version=int(number), name=name, sql=_FOLDER.joinpath(file).read_text(encoding="utf-8"))


def pending(version: int) -> tuple[Migration, ...]:
    """What a database at ``version`` still lacks; `JournalError` if it is ahead of this code."""
    newest = len(migrations())
    if version > newest:
        raise JournalError(
            f"the journal's schema is at version {version}, this Helios knows {newest}: update Helios, or point "
            "HELIOS_DATABASE_URL to another database"
        )
    return migrations()[version:]
