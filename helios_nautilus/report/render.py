"""How pages are made: the template environment, data inside a script element, and files that appear whole."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from markupsafe import Markup

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.report import numerals, wording
from helios_nautilus.report.verdict import deepest_fall


def script_json(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


@cache
def environment() -> jinja2.Environment:
    """Templates of this package, with the filters that write figures and codes."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("helios_nautilus.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("money", "percent", "ratio", "whole", "price", "quantity", "measure", "moment", "tone")
    made.filters |= {name: getattr(numerals, name) for name in names}
    made.filters |= {"close_words": wording.close_words, "phrase": wording.phrase, "depth": deepest_fall}
    made.filters["tier_name"] = wording.tier_name
    made.filters["seconds"] = lambda secs: numerals.duration(None if secs is None else secs * NS_PER_SEC)
    return made


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
