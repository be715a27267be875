"""Who else hears of what a run leaves behind: records go to the journal first, then to those who only watch."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from helios_nautilus.journal.records import Record
from helios_nautilus.journal.status import NodeStatus
from helios_nautilus.journal.writer import LiveJournal, WriterStatus


class Observer(Protocol):
    """Hears everything on the engine's thread, so it must be quick and must not wait."""

    def on_record(self, record: Record) -> None:
        """A record was appended."""
        ...

    def on_status(self, status: NodeStatus) -> None:
        """How the node is; about once a second."""
        ...


class ObservedJournal:
    """A `LiveJournal` that passes records on, first to the journal and then to observers, whom trading never feels.

    Parameters
    ----------
    journal
        Has every record before anybody else hears of it.
    observers
        Hear each record and each status. One that raises goes on being told the next.
    on_trouble
        Gets a sentence the first time that an observer raises.

    """

    def __init__(self, journal: LiveJournal, observers: Sequence[Observer], on_trouble: Callable[[str], None]) -> None:
        self._journal = journal
        self._observers = tuple(observers)
        self._on_trouble = on_trouble
        self._failed: set[int] = set()

    def append(self, record: Record) -> None:
        """See `Journal`."""
        self._journal.append(record)
        for observer in self._observers:
            try:
                observer.on_record(record)
            except Exception as error:  # noqa: BLE001 whatever is wrong with a watcher, trading goes on
                self._tell(observer, error)

    @property
    def is_healthy(self) -> bool:
        """What is appended now will be kept."""
        return self._journal.is_healthy

    def status(self) -> WriterStatus:
        """Figures of this moment."""
        return self._journal.status()

    def on_status(self, status: NodeStatus) -> None:
        """Pass on how the node is."""
        for observer in self._observers:
            try:
                observer.on_status(status)
            except Exception as error:  # noqa: BLE001 see above
                self._tell(observer, error)

    def _tell(self, observer: Observer, error: Exception) -> None:
        if id(observer) in self._failed:
            return
        self._failed.add(id(observer))
        with suppress(Exception):
            name, kind = type(observer).__name__, type(error).__name__
            self._on_trouble(f"{name} failed and may be incomplete from here on: {kind}: {error}")
