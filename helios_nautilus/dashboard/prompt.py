"""HTTP connections that are there to ask and to read: the others are closed, so that strangers cannot hold them all."""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class PromptProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """Uvicorn's own, which waits for ever for a first request, the rest of a later one, and an answer's reader."""

    silence_secs: ClassVar[float] = 10.0
    """In which a connection must have asked for something, whole headers of it."""
    unread_secs: ClassVar[float] = 60.0
    """In which what was asked for must have been taken, but for what the system's buffers hold."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to count."""
        super().connection_made(transport)
        self.loop.call_later(self.silence_secs, self._close_if_silent, None)

    def _close_if_silent(self, seen: Any) -> None:
        if self not in self.connections:  # it is closed, or a page's socket by now
            return
        if self.cycle is None or (self.cycle is seen and self.cycle.response_complete):
            self.transport.close()  # which waits for the last answer's reader
            self.loop.call_later(self.unread_secs, self._abort_if_open)
        else:
            self.loop.call_later(self.silence_secs, self._close_if_silent, self.cycle)

    def pause_writing(self) -> None:
        """Begin to count."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.unread_secs, self._abort_if_open)

    def resume_writing(self) -> None:
        """The answer has been taken, all but a little."""
        super().resume_writing()
        self._unread.cancel()

    def _abort_if_open(self) -> None:
        if self in self.connections:
            self.transport.abort()
