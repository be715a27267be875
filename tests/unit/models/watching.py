"""Someone who listens to a training."""

from helios_nautilus.models.progress import Pace


class Notes:
    """Keeps what a training says."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.paces: list[Pace] = []

    def noted(self, words: str) -> None:
        """See `Watcher`."""
        self.words.append(words)

    def paced(self, pace: Pace) -> None:
        """See `Watcher`."""
        self.paces.append(pace)
