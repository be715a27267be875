"""What comes of a question: the reply of a model, the account of each call, and the gate's answer with its source."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct

from helios_nautilus.domain.decision.schema import MAX_ANSWER_BYTES, AnswerSource, GateAnswer, decode_answer, reject
from helios_nautilus.errors import GateError

type Ending = Literal["answered", "refused", "cut"]
"""How a model's reply ended: as it should, with its declining, or in the middle. Each is an answer."""
type Failure = Literal[
    "timeout",
    "unreachable",
    "connection",
    "malformed",
    "unauthorised",
    "bad_request",
    "rate_limited",
    "overloaded",
    "server_error",
    "over_budget",
    "breaker_open",
    "busy",
    "missing",
]
"""Why there is no answer. ``unreachable``: nothing went out; ``connection``: it broke on the way; ``malformed``: the
reply is not one of the provider's; ``busy``: no slot became free in time; ``missing``: not in the cassette."""

_NOT_SENT: Final[frozenset[str]] = frozenset({"over_budget", "breaker_open", "busy", "missing"})
"""Failures without any traffic."""
MAYBE_CHARGED: Final[frozenset[str]] = frozenset({"timeout", "connection", "malformed"})
"""Failures after which the provider may have done its work, and charge for it."""
RETRYABLE: Final[frozenset[str]] = frozenset(
    {"timeout", "unreachable", "connection", "malformed", "rate_limited", "overloaded", "server_error"}
)
"""Failures that the same question may not meet again."""
_MAX_WORDS: Final = 300

type Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000)]
"""As a provider counts them; a count that is none is no part of a reply."""


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens of one call. ``input_tokens`` are those charged in full; the cache's are counted apart."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


class ModelReply(Struct, frozen=True, kw_only=True):
    """A model's own words: ``text`` is the JSON of its answer, or whatever it said instead."""

    ending: Ending
    text: str
    model: str
    """As the provider names it in its reply."""
    usage: Usage | None = None
    """None where the provider does not say."""
    words: str = ""
    """Why it declined, if it says so."""


class CallFailed(GateError):
    """A call brought no answer.

    It never carries its cause: the client packages' errors hold the request, and the request holds the key.
    """

    def __init__(self, code: Failure, words: str, retry_after_secs: float | None = None) -> None:
        super().__init__(words)
        self.code: Failure = code
        self.retry_after_secs = retry_after_secs
        """How long the provider asks to be left alone."""


class GateCall(Struct, frozen=True, kw_only=True):
    """One question put to one provider, as the journal's ``GateCallRecord`` keeps it."""

    provider: str
    model: str
    source: AnswerSource
    request_hash: str
    request: str
    answer: str = ""
    outcome: str
    """An `Ending` or a `Failure`."""
    words: str = ""
    latency_ms: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0
    """After a failure that may have been charged: as estimated."""


class EndedCall(Protocol):
    """A call as a `GateCall` and the journal's record of it tell how it ended."""

    @property
    def source(self) -> AnswerSource:
        """``live`` or ``failed`` for a call that went out."""
        ...

    @property
    def outcome(self) -> str:
        """An `Ending` or a `Failure`."""
        ...


def sent_calls[Call: EndedCall](calls: Iterable[Call]) -> list[Call]:
    """Those calls that went out over the network: they count, and may have cost money."""
    return [call for call in calls if call.source in ("live", "failed") and call.outcome not in _NOT_SENT]


class GateReply(Struct, frozen=True, kw_only=True):
    """The gate's answer, before the clamps, and how it came about."""

    answer: GateAnswer
    source: AnswerSource
    provider: str
    """Who answered; after a failure the name of what did instead, ``rules`` or ``reject``."""
    request_hash: str = ""
    """Of the question that was answered, or of the first that was not; empty where none was worded."""
    calls: tuple[GateCall, ...] = ()
    """Every attempt, in order."""


def answered_reply(calls: Sequence[GateCall], source: AnswerSource) -> GateReply:
    """The reply that the last of the calls brought; the calls before it brought none."""
    last = calls[-1]
    return GateReply(
        answer=read_answer(last.outcome, last.answer, last.words),
        source=source,
        provider=last.provider,
        request_hash=last.request_hash,
        calls=tuple(calls),
    )


def read_answer(ending: str, text: str, words: str = "") -> GateAnswer:
    """What a model's words amount to: anything that is not exactly a whole answer is a REJECT.

    A pure function of what the journal and a cassette keep of a call, so that a replay reads the same.
    """
    if ending == "refused":
        return reject(f"The model declined to judge this entry{f' ({words})' if words else ''}.", "refused")
    if ending == "cut":
        return reject("The answer was cut short, so what it asked for is not known.", "cut_short")
    return decode_answer(text.encode("utf-8", errors="replace"))


def whole_text(text: str) -> str:
    """A model's words as they are kept: whole, or so many that they are too long to be read as an answer."""
    return text[: MAX_ANSWER_BYTES + 1]


def one_line(text: str) -> str:
    """Words from outside as one printable line of a few hundred characters."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))[:_MAX_WORDS]
