"""What a gate may answer, and the strict reading of it. What the answer is worth is decided in `policy`."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

type Decision = Literal["APPROVE", "REJECT", "MODIFY"]
type AnswerSource = Literal["live", "recorded", "ruled", "off", "failed"]
"""Where an answer came from: over the network, replayed, by the rules, not asked for, or not at all."""

MAX_ANSWER_BYTES: Final = 16_384
MAX_REASONING_CHARS: Final = 1_200
_EXCERPT_CHARS: Final = 80

type Share = Annotated[float, Meta(ge=0.0, le=1.0)]
type Reasoning = Annotated[str, Meta(min_length=1, max_length=MAX_REASONING_CHARS)]
type Flag = Annotated[str, Meta(min_length=1, max_length=60)]


class GateAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A gate's word on one proposed entry; only the three suggestions may be left out.

    Decoding checks types, ranges and lengths. It does not compare with the proposal: an answer may well ask for more
    than it can be given, and `policy.clamp` then says so.
    """

    decision: Decision
    reasoning: Reasoning
    """Two to four sentences for a trader."""
    confidence_adjustment: Share
    """Factor on the directional confidence; 1 leaves it as predicted."""
    position_size_multiplier: Share
    """Factor on the notional; 0 is a rejection whatever the decision says."""
    risk_flags: Annotated[tuple[Flag, ...], Meta(max_length=12)]
    """Short codes such as ``thin_liquidity``."""
    suggested_leverage: Annotated[float, Meta(gt=0.0, le=100.0)] | None = None
    suggested_stop: Annotated[float, Meta(gt=0.0, le=1.0)] | None = None
    """Distance from the entry as a fraction of the price, like the target."""
    suggested_target: Annotated[float, Meta(gt=0.0, le=10.0)] | None = None


_decoder = msgspec.json.Decoder(GateAnswer)


def decode_answer(raw: bytes) -> GateAnswer:
    """Read a JSON answer; whatever is not exactly a `GateAnswer` is a REJECT that says why. Never raises."""
    if len(raw) > MAX_ANSWER_BYTES:
        return reject(f"The answer is {len(raw)} bytes long, more than {MAX_ANSWER_BYTES}.", "undecodable")
    try:
        return _printable(_decoder.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return reject(f"The answer cannot be decoded ({error}). It begins with {_excerpt(raw)}.", "undecodable")


def reject(reasoning: str, *risk_flags: str) -> GateAnswer:
    """A rejection, its reasoning cut to the length the schema allows."""
    return GateAnswer(
        decision="REJECT",
        reasoning=reasoning[:MAX_REASONING_CHARS],
        confidence_adjustment=0.0,
        position_size_multiplier=0.0,
        risk_flags=risk_flags,
    )


def _printable(answer: GateAnswer) -> GateAnswer:
    """The answer with a space for whatever a terminal would not print but obey."""
    flags = tuple(map(_spaced, answer.risk_flags))
    return replace(answer, reasoning=_spaced(answer.reasoning), risk_flags=flags)


def _spaced(text: str) -> str:
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)


def _excerpt(raw: bytes) -> str:
    # ascii(): an excerpt of unknown bytes must not bring control characters or broken text into the journal.
    return ascii(raw[:_EXCERPT_CHARS].decode("utf-8", errors="replace"))
