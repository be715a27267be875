"""Where a run's gate answers came from, what they cost, and what that means for whoever reads the result."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.decision.schema import AnswerSource
from helios_nautilus.journal.records import EventRecord, GateCallRecord, GateRecord, Record
from helios_nautilus.llm.reply import sent_calls
from helios_nautilus.report import numerals

_SAID: Final[dict[AnswerSource, str]] = {
    "live": "asked of a model over the network",
    "recorded": "recorded earlier",
    "ruled": "given by the rules",
    "off": "waved through with the gate off",
    "failed": "refused because nobody answered",
}


class GateUse(Struct, frozen=True, kw_only=True):
    """The gate's answers of a run, counted."""

    answers: int
    sources: dict[AnswerSource, int]
    """How many came from where; those that never occurred are left out."""
    missing: int
    """Answers that a cassette did not have: the rules or a rejection stood in for them."""
    failures: dict[str, int]
    """Calls without an answer, by their outcome; a question may have several."""
    dropped: int
    """Answers that came too late to be used."""
    calls: int
    """Requests that went out."""
    cost_usd: float
    tokens_in: int
    """Of the calls that went out, those of a provider's cache included."""
    tokens_out: int
    latency_ms: float | None
    """Median of the answered calls that went out; None without any."""


def count_gate(records: Iterable[Record]) -> GateUse:
    """Count a run's answers and calls."""
    records = list(records)
    answers = [record for record in records if isinstance(record, GateRecord)]
    calls = [record for record in records if isinstance(record, GateCallRecord)]
    sent = sent_calls(calls)
    answered = [call.latency_ms for call in sent if call.source == "live"]
    return GateUse(
        answers=len(answers),
        sources=dict(Counter(answer.source for answer in answers).most_common()),
        missing=len({call.decision_id for call in calls if call.outcome == "missing"}),
        failures=dict(Counter(call.outcome for call in calls if call.source == "failed").most_common()),
        dropped=sum(isinstance(record, EventRecord) and record.kind == "gate_dropped" for record in records),
        calls=len(sent),
        cost_usd=sum(call.cost_usd for call in sent),
        tokens_in=sum(call.input_tokens + call.cache_read_tokens + call.cache_write_tokens for call in sent),
        tokens_out=sum(call.output_tokens for call in sent),
        latency_ms=float(np.median(answered)) if answered else None,
    )


def gate_words(use: GateUse) -> str:
    """The counts in a sentence or two; empty if the gate was never asked."""
    if not use.answers:
        return ""
    sources = ", ".join(f"{numerals.whole(count)} {_SAID[source]}" for source, count in use.sources.items())
    words = f"The gate's answers: {sources}."
    if use.missing:
        words += (
            f" Missing from the recorded answers: {numerals.whole(use.missing)}; this is not the run that the model"
            " would have made, 'helios gate record' fills them in."
        )
    if use.dropped:
        words += f" Too late to be used: {numerals.whole(use.dropped)}."
    if use.calls:
        words += f" Requests that went out: {numerals.whole(use.calls)}, for ${use.cost_usd:.4f}."
    return words
