"""The kill switch's state in a file."""

from pathlib import Path

from helios_nautilus.domain.portfolio.kill_switch import KillState, KillStatus, Trigger
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.state_file import StateFile


class KillFile:
    """Keeps one `KillStatus`, see `StateFile`."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, KillStatus)

    def load(self) -> KillStatus:
        """The status saved last; NORMAL if there is no file, HALT if there is one that cannot be read."""
        try:
            return self._file.load() or KillStatus()
        except HeliosError as error:
            words = f"{error}; halted until a human clears it"
            return KillStatus(state=KillState.HALT, trigger=Trigger.STORE, words=words)

    def save(self, status: KillStatus) -> None:
        """See `StateFile.save`."""
        self._file.save(status)
