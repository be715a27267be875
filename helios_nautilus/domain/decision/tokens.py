"""How many tokens a text has, estimated on the high side and without asking anybody.

Tokenisers of language models are learned and differ, and those of the models we ask are not public. English prose comes
to about four letters a token and figures to one to three digits in those that are. Counted here is more than that: a
token for every three letters of a word, for every digit, mark and line break, and for every byte of what is not ASCII.
"""

import re
from typing import Final

_PIECES: Final = re.compile(r"[A-Za-z]{1,3}|[^A-Za-z ]| (?= )")
"""A single space goes with the word after it, as it does in every tokeniser of today."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text, rather too many than too few."""
    bytes_beyond = len(text.encode(errors="replace")) - len(text)
    return len(_PIECES.findall(text)) + bytes_beyond
