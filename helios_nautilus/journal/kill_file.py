"""The kill switch's state in a file: small, human-readable, and never half written."""

from pathlib import Path

import msgspec

from helios_nautilus.disk import replace_file
from helios_nautilus.domain.portfolio.kill_switch import KillState, KillStatus, Trigger


class KillFile:
    """Keeps one `KillStatus` as JSON at ``path``; the folder must exist, and modes must not share a path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> KillStatus:
        """The status saved last; NORMAL if there is no file, HALT if there is one that cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=KillStatus)
        except FileNotFoundError:
            return KillStatus()
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            words = f"{self._path} cannot be read ({error}); halted until a human clears it"
            return KillStatus(state=KillState.HALT, trigger=Trigger.STORE, words=words)

    def save(self, status: KillStatus) -> None:
        """Replace the file in one step, on the disk before this returns; `OSError` leaves the old one."""
        replace_file(self._path, msgspec.json.format(msgspec.json.encode(status)) + b"\n")
