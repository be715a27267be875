"""Posts an alert to the operator's address, which is a secret: whoever knows it may write there."""

import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException
from typing import IO, Final, Self
from urllib.parse import urlsplit

from helios_nautilus.errors import AlertError, ConfigError

ALERT_URL: Final = "HELIOS_ALERT_URL"
"""Environment variable: where alerts are posted."""
ALERT_SECRET: Final = "HELIOS_ALERT_SECRET"
"""Environment variable: what they are signed with."""
SIGNATURE: Final = "X-Helios-Signature"
"""Header: ``sha256=`` and the HMAC of the body in hexadecimal."""

_TRY_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class DeliveryError(AlertError):
    """A post failed; ``is_final`` if the same one would fail again."""

    def __init__(self, words: str, *, is_final: bool = False) -> None:
        super().__init__(words)
        self.is_final = is_final


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET without its body."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Follow none: the answer counts as a failure."""


class Webhook:
    """An address that takes JSON by POST.

    Parameters
    ----------
    url
        ``http`` or ``https``; `ConfigError` for anything else.
    secret
        Signs each body; empty for no signature.
    timeout_secs
        How long a post may take.

    """

    def __init__(self, url: str, secret: str, timeout_secs: float) -> None:
        if not _is_address(url):
            raise ConfigError(f"{ALERT_URL} is no http or https address")
        self._url = url
        self._secret = secret.encode()
        self._timeout_secs = timeout_secs
        self._opener = urllib.request.build_opener(_NoRedirects)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], timeout_secs: float) -> Self | None:
        """The operator's, or None if the environment names none."""
        url = environ.get(ALERT_URL, "").strip()
        return cls(url, environ.get(ALERT_SECRET, "").strip(), timeout_secs) if url else None

    def post(self, body: bytes) -> None:
        """Deliver a JSON text. Raises `DeliveryError`, whose words do not hold the address."""
        request = urllib.request.Request(self._url, body, self._headers(body), method="POST")
        try:
            with self._opener.open(request, timeout=self._timeout_secs):
                return
        except urllib.error.HTTPError as error:
            error.close()
            is_final = error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in _TRY_AGAIN
            raise DeliveryError(f"the receiver answered {error.code}", is_final=is_final) from None
        except (OSError, HTTPException, ValueError) as error:
            # Neither its words nor its cause are kept: they may hold the address.
            reason = getattr(error, "reason", error)
            raise DeliveryError(f"the receiver was not reached ({type(reason).__name__})") from None

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "helios-nautilus"}
        if self._secret:
            headers[SIGNATURE] = f"sha256={hmac.new(self._secret, body, hashlib.sha256).hexdigest()}"
        return headers


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isascii() and " " not in url
    except ValueError:
        return False
