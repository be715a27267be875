"""The engine's log of a run: one set of files, every line with the run's id, in which the mode stands."""

from pathlib import Path
from typing import Final

from nautilus_trader.common.config import LoggingConfig

from helios_nautilus.watch.settings import LogSettings

_BYTES_PER_MB: Final = 2**20


def engine_log(settings: LogSettings, run_id: str, folder: Path) -> LoggingConfig:
    """Where and how the engine logs; errors are printed too."""
    return LoggingConfig(
        log_level="ERROR",
        log_level_file="INFO",
        log_directory=str(folder),
        log_file_name=run_id,
        log_file_format="JSON" if settings.format == "json" else None,
        log_file_max_size=settings.max_mb * _BYTES_PER_MB,
        log_file_max_backup_count=settings.files,
        log_colors=False,
    )


def log_files(run_id: str, folder: Path) -> str:
    """Where a reader finds a run's log: a full file goes on in another."""
    return f"{folder / run_id}*"
