"""Every configuration of ours loads, and what cannot be is refused in one line that names the field."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from helios_nautilus.adapters.valr.config import HTTP_URL, WS_URL
from helios_nautilus.adapters.valr.instruments import PAIRS_FILE, load_pairs
from helios_nautilus.config import LoadedConfig, load_config
from helios_nautilus.errors import ConfigError
from helios_nautilus.node.startup import check_live
from tests.acceptance.cli import SMALL, write_config

ROOT = Path(__file__).parent.parent
RUNS = sorted((ROOT / "configs").glob("*.toml"))
INSTRUMENTS = [*sorted((ROOT / "configs" / "instruments").glob("*.toml")), PAIRS_FILE]


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_run_loads_and_trades_after_what_it_trains_on(path: Path) -> None:
    config = load_config(path).config
    assert config.training.window.end_ns <= config.backtest.start_ns
    assert config.data.reference in config.data.instruments
    assert not config.model.folder.is_absolute()
    assert not config.data.catalog.is_absolute()


@pytest.mark.parametrize("path", INSTRUMENTS, ids=lambda path: path.name)
def test_instruments_load(path: Path) -> None:
    assert load_pairs(path)


def test_all_configurations_are_covered() -> None:
    assert {*RUNS, *INSTRUMENTS} >= set((ROOT / "configs").rglob("*.toml"))
    assert {path.name for path in RUNS} >= {"backtest.toml", "recorded.toml"}


def test_recorded_run_says_in_its_file_that_it_asks_for_no_edge() -> None:
    recorded = load_config(ROOT / "configs" / "recorded.toml")
    assert recorded.config.aether.sizing.min_edge < 0
    assert "min_edge is lowered" in recorded.text
    assert load_config(ROOT / "configs" / "backtest.toml").config.aether.sizing.min_edge == 0


def load(folder: Path, **changed: Any) -> LoadedConfig:
    fields = {name.replace("__", "."): value for name, value in changed.items()}
    return load_config(write_config(folder / "run.toml", {**SMALL, **fields}))


def refusal(folder: Path, **changed: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, **changed)
    words = str(caught.value)
    assert "\n" not in words
    return words.removeprefix(f"{folder / 'run.toml'}: ")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"nmae": "x"}, "Object contains unknown field `nmae`"),
        ({"data__instrument": []}, "Object contains unknown field `instrument` - at `$.data`"),
        ({"plan__costs__fee": 0.1}, "Object contains unknown field `fee` - at `$.plan.costs`"),
        ({"guardian__rules__limit": 1}, "Object contains unknown field `limit` - at `$.guardian.rules`"),
        ({"name": None}, "Object missing required field `name`"),
        ({"model__folder": None}, "Object missing required field `model`"),
        ({"training__window__end": None}, "Object missing required field `end` - at `$.training.window`"),
        ({"account__balance": "much"}, "Expected `float`, got `str` - at `$.account.balance`"),
        ({"data__instruments": "BTCZAR.VALR"}, "Expected `array`, got `str` - at `$.data.instruments`"),
        ({"data__instruments": ["A.B", 3]}, "Expected `str`, got `int` - at `$.data.instruments[1]`"),
        ({"data__trades": 1}, "Expected `bool`, got `int` - at `$.data.trades`"),
        ({"account__kind": "credit"}, "Invalid enum value 'credit' - at `$.account.kind`"),
        ({"training__optimiser__epochs": 2.5}, "Expected `int`, got `float` - at `$.training.optimiser.epochs`"),
    ],
    ids=str,
)
def test_unknown_missing_or_mistyped_field_is_named_with_its_path(
    tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    assert refusal(tmp_path, **changed) == words


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"name": "../elsewhere"}, ["name must be made of"]),
        ({"account__balance": 0}, ["balance must lie", "at `$.account`"]),
        ({"account__kind": "margin"}, ["aether.sizing.margin"]),
        ({"aether__sizing__margin": True}, ["aether.sizing.margin"]),
        ({"backtest__start": "yesterday"}, ["'yesterday' is no date", "at `$.backtest`"]),
        ({"backtest__start": "2026-01-09T00:00+02:00"}, ["not in UTC", "at `$.backtest`"]),
        ({"backtest__end": "2026-01-09"}, ["is not before end", "at `$.backtest`"]),
        ({"backtest__start": "2026-01-09T00:07"}, ["backtest.start", "is not the close of a 15m bar"]),
        ({"training__window__end": "2026-01-10"}, ["training.window ends after backtest.start"]),
        ({"training__split__train": 0.8}, ["train and validation", "at `$.training.split`"]),
        ({"data__instruments": []}, ["at least one instrument", "at `$.data`"]),
        ({"data__instruments": ["A.B", "A.B"], "data__reference": None}, ["only once", "at `$.data`"]),
        ({"data__reference": "DOGEZAR.VALR"}, ["must be one of the universe", "at `$.data`"]),
        ({"data__base": "7x"}, ["'7x' is not a timeframe", "at `$.data`"]),
        ({"data__base": "2m"}, ["do not make up 1m bars", "at `$.data`"]),
        ({"data__timeframes__low": "7m"}, ["whole multiple", "at `$.data.timeframes`"]),
        ({"data__timeframes__decision": "1h"}, ["is not one of 1m/5m/15m", "at `$.data.timeframes`"]),
        ({"model__preset": "helios-9000"}, ["preset helios-9000 is none of", "at `$.model`"]),
        ({"model__latency_ms": 0}, ["latency_ms", "at `$.model`"]),
        ({"model__follow": "history"}, ["needs a registry", "at `$.model`"]),
        ({"node__stop_secs": 0}, ["stop_secs", "at `$.node`"]),
        ({"execution__latency_ms": 1}, ["latency_ms", "at `$.execution`"]),
        ({"execution__slippage_bound": 0}, ["slippage_bound", "at `$.execution`"]),
        ({"plan__hold_mins": 2000}, ["hold_mins", "at `$.plan`"]),
        ({"plan__costs__half_spread": -0.1}, ["half_spread", "at `$.plan.costs`"]),
        ({"plan__costs__taker_fee": 0.5}, ["taker_fee", "at `$.plan.costs`"]),
        ({"plan__costs__maker_fee": -0.5}, ["maker_fee", "rebate", "at `$.plan.costs`"]),
        ({"aether__sizing__max_fraction": 1.5}, ["max_fraction", "at `$.aether.sizing`"]),
    ],
    ids=str,
)
def test_impossible_value_is_refused_and_says_where(tmp_path: Path, changed: dict[str, Any], names: list[str]) -> None:
    words = refusal(tmp_path, **changed)
    assert all(name in words for name in names), words


def numbers(fields: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Dotted names of every float in a table."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{path}{name}.")
        elif isinstance(value, float):
            yield f"{path}{name}"


@pytest.mark.parametrize("written", ["nan", "inf", "-inf"])
def test_number_that_is_not_finite_is_refused_wherever_it_stands(tmp_path: Path, written: str) -> None:
    recorded = (ROOT / "configs" / "recorded.toml").read_text()
    fields = list(numbers(tomllib.loads(recorded)))
    assert len(fields) > 5
    for field in fields:
        section, _, name = field.rpartition(".")
        head, _, tail = recorded.partition(f"[{section}]\n")
        before, _, after = tail.partition(f"{name} = ")
        path = tmp_path / "run.toml"
        path.write_text(f"{head}[{section}]\n{before}{name} = {written}\n{after.partition(chr(10))[2]}")
        with pytest.raises(ConfigError, match=rf"Expected a finite number, got {written} - at `\$\.{field}`"):
            load_config(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"= what", "not valid TOML: Invalid statement"),
        (b'name = "a"\nname = "b"', "not valid TOML: Cannot overwrite a value"),
        (b'name = "\xff"', "not valid TOML: it is not written in UTF-8"),
        (b"", "Object missing required field `name`"),
    ],
    ids=["garbage", "twice", "not UTF-8", "empty"],
)
def test_file_that_is_no_configuration_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}: {words}")


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.toml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_config(path)


def test_hash_is_of_what_a_configuration_says_not_of_how(tmp_path: Path) -> None:
    plain = load(tmp_path)
    (tmp_path / "run.toml").write_text(f"# a remark\n\n{plain.text}account.balance = 100000\n")
    assert load_config(tmp_path / "run.toml").hash == plain.hash
    assert load(tmp_path, account__balance=99_999.0).hash != plain.hash


def test_rebate_for_makers_is_possible(tmp_path: Path) -> None:
    assert load(tmp_path, plan__costs__maker_fee=-0.0001).config.plan.costs.maker_fee == -0.0001


def test_a_node_finds_valr_where_the_adapter_does(tmp_path: Path) -> None:
    venue = load(tmp_path).config.venue
    assert (venue.http_url, venue.ws_url) == (HTTP_URL, WS_URL)


def test_live_rejects_where_the_gate_fails_and_both_close_positions_when_they_stop() -> None:
    configs = {name: load_config(ROOT / "configs" / f"{name}.toml").config for name in ("paper", "live")}
    assert configs["live"].gate.on_failure == "reject"
    assert all(config.node.flatten_on_stop for config in configs.values())
    for config in configs.values():
        check_live(config)
