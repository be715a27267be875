"""The dashboard's process: a socket, the application on it, and an end by signal. Trading does not notice either."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from helios_nautilus.dashboard.app import Parts, build_app
from helios_nautilus.dashboard.pages.site import mount_pages
from helios_nautilus.dashboard.prompt import PromptProtocol
from helios_nautilus.dashboard.settings import DashboardSettings
from helios_nautilus.dashboard.tokens import TokenFile
from helios_nautilus.errors import HeliosError, JournalError
from helios_nautilus.journal.connect import open_post, reach_database
from helios_nautilus.journal.standing import StandingReader

_CONNECTIONS: Final = 200
_LARGEST_CLICK: Final = 1_000_000
"""Bytes of a message that a page's socket may send."""
_NICENESS: Final = 10
"""Trading goes first: where cores are few, a crowd of browsers gets the processor time that nobody else wants."""
_ENDING_SECS: Final = 2
"""How long pages that are open may hold up the end."""

type Tell = Callable[[str], None]
"""Takes a line for the terminal."""


def run_dashboard(settings: DashboardSettings, tell: Tell) -> None:
    """Serve until SIGTERM or an interrupt. Needs neither a node nor, to begin with, a database.

    Raises `ConfigError` for what may not be, and `HeliosError` where the address cannot be listened on.
    """
    settings.check_exposure(has_tokens=bool(TokenFile(settings.tokens).tokens()))
    app = build_app(settings, StandingReader(reach_database), open_post())
    mount_pages(app)
    with closing(_listen(settings)) as listener:
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        tell(f"{settings.mode} dashboard at {settings.scheme}://{host}:{port}, its API at /docs")
        tell(_node_words(app.state.parts))
        # Not before: the journal's own server, which that line may have started, would inherit it.
        os.setpriority(os.PRIO_PROCESS, 0, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        asyncio.run(_serve(app, settings, listener))


def _listen(settings: DashboardSettings) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        words = f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; --port takes another"
        raise HeliosError(words) from error


def _node_words(parts: Parts) -> str:
    try:
        return f"node: {parts.view.status().words}"
    except JournalError as error:
        return f"node: unknown, for now: {error}"


async def _serve(app: FastAPI, settings: DashboardSettings, listener: socket.socket) -> None:
    server = _Server(
        uvicorn.Config(
            app,
            http=PromptProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_ENDING_SECS,
            ws_max_size=_LARGEST_CLICK,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.end)
    await server.serve([listener])


class _Server(uvicorn.Server):
    """Ends with exit code 0 when it is asked to: uvicorn itself would raise the signal anew."""

    def end(self) -> None:
        """Stop serving."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the loop."""
        yield
