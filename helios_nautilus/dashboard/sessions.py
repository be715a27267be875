"""Sessions of the pages: a signed cookie that names a token, ends by itself, and ends at once when that is revoked."""

import base64
import binascii
import hmac
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.dashboard.tokens import Token
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_SEC

LASTS_NS: Final = 12 * NS_PER_HOUR
LASTS_SECS: Final = LASTS_NS // NS_PER_SEC


class _Session(Struct, frozen=True, kw_only=True, array_like=True):
    """What the cookie says."""

    name: str
    created_ns: int
    """Of the token: another of the same name is another one."""
    expires_ns: int


class Sessions:
    """Makes and reads the cookies' values; ``key`` signs them, so that no table of sessions is to be kept.

    ``named`` finds the token that has a name now.
    """

    def __init__(self, key: bytes, named: Callable[[str], Token | None], clock: Callable[[], int]) -> None:
        self._key = key
        self._named = named
        self._clock = clock
        self._ended: dict[str, int] = {}
        """When each that was ended before its time would have ended, by its csrf."""

    def start(self, token: Token) -> str:
        """The value of a new session's cookie."""
        session = _Session(name=token.name, created_ns=token.created_ns, expires_ns=self._clock() + LASTS_NS)
        body = base64.urlsafe_b64encode(msgspec.json.encode(session)).decode()
        return f"{body}.{self._sign('session', body)}"

    def find(self, value: str) -> tuple[Token, int] | None:
        """The token whose session that is, and when it ends; None if it is forged, over, or the token is gone."""
        body, _, signature = value.rpartition(".")
        if not _same(signature, self._sign("session", body)):
            return None
        try:
            session = msgspec.json.decode(base64.urlsafe_b64decode(body), type=_Session)
        except (binascii.Error, msgspec.MsgspecError):
            return None
        token = self._named(session.name)
        if self.is_ended(self.csrf(value)):
            return None
        if token is None or token.created_ns != session.created_ns or self._clock() >= session.expires_ns:
            return None
        return token, session.expires_ns

    def end(self, value: str) -> None:
        """End a session before its time, in every tab: a cookie that somebody kept is worth nothing from now on.

        Until a restart, which has no table of sessions to remember it by.
        """
        if (found := self.find(value)) is not None:
            now_ns = self._clock()
            self._ended = {csrf: ends_ns for csrf, ends_ns in self._ended.items() if ends_ns > now_ns}
            self._ended[self.csrf(value)] = found[1]

    def is_ended(self, csrf: str) -> bool:
        """Whether the session of which a request repeats that was ended before its time."""
        return csrf in self._ended

    def csrf(self, value: str) -> str:
        """What a request of that session must repeat in a header: another site's page cannot know it."""
        return self._sign("csrf", value)

    def is_csrf(self, value: str, given: str) -> bool:
        """Whether a request repeated it."""
        return _same(given, self.csrf(value))

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.digest(self._key, f"{purpose}:{text}".encode(), "sha256").hex()


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogatepass"), right.encode())
