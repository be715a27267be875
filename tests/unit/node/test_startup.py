"""What a backtest can do and a node that trades in real time cannot is refused before anything is asked of VALR."""

from pathlib import Path
from typing import Any

import pytest

from helios_nautilus.config import load_config
from helios_nautilus.errors import ConfigError, HeliosError
from helios_nautilus.node.startup import check_live, sole_node
from tests.acceptance.cli import SMALL, write_config

FIVE = {"data.timeframes.high": "5m", "data.timeframes.medium": "15m", "data.timeframes.low": "1h"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"data.base": "5m", **FIVE}, "streams 1m bars only"),
        ({"data.trades": True}, "data.trades and data.book must be false"),
        ({"data.instruments": ["BTCUSDT.BINANCE"], "data.reference": None}, "BTCUSDT.BINANCE cannot be traded at VALR"),
        ({"model.predictions": "catalogue"}, "model.predictions must be 'model'"),
        ({"model.follow": "history", "model.registry": "registry"}, "model.follow 'current'"),
        ({"venue.speed": 20.0}, "a venue behind https lives in real time"),
    ],
    ids=str,
)
def test_what_needs_a_recording_is_refused(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    config = load_config(write_config(tmp_path / "run.toml", {**SMALL, **changed})).config
    with pytest.raises(ConfigError) as caught:
        check_live(config)
    assert words in str(caught.value)


def test_a_run_on_minutes_of_valr_s_pairs_may_go_live(tmp_path: Path) -> None:
    check_live(load_config(write_config(tmp_path / "run.toml", SMALL)).config)


def test_a_second_node_of_a_mode_is_refused_until_the_first_has_gone(tmp_path: Path) -> None:
    lock = tmp_path / "live.lock"
    with sole_node(lock), pytest.raises(HeliosError, match="another node of this mode is running"), sole_node(lock):
        pass
    with sole_node(lock):
        pass
