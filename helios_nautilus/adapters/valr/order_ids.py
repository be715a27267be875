"""Our client order id as VALR's ``customerOrderId`` and back, exactly.

VALR takes up to 50 letters, digits and hyphens; the engine's ids may hold any printable ASCII character. One that VALR
does not take becomes ``Z`` and two hex digits, and ``Z`` itself becomes ``ZZ``: ids as the engine makes them by default
stay as they are.
"""

import re
from typing import Final

from nautilus_trader.model.identifiers import ClientOrderId

from helios_nautilus.adapters.valr.api.schemas.requests import CUSTOMER_ORDER_ID

_TO_ESCAPE: Final = re.compile(r"[^0-9a-zA-Y-]")
_ESCAPED: Final = re.compile(r"Z(Z|[0-9a-f]{2})", re.ASCII)
_PRINTABLE: Final = re.compile(r"[!-~]+")
"""All that the engine's ids hold. It does not survive being given others: its core aborts the process."""


def to_customer_id(client_order_id: ClientOrderId) -> str:
    """The id to send; `ValueError` for one that does not fit."""
    customer_id = _TO_ESCAPE.sub(_escape, client_order_id.value)
    if not _PRINTABLE.fullmatch(client_order_id.value) or not CUSTOMER_ORDER_ID.fullmatch(customer_id):
        raise ValueError(
            f"client order id {client_order_id.value!r} does not fit VALR's 50 letters, digits and hyphens"
        )
    return customer_id


def to_client_order_id(customer_id: str | None) -> ClientOrderId | None:
    """The client order id that `to_customer_id` made this of; None for an id that it never makes."""
    if not customer_id or not CUSTOMER_ORDER_ID.fullmatch(customer_id):
        return None
    text = _ESCAPED.sub(_restore, customer_id)
    if not _PRINTABLE.fullmatch(text) or _TO_ESCAPE.sub(_escape, text) != customer_id:
        return None
    return ClientOrderId(text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return "ZZ" if character == "Z" else f"Z{ord(character):02x}"


def _restore(match: re.Match[str]) -> str:
    return "Z" if match[1] == "Z" else chr(int(match[1], 16))
