"""Client order ids survive the way to the venue and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.identifiers import ClientOrderId

from helios_nautilus.adapters.valr.api.schemas.requests import CUSTOMER_ORDER_ID
from helios_nautilus.adapters.valr.order_ids import to_client_order_id, to_customer_id

PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)


@given(st.text(PRINTABLE, min_size=1, max_size=16))
def test_any_id_comes_back_as_it_went(text: str) -> None:
    customer_id = to_customer_id(ClientOrderId(text))
    assert CUSTOMER_ORDER_ID.fullmatch(customer_id)
    assert to_client_order_id(customer_id) == ClientOrderId(text)


@given(st.text("0123456789abcdefZ", min_size=1, max_size=50))
def test_a_foreign_id_that_reads_as_ours_is_one_that_we_would_have_sent(customer_id: str) -> None:
    client_order_id = to_client_order_id(customer_id)
    assert client_order_id is None or to_customer_id(client_order_id) == customer_id


@pytest.mark.parametrize("text", ["O-20261120-094100-001-000-1", "0191d7e0-9c1a-7bb2-a1e5-3f2b6d9c4e10"])
def test_the_engines_own_ids_stay_as_they_are(text: str) -> None:
    assert to_customer_id(ClientOrderId(text)) == text


@pytest.mark.parametrize("customer_id", [None, "", "Z", "Zxy", "Z41", "bad_id", "x" * 51])
def test_what_we_never_send_is_nobody_of_ours(customer_id: str | None) -> None:
    assert to_client_order_id(customer_id) is None


def test_an_id_too_long_for_the_venue_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        to_customer_id(ClientOrderId("x" * 51))
