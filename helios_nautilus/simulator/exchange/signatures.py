"""Who a request is from: API keys and the HMAC over exactly what was sent."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from helios_nautilus.simulator.exchange.accounts import Account, Accounts, ApiKey
from helios_nautilus.simulator.exchange.refusals import Code, Refusal

KEY_HEADER: Final = "X-VALR-API-KEY"
SIGNATURE_HEADER: Final = "X-VALR-SIGNATURE"
TIMESTAMP_HEADER: Final = "X-VALR-TIMESTAMP"
SUB_ACCOUNT_HEADER: Final = "X-VALR-SUB-ACCOUNT-ID"


def sign(secret: str, timestamp: str, verb: str, target: str, body: bytes = b"", sub_account: str = "") -> str:
    """HMAC-SHA512 in lower-case hex of the parts without separators; ``target`` is path and query as sent."""
    message = f"{timestamp}{verb.upper()}{target}".encode() + body + sub_account.encode()
    return hmac.new(secret.encode(), message, hashlib.sha512).hexdigest()


class Gatekeeper:
    """Checks signed requests against the known keys."""

    def __init__(self, accounts: Accounts, tolerance_ms: int | None = 30_000) -> None:
        """A timestamp further than ``tolerance_ms`` from the clients' time is refused; None accepts any."""
        self._accounts = accounts
        self._tolerance_ms = tolerance_ms

    def admit(
        self, headers: Mapping[str, str], verb: str, target: str, body: bytes, client_ms: int
    ) -> tuple[ApiKey, Account]:
        """The key and the account it acts for, or a `Refusal`."""
        name = headers.get(KEY_HEADER)
        if not name:
            raise Refusal(Code.KEY_MISSING)
        timestamp = headers.get(TIMESTAMP_HEADER, "")
        # An empty header counts as none.
        sub_account = headers.get(SUB_ACCOUNT_HEADER, "")
        key = self._accounts.key(name)
        if key is None or not self._is_recent(timestamp, client_ms):
            raise Refusal(Code.INVALID_SIGNATURE)
        expected = sign(key.secret, timestamp, verb, target, body, sub_account)
        if not hmac.compare_digest(expected, headers.get(SIGNATURE_HEADER, "")):
            raise Refusal(Code.INVALID_SIGNATURE)
        return key, self._accounts.acting_as(key, sub_account)

    def _is_recent(self, timestamp: str, client_ms: int) -> bool:
        if not (timestamp.isascii() and timestamp.isdigit()):
            return False
        return self._tolerance_ms is None or abs(int(timestamp) - client_ms) <= self._tolerance_ms
