"""HTTP connections that are there to ask something: the others are closed, so that strangers cannot hold them all."""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class PromptProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """Uvicorn's own, which waits for ever for a connection's first request, and for the rest of a later one."""

    silence_secs: ClassVar[float] = 10.0
    """In which a connection must have asked for something, whole headers of it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to count."""
        super().connection_made(transport)
        self.loop.call_later(self.silence_secs, self._close_if_silent, None)

    def _close_if_silent(self, seen: Any) -> None:
        if self not in self.connections:  # it is closed, or a page's socket by now
            return
        if self.cycle is None or (self.cycle is seen and self.cycle.response_complete):
            self.transport.close()
        else:
            self.loop.call_later(self.silence_secs, self._close_if_silent, self.cycle)
