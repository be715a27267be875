"""What the venue says when it refuses: codes, words and HTTP statuses of VALR's errors."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from helios_nautilus.errors import HeliosError


class Code(IntEnum):
    """Error codes of VALR that the simulator uses."""

    INVALID_ORDER = -1
    INSUFFICIENT_BALANCE = -6
    INVALID_REQUEST = -11
    UNSUPPORTED_PAIR = -21
    PAIR_NOT_ACTIVE = -32
    SUMMARY_NOT_FOUND = -111
    INVALID_JSON = -113
    LABEL_EXISTS = -11132
    TRANSFER_NOT_PERMITTED = -11133
    HAS_BALANCES = -11163
    INVALID_SIGNATURE = -11252
    KEY_MISSING = -11268
    SELF_MATCH = -11500
    DUPLICATE_CUSTOMER_ORDER_ID = -11502
    TYPE_NOT_ALLOWED = -12005
    BELOW_MINIMUM = -12007
    MARGIN_NOT_ENABLED = -19213
    MARGIN_ENABLED = -19225
    FUTURES_NOT_ENABLED = -19227
    FUTURES_ENABLED = -19228
    NOT_A_SUB_ACCOUNT = -21100
    NOTHING_MODIFIED = -21303
    MODIFY_BESIDE_PLACE = -21311
    TRIGGERED_AT_ONCE = -21403


_WORDS: Final = {
    # The trailing space is VALR's own.
    Code.INVALID_ORDER: "Invalid Order. ",
    Code.INSUFFICIENT_BALANCE: "Insufficient Balance",
    Code.INVALID_REQUEST: "Invalid Request, please check your request and try again",
    Code.UNSUPPORTED_PAIR: "Unsupported Currency Pair",
    Code.PAIR_NOT_ACTIVE: "The given currency pair is not active",
    Code.SUMMARY_NOT_FOUND: "Market summary not found",
    Code.INVALID_JSON: "Invalid JSON payload",
    Code.LABEL_EXISTS: "A subaccount with that label already exists",
    Code.TRANSFER_NOT_PERMITTED: "Internal transfer is not permitted for this API key",
    Code.HAS_BALANCES: "Cannot disable sub account with balances",
    Code.INVALID_SIGNATURE: "Request has an invalid signature",
    Code.KEY_MISSING: "API key header missing: X-VALR-API-KEY",
    Code.SELF_MATCH: "We did not execute this order since it would have matched with your own order on the Exchange",
    Code.DUPLICATE_CUSTOMER_ORDER_ID: "Duplicate customer order id",
    Code.TYPE_NOT_ALLOWED: "Selected order type is not allowed for the currency pair.",
    Code.BELOW_MINIMUM: "Minimum order size not met .",
    Code.MARGIN_NOT_ENABLED: "Margin not enabled for account",
    Code.FUTURES_NOT_ENABLED: (
        "Futures trading is not enabled for this account. "
        "Sign in to your account via website and navigate to a Futures pair to enable."
    ),
    Code.MARGIN_ENABLED: "Cannot delete a sub account with margin enabled",
    Code.FUTURES_ENABLED: "Cannot delete a sub account with futures enabled",
    Code.NOT_A_SUB_ACCOUNT: "The request must be for a sub account",
    Code.NOTHING_MODIFIED: "Modify order would not have modified anything and was cancelled",
    Code.TRIGGERED_AT_ONCE: "Could not place conditional order as it would have triggered immediately",
    Code.MODIFY_BESIDE_PLACE: "Modify orders cannot be batched with place orders",
}
_STATUS: Final = {
    Code.INVALID_SIGNATURE: 401,
    Code.TRANSFER_NOT_PERMITTED: 401,
    Code.SUMMARY_NOT_FOUND: 404,
    Code.KEY_MISSING: 403,
    Code.LABEL_EXISTS: 403,
}

POST_ONLY_CROSSED: Final = "Post only cancelled as it would have matched"
IOC_UNMATCHED: Final = "Immediate Or Cancel order did not match"
FOK_UNFILLABLE: Final = "Fill Or Kill order could not be filled completely"
NO_LIQUIDITY: Final = "Insufficient liquidity"
STOP_TRIGGERED_AT_ONCE: Final = "Stop order failed as it would have been triggered immediately"
NOTHING_TO_REDUCE: Final = "Reduce only order would not have reduced a position"


class Refusal(HeliosError):
    """The venue's definite no: becomes an HTTP error body or an ``error`` in a socket reply."""

    def __init__(
        self,
        code: Code,
        message: str | None = None,
        *,
        status: int | None = None,
        fields: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.code = code
        self.message = _WORDS[code] if message is None else message
        self.status = _STATUS.get(code, 400) if status is None else status
        self.fields = tuple(fields)
        super().__init__(self.message)

    def body(self) -> dict[str, object]:
        """The error as VALR writes it."""
        body: dict[str, object] = {"code": int(self.code), "message": self.message}
        if self.fields:
            errors = [{"field": field, "message": message} for field, message in self.fields]
            body["validationErrors"] = {"errors": errors}
        return body


def invalid_field(field: str, message: str) -> Refusal:
    """A parameter that fails validation."""
    return Refusal(Code.INVALID_REQUEST, fields=[(field, message)])


def engine_failure(reason: str) -> Refusal:
    """The engine failed the order for a reason VALR documents as text only; the code that goes with it is a guess."""
    return Refusal(Code.INVALID_REQUEST, reason)
