"""Who may do what: tokens with roles, kept in a file as salted digests. A token itself is shown once and kept nowhere.

A token holds 256 random bits, so one round of SHA-256 is enough: there is nothing to guess. One that is wrong, revoked
or malformed is compared like any other, so that nothing is learned from the answer or from its time.
"""

import hmac
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from helios_nautilus.disk import replace_file
from helios_nautilus.errors import ConfigError

type Role = Literal["viewer", "trader", "admin"]

ROLES: Final[tuple[Role, ...]] = ("viewer", "trader", "admin")
"""Each may do what those before it may."""
_PREFIX: Final = "helios_"
"""So that a scanner for leaked secrets knows one when it sees it."""
_BYTES: Final = 32
_LONGEST_NAME: Final = 64


class Token(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of a token."""

    name: str
    role: Role
    created_ns: int
    salt: str
    digest: str
    """SHA-256 of salt and token, in hexadecimal."""

    def fits(self, given: str) -> bool:
        """Whether that is the token; takes the same time whatever the answer."""
        return hmac.compare_digest(_digest(self.salt, given), self.digest)


class TokenFile:
    """The tokens of a home; the file is read again whenever it has changed, so that a revoked one ends at once.

    Every method raises `ConfigError` where the file cannot be read: then nobody is let in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = (0, 0)
        self._tokens: tuple[Token, ...] = ()

    def tokens(self) -> tuple[Token, ...]:
        """All that are valid, the oldest first; none if there is no file."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return ()
        if (seen := (found.st_ino, found.st_mtime_ns)) != self._seen:
            try:
                self._tokens = msgspec.json.decode(self._path.read_bytes(), type=tuple[Token, ...])
            except (OSError, msgspec.MsgspecError) as error:
                raise ConfigError(f"{self._path} cannot be read ({error}): mend it, or move it away") from error
            self._seen = seen
        return self._tokens

    def find(self, given: str) -> Token | None:
        """The token that was given, if it is one."""
        found = None
        for token in (*self.tokens(), _NOBODY):
            if token.fits(given):
                found = token
        return found

    def named(self, name: str) -> Token | None:
        """The token of a name."""
        return next((token for token in self.tokens() if token.name == name), None)

    def add(self, name: str, role: Role, now_ns: int) -> str:
        """Make a token; it is returned here and never again. `ConfigError` if the name is taken or none."""
        if not name.isprintable() or not 0 < len(name.strip()) <= _LONGEST_NAME:
            raise ConfigError(f"a token's name is a line of up to {_LONGEST_NAME} characters")
        if self.named(name) is not None:
            raise ConfigError(f"there is a token {name} already: revoke it first, or take another name")
        given, salt = _PREFIX + secrets.token_urlsafe(_BYTES), secrets.token_hex(16)
        token = Token(name=name, role=role, created_ns=now_ns, salt=salt, digest=_digest(salt, given))
        self._save((*self.tokens(), token))
        return given

    def revoke(self, name: str) -> None:
        """Take a token away; `ConfigError` if there is none of that name."""
        if self.named(name) is None:
            raise ConfigError(f"there is no token {name}; 'helios dashboard token list' names them")
        self._save(tuple(token for token in self.tokens() if token.name != name))

    def _save(self, tokens: tuple[Token, ...]) -> None:
        _write(self._path, msgspec.json.format(msgspec.json.encode(tokens)) + b"\n")


def load_secret(path: Path) -> bytes:
    """The key that is kept in a file, made when it is first asked for; `ConfigError` if that is none."""
    if not path.exists():
        _write(path, secrets.token_bytes(_BYTES))
    found = path.read_bytes()
    if len(found) < _BYTES:
        raise ConfigError(f"{path} holds no key: move it away, and a new one is made")
    return found


def _write(path: Path, content: bytes) -> None:
    """Replace a file that nobody but its owner may read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, content, mode=0o600)


def _digest(salt: str, given: str) -> str:
    return sha256(f"{salt}:{given}".encode(errors="surrogatepass")).hexdigest()


_NOBODY: Final = Token(name="", role="viewer", created_ns=0, salt="", digest="-" * 64)
"""Fits nothing: a file without tokens is compared as well."""
