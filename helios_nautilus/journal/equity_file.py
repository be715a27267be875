"""The newest mark of equity in a file, so that a restart does not forget the peak, nor how the day began."""

from pathlib import Path

from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.state_file import StateFile


class EquityFile:
    """Keeps one `EquityMark`, see `StateFile`."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, EquityMark)

    def load(self) -> EquityMark | None:
        """The mark saved last, None if there is no file; `HeliosError` for one that cannot be read."""
        try:
            return self._file.load()
        except HeliosError as error:
            raise HeliosError(f"{error}: drawdown would be measured from today. Remove it if it may be") from error

    def save(self, mark: EquityMark) -> None:
        """See `StateFile.save`."""
        self._file.save(mark)

    def forget(self) -> None:
        """Peak and day begin with the next mark: for an account that begins anew."""
        self._file.path.unlink(missing_ok=True)
