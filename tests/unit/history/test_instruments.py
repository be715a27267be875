"""The tables of instruments and what the engine makes of them."""

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.instruments import CryptoPerpetual, CurrencyPair

from helios_nautilus.adapters.valr.instruments import build_instrument, load_pairs
from helios_nautilus.errors import ConfigError, UnknownInstrumentError

TABLES = [*(Path(__file__).parents[3] / "configs" / "instruments").glob("*.toml")]
ONE = """
[[instrument]]
symbol = "FOOBAR"
venue = "X"
base = "FOO"
quote = "USDT"
price_increment = "0.5"
size_increment = "1"
maker_fee = "-0.0001"
taker_fee = "0.001"
"""


def test_the_rand_pairs_have_the_venues_ticks_minima_and_first_tier_fees() -> None:
    bitcoin = build_instrument("BTCZAR.VALR")
    assert isinstance(bitcoin, CurrencyPair)
    assert str(bitcoin.price_increment) == "1"
    assert str(bitcoin.size_increment) == "0.00000001"
    assert bitcoin.min_quantity.as_decimal() == Decimal("0.000008")
    assert (bitcoin.maker_fee, bitcoin.taker_fee) == (Decimal("0.0018"), Decimal("0.0035"))
    ether = build_instrument("ETHZAR.VALR")
    assert ether.min_notional.as_decimal() == 10
    assert ether.quote_currency.code == "ZAR"


def test_a_size_step_the_venue_does_not_publish_is_marked() -> None:
    pairs = load_pairs()
    assert pairs["SOLZAR.VALR"].size_increment_assumed
    assert not pairs["ETHZAR.VALR"].size_increment_assumed


@pytest.mark.parametrize("table", [None, *TABLES], ids=lambda path: path.name if path else "pairs.toml")
def test_every_instrument_of_every_table_builds_and_can_trade_its_smallest_size(table: Path | None) -> None:
    pairs = load_pairs(table) if table else load_pairs()
    for instrument_id, pair in pairs.items():
        instrument = build_instrument(instrument_id, pairs)
        assert instrument.id.value == instrument_id
        if pair.min_quantity is not None:
            assert instrument.min_quantity.as_decimal() == pair.min_quantity
            assert pair.min_quantity % pair.size_increment == 0


def test_a_perpetual_is_linear_and_has_margins() -> None:
    (table,) = [path for path in TABLES if path.name == "binance_usdm.toml"]
    perpetual = build_instrument("BTCUSDT-PERP.BINANCE", load_pairs(table))
    assert isinstance(perpetual, CryptoPerpetual)
    assert not perpetual.is_inverse
    assert perpetual.settlement_currency.code == "USDT"
    assert (perpetual.margin_init, perpetual.taker_fee) == (Decimal("0.05"), Decimal("0.0005"))


def test_an_unknown_instrument_is_refused_in_one_line_that_helps() -> None:
    with pytest.raises(UnknownInstrumentError, match=r"(?s)^BTCZAR\.X .*BTCZAR\.VALR.*--instruments$") as caught:
        build_instrument("BTCZAR.X")
    assert "\n" not in str(caught.value)


def test_a_users_table_brings_its_own_currencies_and_rebates(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(ONE)
    instrument = build_instrument("FOOBAR.X", load_pairs(path))
    assert instrument.base_currency.code == "FOO"
    assert instrument.maker_fee == Decimal("-0.0001")
    assert instrument.price_precision == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE.replace("taker_fee", "taker_fees"), "taker_fee"),
        (ONE.replace('"0.5"', '"0"'), "price_increment"),
        (ONE.replace('"0.5"', '"half"'), "price_increment"),
        (ONE + ONE, "twice"),
        (ONE + 'margin_init = "0.1"', "perpetual"),
        ("symbol = ", "Invalid value"),
    ],
)
def test_a_wrong_table_is_refused_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"x\.toml: .*{words}"):
        load_pairs(path)


def test_a_missing_table_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        load_pairs(tmp_path / "nowhere.toml")
