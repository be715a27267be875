"""The newest mark of equity in a file, so that a restart does not forget the peak, nor how the day began."""

from pathlib import Path

import msgspec

from helios_nautilus.disk import replace_file
from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.errors import DataError, HeliosError


class EquityFile:
    """Keeps one `EquityMark` as JSON at ``path``; the folder must exist, and modes must not share a path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> EquityMark | None:
        """The mark saved last, None if there is no file; `HeliosError` for one that cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=EquityMark)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.MsgspecError, DataError) as error:
            raise HeliosError(
                f"{self._path} cannot be read ({error}): drawdown would be measured from today. Remove it if it may be"
            ) from error

    def save(self, mark: EquityMark) -> None:
        """Replace the file in one step; `OSError` leaves the old one."""
        replace_file(self._path, msgspec.json.format(msgspec.json.encode(mark)) + b"\n")

    def forget(self) -> None:
        """Peak and day begin with the next mark: for an account that begins anew."""
        self._path.unlink(missing_ok=True)
