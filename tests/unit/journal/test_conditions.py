from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.journal.changes import Change, changed_fields
from helios_nautilus.journal.conditions import Conditions, compare_conditions, describe_data, find_reasons
from helios_nautilus.journal.differences import Difference, Tier
from tests.unit.report.runs import run_record

TOML = "[gate]\nlatency_ms = 800\n[aether.sizing]\nkelly_multiplier = 0.25\n"
RUN = replace(run_record(), config_toml=TOML, config_hash="aa", data_hash="a" * 16 + "b" * 16)


def difference(tier: Tier, *fields: str) -> Difference:
    return Difference(
        tier=tier,
        is_cause=True,
        ts_ns=0,
        decision_id="d",
        instrument_id="BTCZAR.VALR",
        kind="changed",
        changes=tuple(Change(field=field, before=1, after=2) for field in fields),
        further=0,
    )


def reasons(tier: Tier, *fields: str, **after: Any) -> list[str]:
    return list(find_reasons(difference(tier, *fields), compare_conditions(RUN, replace(RUN, **after))))


def test_the_same_run_has_the_same_conditions() -> None:
    assert compare_conditions(RUN, RUN) == Conditions()


def test_a_changed_setting_is_named_by_its_path_for_the_tier_that_reads_it_and_for_no_other() -> None:
    text = TOML.replace("0.25", "0.1")
    assert reasons("Aether", config_toml=text, config_hash="bb") == [
        "setting aether.sizing.kelly_multiplier 0.25 -> 0.1"
    ]
    assert "was changed" in reasons("Guardian", config_toml=text, config_hash="bb")[0]


def test_a_setting_that_was_not_written_down_was_the_default() -> None:
    text = TOML + "[guardian.rules]\nmax_drawdown = 0.1\n"
    assert reasons("Guardian", config_toml=text, config_hash="bb") == [
        "setting guardian.rules.max_drawdown default -> 0.1"
    ]


def test_layout_comments_and_the_name_of_a_run_are_no_settings() -> None:
    assert compare_conditions(RUN, replace(RUN, config_toml=f'name = "other"\n# hello\n{TOML}')) == Conditions()


def test_another_package_is_a_reason_only_where_it_computes_something() -> None:
    versions = {**RUN.versions, "torch": "99.0"}
    assert reasons("Model", versions=versions) == [f"torch {RUN.versions.get('torch', 'default')} -> 99.0"]
    assert "was changed" in reasons("Guardian", versions=versions)[0]


def test_another_model_is_a_reason_for_the_model_alone() -> None:
    assert reasons("Model", model_id="other") == [f"another model: {RUN.model_id} -> other"]
    assert "was changed" in reasons("Strategy", model_id="other")[0]


@pytest.mark.parametrize(
    ("data_hash", "words"),
    [("a" * 16 + "c" * 16, "of the run itself"), ("c" * 16 + "b" * 16, "before the run"), ("c" * 32, "and")],
)
def test_other_market_data_are_named_by_their_part(data_hash: str, words: str) -> None:
    (reason,) = reasons("Model", "price", data_hash=data_hash)
    assert words in reason


def test_another_price_tells_other_data_even_without_a_hash() -> None:
    assert "the price is another" in reasons("Model", "price", data_hash="")[0]


def test_with_nothing_else_changed_it_was_the_code_or_a_default() -> None:
    assert "its code was changed" in reasons("Aether")[0]
    assert "a default of its settings or its code was changed" in reasons("Aether", config_hash="bb")[0]


def test_another_question_to_the_gate_is_said() -> None:
    assert reasons("Gate", "request_hash") == [
        "the question to the gate is worded otherwise, so no recorded answer fits it"
    ]


def test_lists_of_named_things_are_compared_by_name() -> None:
    before = {"checks": [{"name": "rate", "limit": 10}, {"name": "price", "limit": 0.02}]}
    after = {"checks": [{"name": "price", "limit": 0.02}, {"name": "rate", "limit": 5}]}
    assert list(changed_fields(before, after)) == [Change(field="checks.rate.limit", before=10, after=5)]


def test_both_halves_of_the_data_are_told_together() -> None:
    words = describe_data(Change(field="data_hash", before="a" * 32, after="b" * 32))
    assert words == "the market data before the run and of the run itself are not those that were recorded"
