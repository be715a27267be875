"""The SQL of the journal: queries by name, read once, and the migrations beside them."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_FILES: Final = ("queries.sql", "watching.sql")


@cache
def queries() -> Mapping[str, str]:
    """The statements of the files of queries by the names above them; ``%(x)s`` are psycopg's parameters."""
    _, *parts = _NAME.split("\n".join(map(read, _FILES)))
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def read(name: str) -> str:
    """A file of this folder."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
