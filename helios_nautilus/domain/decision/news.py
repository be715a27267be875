"""News as a gate may be told them: cleaned, dated by their age, and few.

What comes from outside is data. Nothing of it reaches a prompt but through `plain_text`, which leaves no control
characters, no marks that could close the fence around it, and no more than so many characters.
"""

import re
import unicodedata
from typing import Final

from msgspec import Struct

MAX_TITLE_CHARS: Final = 140
MAX_SOURCE_CHARS: Final = 30

_CUT: Final = " (cut)"
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
"""Unicode's classes of what no reader sees: controls, joiners and direction marks, private and unassigned ones."""
_FENCE_MARKS: Final = str.maketrans({"<": "(", ">": ")", '"': "'", "`": "'", "[": "(", "]": ")", "{": "(", "}": ")"})
_RULES: Final = re.compile(r"([^\w\s])\1{2,}")
"""Three or more of one mark: the rules and fences of plain text."""


class Headline(Struct, frozen=True, kw_only=True):
    """One headline about an instrument, as of the moment of the question."""

    title: str
    source: str
    age_mins: int
    sentiment: float
    """-1 (bad) to 1 (good)."""


class News(Struct, frozen=True, kw_only=True):
    """What the sources have on an instrument; no headlines means that they answered and had none."""

    headlines: tuple[Headline, ...] = ()
    """Newest first."""

    @property
    def sentiment(self) -> float | None:
        """Mean sentiment of the headlines; None without any."""
        if not self.headlines:
            return None
        return sum(headline.sentiment for headline in self.headlines) / len(self.headlines)


def plain_text(text: str, limit: int) -> str:
    """Foreign text on one line of at most ``limit`` characters, cut at a word and marked as cut; idempotent."""
    seen = "".join(
        " " if unicodedata.category(each) in _UNSEEN else each for each in unicodedata.normalize("NFKC", text)
    )
    words = _RULES.sub(r"\1", seen.translate(_FENCE_MARKS)).split()
    line = " ".join(words)
    if len(line) <= limit:
        return line
    head = line[: limit - len(_CUT)]
    return (head.rpartition(" ")[0] or head) + _CUT
