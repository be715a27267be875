"""An error reply becomes the error that tells what to do, by code and status alone."""

import pytest

from helios_nautilus.adapters.valr.api.errors import (
    AuthError,
    DuplicateOrderIdError,
    InsufficientBalanceError,
    InvalidRequestError,
    NotFoundError,
    NothingToModifyError,
    RefusedError,
    UnknownOrderError,
    VenueError,
)
from helios_nautilus.adapters.valr.api.refusals import MAX_TEXT, ErrorBody, build_refusal, read_error_body
from helios_nautilus.errors import HeliosError
from tests.unit.adapters.valr.payloads import read_payload


def refuse(status: int, raw: bytes) -> RefusedError | None:
    return build_refusal("POST /v2/orders/limit", status, read_error_body(raw))


@pytest.mark.parametrize(
    ("payload", "status", "kind"),
    [
        ("rest_orders_status_400_invalid", 400, UnknownOrderError),
        ("rest_orders_v2_limit_400", 400, InsufficientBalanceError),
        ("rest_orders_v2_modify_400", 400, NothingToModifyError),
        ("rest_error_invalid_request", 400, InvalidRequestError),
        ("rest_error_unsupported_pair", 400, InvalidRequestError),
        ("rest_error_pair_not_active", 400, InvalidRequestError),
        ("rest_error_market_summary_not_found", 404, NotFoundError),
        ("rest_error_ip_not_whitelisted", 401, AuthError),
        ("rest_error_api_key_missing", 400, AuthError),
        ("rest_error_min_order_size", 400, RefusedError),
        ("rest_error_position_limit", 400, RefusedError),
    ],
)
def test_recorded_error_becomes_its_class(payload: str, status: int, kind: type[RefusedError]) -> None:
    error = refuse(status, read_payload(payload))
    assert type(error) is kind
    assert isinstance(error, VenueError)
    assert isinstance(error, HeliosError)
    assert error.status == status


def test_duplicate_order_id_is_told_apart() -> None:
    assert isinstance(refuse(400, b'{"code":-11502,"message":""}'), DuplicateOrderIdError)


def test_order_that_failed_on_the_engine_names_its_id() -> None:
    error = refuse(400, read_payload("rest_orders_v2_limit_400"))
    assert error is not None
    assert (error.code, error.order_id) == (-6, "99ded62e-26ff-407c-98d5-cd24b4e56179")


def test_field_faults_are_in_the_text() -> None:
    text = str(refuse(400, read_payload("rest_error_invalid_request_validation")))
    assert "purpose must not be null" in text
    assert "(code -11)" in text


@pytest.mark.parametrize(("status", "kind"), [(401, AuthError), (403, AuthError), (404, NotFoundError)])
def test_status_of_the_edge_refuses_without_a_body(status: int, kind: type[RefusedError]) -> None:
    assert type(refuse(status, b"<html>no</html>")) is kind
    assert type(refuse(status, b"")) is kind


@pytest.mark.parametrize("status", [200, 302, 400, 408, 409])
def test_unreadable_body_proves_nothing(status: int) -> None:
    for raw in (b"", b"<html>", b'{"code":"-6"}', b'{"message":"no"}', b'{"code":-6', b"[]", b"\xff"):
        assert refuse(status, raw) is None


def test_whole_page_as_message_is_cut_to_one_line() -> None:
    text = ErrorBody(code=-1, message="line\n" * 5000).describe()
    assert "\n" not in text
    assert len(text) < MAX_TEXT + 20
