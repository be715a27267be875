"""What a dashboard is started with, and what it refuses to be started with."""

from pathlib import Path

from msgspec import Struct

from helios_nautilus.dashboard.access import is_loopback
from helios_nautilus.dashboard.throttle import Rates
from helios_nautilus.errors import ConfigError
from helios_nautilus.journal.records import Mode


class DashboardSettings(Struct, frozen=True, kw_only=True):
    """One dashboard: a mode, an address, and who may look."""

    mode: Mode
    folder: Path
    """Where tokens, the key of sessions and the security log are."""
    host: str = "127.0.0.1"
    port: int = 8080
    """0 takes a free one."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    hosts: tuple[str, ...] = ()
    """Names besides addresses and localhost under which it may be asked for."""
    wait_secs: float = 5.0
    """How long a request waits for the node's answer to a command."""
    rates: Rates = Rates()

    def __post_init__(self) -> None:
        if self.mode == "backtest":
            raise ConfigError("a dashboard watches a paper or a live node")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("--tls-cert and --tls-key go together")

    @property
    def tokens(self) -> Path:
        """The file of tokens."""
        return token_path(self.folder)

    @property
    def scheme(self) -> str:
        """How it is reached."""
        return "http" if self.tls_cert is None else "https"

    def check_exposure(self, *, has_tokens: bool) -> None:
        """`ConfigError` if others could reach it and nobody would be asked for a token."""
        if not is_loopback(self.host) and not has_tokens:
            raise ConfigError(
                f"{self.host} can be reached by others, and there is no token yet: make one with "
                "'helios dashboard token add NAME --role viewer', or listen on 127.0.0.1"
            )


def token_path(folder: Path) -> Path:
    """The file of tokens in a dashboard's folder."""
    return folder / "tokens.json"
