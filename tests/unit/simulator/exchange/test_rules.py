"""The venue's written rules: limits, fault scripts, checksums, lenient bodies."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import ConfigError
from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.book_feed import checksum
from helios_nautilus.simulator.exchange.desk import Desk
from helios_nautilus.simulator.exchange.faults import load_faults
from helios_nautilus.simulator.exchange.limits import RateLimits
from helios_nautilus.simulator.exchange.opening import open_account, open_venue, synthetic_markets
from helios_nautilus.simulator.exchange.orders import OrderType, TimeInForce
from helios_nautilus.simulator.exchange.refusals import Refusal

PAYLOADS = Path(__file__).parents[3] / "payloads" / "valr"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def test_the_price_checksum_equals_the_published_one() -> None:
    data = payload("synthetic_ws_trade_OB_L1_01_SNAPSHOT")["d"]
    assert checksum(data["b"][:25], data["a"][:25]) == data["cs"]


def test_the_order_checksum_equals_the_published_one() -> None:
    data = payload("synthetic_ws_trade_FULL_ORDERBOOK_01_SNAPSHOT")["data"]
    bids, asks = (
        [(order["orderId"], order["quantity"]) for level in data[name] for order in level["Orders"]][:25]
        for name in ("Bids", "Asks")
    )
    assert checksum(bids, asks) == data["Checksum"]


@pytest.mark.parametrize(
    ("verb", "path", "most", "window_ns"),
    [
        ("GET", "/v1/public/pairs", 30, NS_PER_MIN),
        ("GET", "/v1/public/time", 20, NS_PER_SEC),
        ("GET", "/v1/public/BTCZAR/buckets", 20, NS_PER_SEC),
        ("POST", "/v1/orders/limit", 400, NS_PER_SEC),
        ("DELETE", "/v1/orders/order", 450, NS_PER_SEC),
        ("POST", "/v2/orders/limit", 1200, NS_PER_MIN),
    ],
)
def test_a_family_of_routes_has_its_limit_per_window(verb: str, path: str, most: int, window_ns: int) -> None:
    limits = RateLimits()
    start_ns = 100 * window_ns
    admitted = [limits.admits_request(verb, path, "key", "ip", start_ns + i) for i in range(most + 1)]
    assert admitted == [True] * most + [False]
    assert limits.admits_request(verb, path, "key", "ip", start_ns + window_ns)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[[fault]]\nkind = "nonsense"\nnth = 1', "unknown kind 'nonsense'"),
        ('[[fault]]\nkind = "drop_frame"', "no trigger"),
        ('[[fault]]\nkind = "maintenance"\nnth = 2', "after_secs"),
        ('[[fault]]\nkind = "drop_frame"\nnth = 1\nodd = 1', "odd"),
        ("[[fault]", "fault"),
    ],
)
def test_a_wrong_fault_script_is_refused_in_one_line(tmp_path: Path, toml: str, words: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(toml)
    with pytest.raises(ConfigError, match=words) as caught:
        load_faults(path)
    assert "\n" not in str(caught.value)


def test_the_example_fault_script_loads(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('seed = 3\n[[fault]]\nkind = "error_after"\non = "POST *"\nprobability = 0.1\ntimes = 0\n')
    assert load_faults(path).fault[0].on == "POST *"


@cache
def new_desk() -> tuple[Desk, Account]:
    venue = open_venue(synthetic_markets(seed=4, days=2))
    account = venue.accounts[open_account(venue, label="a").account_id]
    return Desk(venue), account


@pytest.fixture(scope="module")
def desk_and_account() -> tuple[Desk, Account]:
    return new_desk()


BODY = {"side": "BUY", "quantity": "0.001", "price": "1000000", "pair": "BTCZAR"}


def test_flags_may_be_strings_and_amounts_numbers(desk_and_account: Any) -> None:
    desk, account = desk_and_account
    order = desk.draft_limit(account, BODY | {"postOnly": "true", "quantity": 0.001, "customerOrderId": None})
    assert (order.type, str(order.quantity.normalize())) == (OrderType.POST_ONLY, "0.001")


def test_digits_beyond_the_pairs_decimals_are_cut_off(desk_and_account: Any) -> None:
    desk, account = desk_and_account
    assert str(desk.draft_limit(account, BODY | {"quantity": "0.0010000199"}).quantity) == "0.00100001"


def test_a_market_orders_time_in_force_is_ioc_unless_fok(desk_and_account: Any) -> None:
    desk, account = desk_and_account
    body = {"side": "SELL", "pair": "BTCZAR", "baseAmount": "0.001"}
    for sent, found in (("GTC", TimeInForce.IOC), ("FOK", TimeInForce.FOK)):
        assert desk.draft_market(account, body | {"timeInForce": sent}).time_in_force is found


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": "1000000.5"}, -11),
        ({"quantity": "0"}, -11),
        ({"quantity": "NaN"}, -11),
        ({"quantity": "1e999999"}, -11),
        ({"quantity": "0." + "1" * 200}, -11),
        ({"price": "9" * 200}, -11),
        ({"side": "buy"}, -11),
        ({"timeInForce": "GTD"}, -11),
        ({"customerOrderId": "under_score"}, -11),
        ({"customerOrderId": "x" * 51}, -11),
        ({"postOnly": "maybe"}, -11),
        ({"quantity": "0.000001"}, -12007),
        ({"pair": "LTCBTC"}, -32),
        ({"pair": "NOPE"}, -21),
        ({"pair": None}, -21),
        ({"allowMargin": True, "pair": "BNBZAR"}, -19213),
    ],
)
def test_a_wrong_field_is_refused_before_there_is_an_order(
    desk_and_account: Any, change: dict[str, object], code: int
) -> None:
    desk, account = desk_and_account
    with pytest.raises(Refusal) as caught:
        desk.draft_limit(account, BODY | change)
    assert caught.value.code == code


def test_the_primary_account_may_not_trade_perpetuals() -> None:
    venue = open_venue(synthetic_markets(seed=4, days=2))
    with pytest.raises(Refusal) as caught:
        Desk(venue).draft_limit(venue.accounts["0"], BODY | {"pair": "BTCUSDTPERP", "price": "50000"})
    assert caught.value.code == -19227


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.sampled_from(["1e999999", "1e-999999", "9" * 200, "0." + "1" * 200, "-1", [], {}]),
)


@settings(max_examples=150)
@given(
    kind=st.sampled_from(["limit", "market", "stop"]),
    change=st.dictionaries(
        st.sampled_from(
            [
                "side",
                "quantity",
                "price",
                "pair",
                "postOnly",
                "timeInForce",
                "customerOrderId",
                "allowMargin",
                "reduceOnly",
                "postOnlyReprice",
                "postOnlyRepriceTicks",
                "baseAmount",
                "quoteAmount",
                "stopPrice",
                "type",
                "conditionalOrderData",
            ]
        ),
        JUNK,
        max_size=4,
    ),
)
def test_a_body_of_anything_is_an_order_or_a_refusal(kind: str, change: dict[str, object]) -> None:
    desk, account = new_desk()
    drafts = {"limit": desk.draft_limit, "market": desk.draft_market, "stop": desk.draft_stop}
    own = {"limit": {}, "market": {"quoteAmount": "1000"}, "stop": {"stopPrice": "900000", "type": "STOP_LOSS_LIMIT"}}
    try:
        order = drafts[kind](account, BODY | own[kind] | change)
    except Refusal:
        return
    desk.place(order)
    assert order.status is not None
