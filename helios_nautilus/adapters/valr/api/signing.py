"""Signs requests: bytes in, headers out, no network and no clock.

The venue wants ``HMAC-SHA512(secret, stamp + VERB + path?query + body + sub-account id)`` in lower-case hex, over the
very bytes on the wire: the target is signed as sent (``:`` and ``,`` unencoded) and a sub-account id is part of the
text exactly when its header is sent.
"""

import hmac
import os
from collections.abc import Mapping
from typing import Final, NoReturn

from helios_nautilus.errors import ConfigError

KEY_VARIABLE: Final = "VALR_API_KEY"
SECRET_VARIABLE: Final = "VALR_API_SECRET"
PRIMARY_ACCOUNT: Final = "0"
"""The primary account's own id, which is never sent."""


class Credentials:
    """An API key, its secret and, for a primary key that acts as a sub-account, that account's id.

    Nothing of it can be printed, pickled or encoded.
    """

    __slots__ = ("_key", "_secret", "_sub_account_id")

    def __init__(self, key: str, secret: str, sub_account_id: str | None = None) -> None:
        for name, value in (("key", key), ("secret", secret)):
            if not value or not value.isascii() or not value.isalnum():
                raise ConfigError(f"VALR API {name}: letters and digits are expected")
        if sub_account_id is not None and not (sub_account_id.isascii() and sub_account_id.isdigit()):
            raise ConfigError("VALR sub-account id: digits are expected")
        self._key = key
        self._secret = secret.encode()
        self._sub_account_id = "" if sub_account_id in (None, PRIMARY_ACCOUNT) else str(sub_account_id)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, sub_account_id: str | None = None) -> "Credentials":
        """The pair in VALR_API_KEY and VALR_API_SECRET; `ConfigError` names the one that is missing."""
        for name in (KEY_VARIABLE, SECRET_VARIABLE):
            if not environ.get(name):
                raise ConfigError(f"{name} is not set")
        return cls(environ[KEY_VARIABLE].strip(), environ[SECRET_VARIABLE].strip(), sub_account_id)

    def headers(
        self, stamp_ms: int, verb: str, target: str, body: bytes = b"", *, as_primary: bool = False
    ) -> dict[str, str]:
        """The headers of one request.

        ``target`` is path and query as sent, ``stamp_ms`` a fresh time of the Unix epoch. ``as_primary`` leaves the
        sub-account out, as primary-only routes demand.
        """
        sub_account_id = "" if as_primary else self._sub_account_id
        text = f"{stamp_ms}{verb.upper()}{target}".encode() + body + sub_account_id.encode()
        headers = {
            "X-VALR-API-KEY": self._key,
            "X-VALR-SIGNATURE": hmac.digest(self._secret, text, "sha512").hex(),
            "X-VALR-TIMESTAMP": str(stamp_ms),
        }
        if sub_account_id:
            headers["X-VALR-SUB-ACCOUNT-ID"] = sub_account_id
        return headers

    def __repr__(self) -> str:
        return "Credentials(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not pickled or copied")
