"""What the two client packages have in common: how they are found, and how their errors are told without the key.

Both packages hold the key in every error: the error has the request, the request has the header. So none of their
errors leaves this file, not even as the cause of ours.
"""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, Final

from helios_nautilus.errors import ConfigError
from helios_nautilus.llm.reply import CallFailed, Failure, one_line

_HIDDEN: Final = "[key]"
_NEVER_CONNECTED: Final = ("ConnectError", "ConnectTimeout")
"""By name: the transport's package differs between the versions of the clients."""
_STATUS: Final[dict[int, tuple[Failure, str]]] = {
    401: ("unauthorised", "does not accept the key"),
    402: ("unauthorised", "has no credit left for the key"),
    403: ("unauthorised", "does not allow this to the key"),
    408: ("timeout", "gave up on the request"),
    429: ("rate_limited", "is asked too often"),
    503: ("overloaded", "is overloaded"),
    529: ("overloaded", "is overloaded"),
}


def load_client(package: str) -> Any:
    """A provider's client package; `ConfigError` says how to get it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ConfigError(
            f"gate: the provider {package} needs the package {package}: pip install 'helios-nautilus[llm]'"
        ) from error


def read_key(environ: Mapping[str, str], name: str, provider: str) -> str:
    """The key out of the environment; `ConfigError` names the variable to set."""
    key = environ.get(name, "").strip()
    if not key:
        raise ConfigError(f"gate: the provider {provider} needs a key; set the environment variable {name}")
    if not (key.isascii() and key.isprintable()) or " " in key:
        # The client would fail on it later, with an error that shows it.
        raise ConfigError(f"gate: the environment variable {name} holds characters that no key has; set it anew")
    return key


async def call_api(package: Any, provider: str, key: str, send: Callable[[], Awaitable[bytes]]) -> bytes:
    """What ``send`` brings, freed of the key should the other side repeat it; `CallFailed` for every error."""
    try:
        return (await send()).replace(key.encode(), _HIDDEN.encode())
    except package.APITimeoutError:
        failure = CallFailed("timeout", f"{provider} did not answer in time")
    except package.APIStatusError as error:
        failure = _status_failure(provider, key, error)
    except package.APIConnectionError as error:
        failure = _broken(provider, error)
    except package.APIError as error:
        failure = CallFailed("malformed", f"{provider} answered what its client cannot read ({type(error).__name__})")
    # Outside of the handlers: an error raised inside one has the other as its context.
    raise failure


def _status_failure(provider: str, key: str, error: Any) -> CallFailed:
    status: int = error.status_code
    if status in _STATUS:
        code, words = _STATUS[status]
    elif status >= 500:
        code, words = "server_error", "failed"
    else:
        # Its own words help here, and only here: what is wrong with a request is not to be guessed.
        code, words = "bad_request", f"refused the request: {one_line(str(error).replace(key, _HIDDEN))}"
    return CallFailed(code, f"{provider} {words} (HTTP {status})", _retry_after(error.response.headers))


def _broken(provider: str, error: BaseException) -> CallFailed:
    if type(error.__cause__).__name__ in _NEVER_CONNECTED:
        return CallFailed("unreachable", f"{provider} cannot be reached")
    return CallFailed("connection", f"the connection to {provider} broke")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either of the two headers in use; a date, which nobody sends here, counts as none."""
    for name, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / per_second
        except (KeyError, ValueError):
            continue
        if 0.0 <= seconds < float("inf"):
            return seconds
    return None
