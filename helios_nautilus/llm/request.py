"""What is asked of a language model, as a value: its canonical JSON decides the answer, and its hash names it.

A cassette finds an answer by that hash, so nothing may stand in a request that does not decide the answer: no key, no
host, no decision id, no setting of a cache.
"""

import hashlib
from typing import Any, Literal

import msgspec
from msgspec import Struct

type RemoteName = Literal["anthropic", "openai"]
type Parameter = str | int | float


class GateRequest(Struct, frozen=True, kw_only=True):
    """One question to one model. The body that is sent is made of this and of nothing else that decides the answer."""

    provider: RemoteName
    model: str
    system: str
    user: str
    tool: dict[str, Any]
    """Name, description and JSON schema of the answer."""
    parameters: dict[str, Parameter]
    """What else the model is told, such as ``max_tokens``; a parameter that is not set is left out."""

    def canonical(self) -> bytes:
        """The request as JSON with sorted keys and no spaces."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal."""
        return hash_request(self.canonical())


def hash_request(canonical: bytes) -> str:
    """The name of a request by its canonical JSON."""
    return hashlib.sha256(canonical).hexdigest()


def given(**parameters: Parameter | None) -> dict[str, Parameter]:
    """The parameters that are set."""
    return {name: value for name, value in parameters.items() if value is not None}
