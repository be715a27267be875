import msgspec
import pytest
from msgspec.structs import replace

from helios_nautilus.domain.features import FeatureSpec
from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.errors import ConfigError
from tests.unit.domain.features.markets import BTC, ETH, FAST, FULL, SLOW, UNIVERSE


def test_all_inputs_give_ninety_features() -> None:
    assert FULL.width == 30
    assert len(set(FULL.names)) == 90
    assert FULL.names[15] == "1m.rsi_14"
    assert FULL.names[45] == "5m.rsi_14"


@pytest.mark.parametrize(
    ("lacking", "absent"),
    [
        ({"book": False}, {"relative_spread", "book_imbalance", "depth_ratio_20"}),
        ({"trades": False}, {"taker_imbalance", "trade_count_ratio_20", "trade_momentum_10"}),
        ({"reference": None}, {"btc_correlation_50"}),
    ],
)
def test_an_input_that_is_not_recorded_makes_its_columns_absent(lacking: dict[str, object], absent: set[str]) -> None:
    assert set(FULL.columns) - set(replace(FULL, **lacking).columns) == absent


def test_the_calendar_adds_four_features_a_timeframe() -> None:
    assert replace(FULL, calendar=True).columns == (*FULL.columns, "day_sin", "day_cos", "week_sin", "week_cos")


def test_bars_alone_give_23_features_a_timeframe() -> None:
    assert FeatureSpec(timeframes=FAST, universe=UNIVERSE).width == 23


def test_the_hash_changes_with_every_field() -> None:
    changes = {
        "version": 2,
        "base": "5m",
        "timeframes": replace(SLOW, decision="5m"),
        "trades": False,
        "book": False,
        "calendar": True,
        "reference": ETH,
        "universe": (ETH, BTC),
    }
    assert set(changes) == set(FeatureSpec.__struct_fields__)
    slow = replace(FULL, timeframes=SLOW)
    hashes = {replace(slow, **{name: value}).hash for name, value in changes.items()}
    assert len(hashes | {slow.hash}) == len(changes) + 1


def test_the_hash_is_sixteen_digits_and_the_same_after_a_round_trip() -> None:
    copy = msgspec.json.decode(msgspec.json.encode(FULL), type=FeatureSpec)
    assert copy.hash == FULL.hash
    assert len(FULL.hash) == 16
    assert int(FULL.hash, 16) >= 0


@pytest.mark.parametrize("base", ["1m", "5m"])
def test_the_base_may_be_the_fastest_timeframe_or_a_part_of_it(base: str) -> None:
    assert FeatureSpec(base=base, timeframes=SLOW, universe=UNIVERSE).width == 23


@pytest.mark.parametrize(
    "wrong",
    [
        {"base": "2m", "timeframes": SLOW},
        {"base": "5m", "timeframes": FAST},
        {"universe": ()},
        {"universe": (BTC, BTC)},
        {"universe": (ETH,), "reference": BTC},
    ],
)
def test_a_spec_that_cannot_be_computed_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        FeatureSpec(**{"timeframes": Timeframes(), "universe": UNIVERSE, **wrong})


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"universe": ["BTCZAR.VALR"], "candles": true}', type=FeatureSpec)
