"""The tool through which a model answers: its schema is made of `GateAnswer`, in the part of JSON Schema that providers
can hold a model to.

That part knows no bounds and no optional fields. Bounds are said in words, every field is required, and a suggestion
may be null. What a model makes of it all the same is for `decode_answer` to judge.
"""

from functools import cache
from typing import Any, Final

import msgspec

from helios_nautilus.domain.decision.schema import GateAnswer

TOOL_NAME: Final = "judge_entry"
_DESCRIPTION: Final = "Give the judgement on the proposed entry. Call it once; it is the whole answer."
FIELD_WORDS: Final = {
    "decision": "APPROVE as proposed, MODIFY to reduce or tighten it, REJECT for no entry.",
    "reasoning": "Two to four sentences for a trader, with the figures that decided.",
    "confidence_adjustment": "Factor on the confidence; 1 leaves it.",
    "position_size_multiplier": "Factor on the size; 1 leaves it, 0 rejects.",
    "risk_flags": "Short codes such as thin_liquidity; may be empty.",
    "suggested_leverage": "Lower leverage, or null to leave it.",
    "suggested_stop": "A nearer stop as a fraction of the price, or null to leave it.",
    "suggested_target": "A nearer target as a fraction of the price, or null to leave it.",
}
"""What each field of the answer means, for the model."""
_UNSAID: Final = ("minLength", "default")
_BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
}


@cache
def answer_tool() -> dict[str, Any]:
    """Name, description and schema of the tool, as JSON values; every caller is given the same."""
    fields = _answer_schema()["properties"]
    schema = {
        "type": "object",
        "properties": {name: _described(name, field) for name, field in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }
    return {"name": TOOL_NAME, "description": _DESCRIPTION, "schema": schema}


def _answer_schema() -> dict[str, Any]:
    schema = msgspec.json.schema(GateAnswer)
    answer: dict[str, Any] = schema["$defs"][GateAnswer.__name__]
    return answer


def _described(name: str, field: dict[str, Any]) -> dict[str, Any]:
    bounds = [*_bounds(field), *(f"each {words}" for words in _bounds(field.get("items", {})))]
    words = FIELD_WORDS[name] + (f" ({', '.join(bounds)})" if bounds else "")
    return {**_bare(field), "description": words}


def _bare(field: dict[str, Any]) -> dict[str, Any]:
    """The schema without bounds and defaults, and with the type of every enumeration."""
    bare = {key: value for key, value in field.items() if key not in (*_BOUNDS, *_UNSAID)}
    if "enum" in bare:
        bare["type"] = "string"
    if "items" in bare:
        bare["items"] = _bare(bare["items"])
    if "anyOf" in bare:
        bare["anyOf"] = [_bare(each) for each in bare["anyOf"]]
    return bare


def _bounds(field: dict[str, Any]) -> list[str]:
    schemas = (field, *field.get("anyOf", ()))
    return [words.format(f"{each[key]:g}") for each in schemas for key, words in _BOUNDS.items() if key in each]
