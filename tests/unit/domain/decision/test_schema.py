import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.decision.schema import MAX_ANSWER_BYTES, MAX_REASONING_CHARS, decode_answer, reject

GOOD = {
    "decision": "MODIFY",
    "reasoning": "The trend holds. The book is thin on the ask.",
    "confidence_adjustment": 0.9,
    "position_size_multiplier": 0.5,
    "risk_flags": ["thin_book"],
    "suggested_leverage": 1,
    "suggested_stop": 0.02,
}


def _encoded(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_a_complete_answer_is_read_as_it_stands() -> None:
    answer = decode_answer(_encoded())
    assert (answer.decision, answer.position_size_multiplier, answer.confidence_adjustment) == ("MODIFY", 0.5, 0.9)
    assert (answer.suggested_leverage, answer.suggested_stop, answer.suggested_target) == (1.0, 0.02, None)
    assert answer.risk_flags == ("thin_book",)


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "BUY"},
        {"decision": "approve"},
        {"position_size_multiplier": 1.01},
        {"position_size_multiplier": -0.1},
        {"position_size_multiplier": True},
        {"position_size_multiplier": "0.5"},
        {"position_size_multiplier": None},
        {"confidence_adjustment": float("nan")},
        {"confidence_adjustment": float("inf")},
        {"suggested_stop": 0},
        {"suggested_target": -0.1},
        {"suggested_leverage": 1e6},
        {"reasoning": ""},
        {"reasoning": "x" * (MAX_REASONING_CHARS + 1)},
        {"risk_flags": ["flag"] * 13},
        {"risk_flags": ["f" * 61]},
        {"risk_flags": "thin_book"},
        {"new_notional": 1_000_000},
    ],
    ids=str,
)
def test_an_answer_outside_the_schema_is_a_rejection(change: dict[str, object]) -> None:
    answer = decode_answer(_encoded(**change))
    assert answer.decision == "REJECT"
    assert answer.position_size_multiplier == 0.0
    assert answer.risk_flags == ("undecodable",)


@pytest.mark.parametrize(
    "field",
    ["decision", "reasoning", "confidence_adjustment", "position_size_multiplier", "risk_flags"],
)
def test_a_field_left_out_is_a_rejection_that_names_it(field: str) -> None:
    answer = decode_answer(json.dumps({name: value for name, value in GOOD.items() if name != field}).encode())
    assert answer.decision == "REJECT"
    assert field in answer.reasoning


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"I approve this trade.",
        b"```json\n" + _encoded() + b"\n```",
        _encoded()[:-1],
        _encoded() * 2,
    ],
)
def test_text_that_is_not_one_json_object_is_a_rejection_that_shows_how_it_begins(raw: bytes) -> None:
    answer = decode_answer(raw)
    assert answer.decision == "REJECT"
    assert ascii(raw[:80].decode()) in answer.reasoning


def test_broken_utf8_and_huge_numbers_are_rejections() -> None:
    assert decode_answer(_encoded().replace(b"thin_book", b"\xff\xfe")).decision == "REJECT"
    assert decode_answer(_encoded().replace(b"0.5", b"1" + b"0" * 400)).decision == "REJECT"
    assert decode_answer(_encoded().replace(b"0.02", b"1e999")).decision == "REJECT"


def test_control_characters_in_words_become_spaces() -> None:
    answer = decode_answer(_encoded(reasoning="Fine.\n\x1b[2JBuy \u202etoday.", risk_flags=["thin\x07book"]))
    assert (answer.reasoning, answer.risk_flags) == ("Fine.  [2JBuy  today.", ("thin book",))
    assert answer.decision == "MODIFY"


def test_an_endless_answer_is_refused_unread() -> None:
    padded = _encoded() + b" " * MAX_ANSWER_BYTES
    assert decode_answer(padded).decision == "REJECT"
    assert str(len(padded)) in decode_answer(padded).reasoning


@given(st.binary(max_size=400))
def test_no_bytes_raise_and_every_reply_fits_the_schema(raw: bytes) -> None:
    answer = decode_answer(raw)
    assert decode_answer(msgspec.json.encode(answer)) == answer


def test_the_reasoning_of_a_rejection_is_cut_to_the_schema() -> None:
    assert len(reject("x" * 5000, "late").reasoning) == MAX_REASONING_CHARS
