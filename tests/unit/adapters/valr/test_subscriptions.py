"""Only complete pair lists are ever sent, because each replaces the one before."""

import json

from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.adapters.valr.api.subscriptions import Subscriptions
from tests.unit.adapters.valr.payloads import read_payload

EVENTS = st.sampled_from(["OB_L1_DIFF", "NEW_TRADE", "MARK_PRICE_UPDATE"])
PAIRS = st.lists(st.sampled_from(["BTCZAR", "ETHZAR", "SOLZAR", "XRPZAR"]), max_size=3)


def lists_of(frame: bytes | None) -> dict[str, list[str] | None]:
    if frame is None:
        return {}
    document = json.loads(frame)
    assert document["type"] == "SUBSCRIBE"
    return {entry["event"]: entry.get("pairs") for entry in document["subscriptions"]}


def test_frame_equals_the_recorded_ones() -> None:
    trade, account = Subscriptions(), Subscriptions()
    trade.add("OB_L1_DIFF", ["SOLZAR", "BTCUSDC"])
    account.add("MARGIN_INFO")
    assert json.loads(trade.frame() or b"") == json.loads(read_payload("ws_trade_req_SUBSCRIBE_OB_L1_DIFF"))
    assert json.loads(account.frame() or b"") == json.loads(read_payload("ws_account_req_SUBSCRIBE_MARGIN_INFO"))


def test_second_pair_is_sent_together_with_the_first() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("NEW_TRADE", ["BTCZAR"])
    subscriptions.changes()
    subscriptions.add("NEW_TRADE", ["ETHZAR"])
    assert lists_of(subscriptions.changes()) == {"NEW_TRADE": ["BTCZAR", "ETHZAR"]}


def test_last_pair_leaves_with_an_empty_list_and_does_not_come_back_on_reconnect() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("MARKET_SUMMARY_UPDATE", ["BTCZAR"])
    subscriptions.remove("MARKET_SUMMARY_UPDATE", ["BTCZAR"])
    assert json.loads(subscriptions.changes() or b"") == json.loads(
        read_payload("ws_trade_req_UNSUBSCRIBE_empty_pairs")
    )
    assert subscriptions.frame() is None


def test_pair_wanted_already_is_sent_again_for_a_snapshot() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("OB_L1_DIFF", ["BTCZAR", "ETHZAR"])
    subscriptions.changes()
    subscriptions.add("OB_L1_DIFF", ["ETHZAR"])
    assert lists_of(subscriptions.changes()) == {"OB_L1_DIFF": ["BTCZAR", "ETHZAR"]}


@given(st.lists(st.tuples(st.booleans(), EVENTS, PAIRS, st.booleans()), max_size=20))
def test_venue_that_replaces_lists_ends_with_what_is_wanted(steps: list[tuple[bool, str, list[str], bool]]) -> None:
    subscriptions = Subscriptions()
    wanted: dict[str, set[str]] = {}
    at_venue: dict[str, list[str] | None] = {}
    for is_added, event, pairs, is_flushed in steps:
        if is_added:
            subscriptions.add(event, pairs)
            wanted[event] = wanted.get(event, set()) | set(pairs)
        else:
            subscriptions.remove(event, pairs)
            wanted[event] = wanted.get(event, set()) - set(pairs)
        if is_flushed:
            at_venue |= lists_of(subscriptions.changes())
    at_venue |= lists_of(subscriptions.changes())
    assert {event: set(pairs or ()) for event, pairs in at_venue.items() if pairs} == {
        event: pairs for event, pairs in wanted.items() if pairs
    }
    assert subscriptions.channels == {f"{event}:{pair}" for event, pairs in wanted.items() for pair in pairs}
    fresh = lists_of(subscriptions.frame())
    assert {event: set(pairs or ()) for event, pairs in fresh.items()} == {e: p for e, p in wanted.items() if p}
