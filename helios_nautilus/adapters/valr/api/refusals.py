"""From an error reply to the error we raise. Decided by code and status; the text is only passed on."""

from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.adapters.valr.api.enums import ErrorCode
from helios_nautilus.adapters.valr.api.errors import (
    AuthError,
    DuplicateOrderIdError,
    InsufficientBalanceError,
    InvalidRequestError,
    NotFoundError,
    NothingToModifyError,
    RefusedError,
    UnknownOrderError,
)
from helios_nautilus.adapters.valr.api.wire import Key

MAX_TEXT: Final = 300

_BY_CODE: Final[dict[int, type[RefusedError]]] = {
    ErrorCode.INVALID_ORDER: UnknownOrderError,
    ErrorCode.INSUFFICIENT_BALANCE: InsufficientBalanceError,
    ErrorCode.INVALID_REQUEST: InvalidRequestError,
    ErrorCode.INVALID_JSON: InvalidRequestError,
    ErrorCode.UNSUPPORTED_PAIR: InvalidRequestError,
    ErrorCode.PAIR_NOT_ACTIVE: InvalidRequestError,
    ErrorCode.SUMMARY_NOT_FOUND: NotFoundError,
    ErrorCode.TRANSFER_NOT_PERMITTED: AuthError,
    ErrorCode.INVALID_SIGNATURE: AuthError,
    ErrorCode.API_KEY_MISSING: AuthError,
    ErrorCode.IP_NOT_WHITELISTED: AuthError,
    ErrorCode.DUPLICATE_CUSTOMER_ORDER_ID: DuplicateOrderIdError,
    ErrorCode.NOTHING_TO_MODIFY: NothingToModifyError,
}

_BY_STATUS: Final[dict[int, type[RefusedError]]] = {401: AuthError, 403: AuthError, 404: NotFoundError}
"""Statuses that refuse by themselves: the edge or the key check answered, not the engine."""


class FieldFault(Struct, frozen=True, kw_only=True):
    """One entry of ``validationErrors``."""

    field: str = ""
    message: str = ""


class FieldFaults(Struct, frozen=True, kw_only=True):
    """The wrapper around the entries."""

    errors: list[FieldFault] = []


class ErrorBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """An error in every shape the venue uses: plain, with field faults, with the ids of an order or a modify."""

    code: int
    message: str | None = None
    order_id: Key | None = None
    modify_order_id: str | None = None
    validation_errors: FieldFaults | None = None

    def describe(self) -> str:
        """Message, field faults and code in one line, cut to `MAX_TEXT`."""
        faults = self.validation_errors.errors if self.validation_errors else []
        details = "; ".join(f"{fault.field} {fault.message}" for fault in faults)
        text = " ".join(f"{self.message or ''} {details}".split())
        return f"{text[:MAX_TEXT]} (code {self.code})"


_DECODER: Final = msgspec.json.Decoder(ErrorBody)


def read_error_body(raw: bytes) -> ErrorBody | None:
    """The venue's error in ``raw``; None if there is none to be read."""
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def build_refusal(what: str, status: int, body: ErrorBody | None) -> RefusedError | None:
    """The error of a refusal; None where neither a code nor the status proves one.

    ``what`` names the request for the reader, e.g. ``POST /v2/orders/limit``.
    """
    if body is not None:
        kind = _BY_CODE.get(body.code) or _BY_STATUS.get(status, RefusedError)
        return kind(f"{what}: {body.describe()}", status=status, code=body.code, order_id=body.order_id)
    if status in _BY_STATUS:
        return _BY_STATUS[status](f"{what}: refused with HTTP {status}", status=status)
    return None
