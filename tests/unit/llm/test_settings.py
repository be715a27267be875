import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.errors import ConfigError
from helios_nautilus.llm.chain import build_provider, build_remote, remote_order
from helios_nautilus.llm.prices import KNOWN_MODELS, Prices
from helios_nautilus.llm.reply import Usage
from helios_nautilus.llm.settings import AnthropicSettings, LlmSettings

OWN = {"input": 1.0, "output": 2.0, "cache_read": 0.1, "cache_write": 1.25}


def _read(fields: dict[str, Any]) -> LlmSettings:
    return msgspec.convert(fields, LlmSettings)


def test_the_defaults_are_models_whose_prices_are_known_with_date_and_source() -> None:
    for settings in (LlmSettings().anthropic, LlmSettings().openai):
        assert settings.price_list.as_of
        assert settings.price_list.source
        assert settings.cutoff


def test_a_model_nobody_knows_needs_its_prices_and_may_say_its_cutoff() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"prices of model mine are not known.*\$\.openai"):
        _read({"openai": {"model": "mine"}})
    settings = _read({"openai": {"model": "mine", "prices": OWN}}).openai
    assert settings.price_list.output == 2.0
    assert settings.cutoff is None
    assert _read({"openai": {"model": "mine", "prices": OWN, "trained_until": "2026-01"}}).openai.cutoff == "2026-01"


def test_prices_of_ones_own_go_before_those_published() -> None:
    assert AnthropicSettings(prices=Prices(**OWN)).price_list.input == 1.0


def test_a_call_costs_its_tokens_at_their_prices() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_tokens=10_000, cache_write_tokens=1_000)
    assert Prices(**OWN).cost(usage) == pytest.approx(1.0 + 0.2 + 0.001 + 0.00125)
    assert Prices(**OWN).at_most(1_000_000, 100_000) == pytest.approx(1.25 + 0.2)


def test_no_known_model_costs_more_than_is_set_aside_for_it() -> None:
    for facts in KNOWN_MODELS.values():
        for usage in (Usage(input_tokens=900, output_tokens=100), Usage(cache_write_tokens=900, output_tokens=100)):
            assert facts.prices.cost(usage) <= facts.prices.at_most(900, 100)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "sk-secret"},
        {"anthropic": {"api_key": "sk-secret"}},
        {"anthropic": {"max_tokens": 0}},
        {"anthropic": {"temperature": 3.0}},
        {"anthropic": {"base_url": "api.anthropic.com"}},
        {"anthropic": {"model": ""}},
        {"anthropic": {"prices": {**OWN, "output": -1.0}}},
        {"fallbacks": ["openai", "openai"]},
        {"fallbacks": ["rules"]},
        {"attempts": 0},
        {"time_share": 1.0},
        {"daily_usd": -1.0},
        {"breaker_cooldown_secs": 0.0},
    ],
    ids=str,
)
def test_settings_that_mean_nothing_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        _read(fields)


def test_the_order_is_the_provider_then_the_fallbacks_each_once() -> None:
    settings = LlmSettings(fallbacks=("openai", "anthropic"))
    assert remote_order(GateRules(provider="anthropic"), settings) == ("anthropic", "openai")
    assert remote_order(GateRules(provider="recorded"), LlmSettings()) == ("anthropic", "openai")
    assert remote_order(GateRules(provider="rules"), settings) == ()


def test_a_gate_that_asks_no_network_cannot_be_built_for_one() -> None:
    for name in ("rules", "off", "recorded"):
        with pytest.raises(ConfigError, match=f"the provider {name} asks no network"):
            build_remote(GateRules(provider=name), LlmSettings(), {}, lambda: 0)  # type: ignore[arg-type]


def test_a_backtest_of_a_provider_over_a_network_needs_no_key_and_replays() -> None:
    for name in ("anthropic", "openai", "recorded"):
        assert build_provider(GateRules(provider=name)).name == "recorded"  # type: ignore[arg-type]


def test_every_example_of_the_documentation_is_a_setting_that_is_taken() -> None:
    text = (Path(__file__).parents[3] / "docs" / "gate.md").read_text(encoding="utf-8")
    examples = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)]
    assert len(examples) >= 3
    for example in examples:
        msgspec.convert(example.get("gate", {}), GateRules)
        _read(example.get("llm", {}))
