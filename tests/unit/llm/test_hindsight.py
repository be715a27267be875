import pytest
from msgspec.structs import replace

from helios_nautilus.config import parse_time
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.llm.hindsight import hindsight_notes
from helios_nautilus.llm.settings import LlmSettings


def claude(trained_until: str | None) -> LlmSettings:
    plain = LlmSettings()
    return replace(plain, anthropic=replace(plain.anthropic, trained_until=trained_until))


@pytest.mark.parametrize(
    ("start", "is_noted"), [("2025-01-01", True), ("2026-06-30T23:59", True), ("2026-07-01", False)]
)
def test_a_run_that_begins_before_the_end_of_the_last_month_a_model_knows_is_noted(start: str, is_noted: bool) -> None:
    notes = list(hindsight_notes(GateRules(provider="anthropic"), claude("2026-06"), parse_time(start)))
    assert bool(notes) is is_noted
    assert all("claude-sonnet-5-5 knows the world up to 2026-06" in note for note in notes)


def test_of_a_model_nobody_knows_the_month_of_hindsight_is_not_ruled_out() -> None:
    plain = LlmSettings()
    foreign = replace(plain.anthropic, model="own", prices=plain.anthropic.price_list)
    settings = replace(plain, anthropic=foreign)
    (note,) = hindsight_notes(GateRules(provider="anthropic"), settings, parse_time("2030-01-01"))
    assert note.startswith("Nobody says up to when own knows the world")


@pytest.mark.parametrize("provider", ["rules", "off"])
def test_who_asks_no_model_has_no_hindsight(provider: str) -> None:
    rules = GateRules(provider=provider)  # type: ignore[arg-type]
    assert list(hindsight_notes(rules, LlmSettings(fallbacks=("openai",)), 0)) == []
