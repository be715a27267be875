"""The sections ``[metrics]``, ``[alerts]`` and ``[logs]`` of a run's file."""

from typing import Literal

from msgspec import Struct

from helios_nautilus.errors import ConfigError

type Level = Literal["critical", "warning", "info"]
type LogFormat = Literal["text", "json"]


class MetricsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Prometheus finds a paper or live node. There is no password: let nobody else reach the address."""

    port: int = 0
    """TCP port of the endpoint; 0 is none."""
    host: str = "127.0.0.1"
    """Address to listen on; by default this machine alone."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"metrics.port must lie between 0 and 65535, got {self.port}")
        if not self.host:
            raise ConfigError("metrics.host must be an address, e.g. 127.0.0.1")


class AlertSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a paper or live node tells its operator, at the address in the environment variable HELIOS_ALERT_URL.

    Without that variable nothing is sent. HELIOS_ALERT_SECRET, if it is set, signs what is.
    """

    level: Level = "info"
    """What is less urgent is not sent: ``critical``, ``warning`` or ``info``."""
    repeat_mins: float = 15.0
    """The same is not told twice within so long; then, how often it was."""
    timeout_secs: float = 5.0
    """How long the receiver may take for one alert."""
    attempts: int = 10
    """How often one alert is tried, with a growing pause between, before it is given up."""
    not_ready_mins: float = 5.0
    """How long entries may be closed for want of something before that is told."""
    silent_mins: float = 30.0
    """How long a node that is ready may make no prediction before that is told: its features have a hole."""
    unguarded_secs: float = 5.0
    """How long a position may be without a working stop before that is told."""

    def __post_init__(self) -> None:
        waits = (self.repeat_mins, self.timeout_secs, self.not_ready_mins, self.silent_mins, self.unguarded_secs)
        if min(*waits, self.attempts) <= 0:
            raise ConfigError("alerts: every limit must be above 0")


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a paper or live node writes its log under HELIOS_HOME/logs, and what it prints."""

    format: LogFormat = "text"
    """``text`` for people, or ``json``, an object a line, for a collector."""
    max_mb: int = 64
    """Size at which a run's log goes on in another file."""
    files: int = 5
    """How many of a run's full files are kept; older ones go."""

    def __post_init__(self) -> None:
        if self.max_mb < 1 or self.files < 1:
            raise ConfigError("logs: max_mb and files must be 1 or more")
