"""Reads the sources again and again on a thread of its own, and keeps what they last said."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from types import MappingProxyType

from msgspec import Struct

from helios_nautilus.domain.decision.news import News
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import HeliosError
from helios_nautilus.llm.news import NewsSettings, NewsSource, Story, select_news
from helios_nautilus.llm.sentiment import require_sentiment


class _Reading(Struct, frozen=True, kw_only=True):
    read_ns: int
    stories: tuple[Story, ...]


class NewsRoom:
    """A `NewsDesk` for a paper or live run.

    `news` only looks at what is kept and takes microseconds; a source that could not be read for ``stale_mins`` is as
    good as absent.

    Parameters
    ----------
    sources
        Asked together, one after the other's failure or not.
    settings
        See `NewsSettings`.
    on_trouble
        Told in words whenever a source cannot be read; called on the reading thread.
    now_ns
        The clock.

    """

    def __init__(
        self,
        sources: Sequence[NewsSource],
        settings: NewsSettings,
        on_trouble: Callable[[str], None] = lambda words: None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        require_sentiment()
        self._sources = tuple(sources)
        self._settings = settings
        self._on_trouble = on_trouble
        self._now_ns = now_ns
        # Replaced as a whole, never changed: the engine's thread reads it without a lock.
        self._readings: MappingProxyType[int, _Reading] = MappingProxyType({})
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="helios-news", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read no more; waits for a reading under way, which ends by its own time-out."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def news(self, base: str, now_ns: int) -> News | None:
        """See `NewsDesk`."""
        oldest_ns = now_ns - int(self._settings.stale_mins * NS_PER_MIN)
        fresh = [each for each in self._readings.values() if each.read_ns > oldest_ns]
        return select_news((story for each in fresh for story in each.stories), base, now_ns, self._settings)

    async def read(self) -> None:
        """Ask every source once."""
        found = await asyncio.gather(*map(self._ask, self._sources))
        fresh = {number: reading for number, reading in enumerate(found) if reading is not None}
        self._readings = MappingProxyType({**self._readings, **fresh})

    async def _ask(self, source: NewsSource) -> _Reading | None:
        try:
            return _Reading(stories=tuple(await source.stories()), read_ns=self._now_ns())
        except (HeliosError, OSError) as error:
            self._on_trouble(f"news of {source.name}: {error}")
        except Exception as error:  # noqa: BLE001  # a source is a plug-in: whatever it throws, the others go on
            self._on_trouble(f"news of {source.name}: {type(error).__name__}: {error}")
        return None

    def _run(self) -> None:
        while not self._stopped.is_set():
            asyncio.run(self.read())
            self._stopped.wait(self._settings.refresh_mins * 60.0)
