"""The dashboard's application: guard, API, sessions, and the pages on top."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from msgspec import Struct
from starlette.responses import Response

from helios_nautilus import __version__
from helios_nautilus.dashboard.access import Access, ThrottledError
from helios_nautilus.dashboard.answers import describe, refuse
from helios_nautilus.dashboard.assets import Assets
from helios_nautilus.dashboard.commanding import COMMAND_STRUCTS, command_routes
from helios_nautilus.dashboard.guard import Guard
from helios_nautilus.dashboard.login import login_routes
from helios_nautilus.dashboard.reading import READ_STRUCTS, read_routes
from helios_nautilus.dashboard.recent import Recent
from helios_nautilus.dashboard.reference import reference_routes
from helios_nautilus.dashboard.security_log import SecurityLog
from helios_nautilus.dashboard.sessions import Sessions
from helios_nautilus.dashboard.settings import DashboardSettings
from helios_nautilus.dashboard.steering import Steering
from helios_nautilus.dashboard.throttle import Throttle
from helios_nautilus.dashboard.tokens import TokenFile, load_secret
from helios_nautilus.dashboard.view import View
from helios_nautilus.errors import AccessError, ConfigError, JournalError
from helios_nautilus.journal.post import Post
from helios_nautilus.journal.standing import StandingReader


class Parts(Struct, frozen=True, kw_only=True):
    """What the pages are built on; ``app.state.parts``."""

    view: View
    steering: Steering
    access: Access
    settings: DashboardSettings


def build_app(
    settings: DashboardSettings, reader: StandingReader, post: Post, clock: Callable[[], int] = time.time_ns
) -> FastAPI:
    """The API at ``/api/v1``, its reference at ``/docs``, sessions at ``/session``.

    ``reader`` is closed with the app. Raises `ConfigError` if the folder's files cannot be read.
    """
    security, throttle = SecurityLog(settings.folder / "security.log", clock), Throttle(settings.rates)
    parts = _assemble(settings, View(reader, settings.mode, clock), post, throttle, security, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        parts.steering.close()
        reader.close()
        security.close()

    app = FastAPI(
        title="Helios",
        version=__version__,
        description=f"Watching and steering the {settings.mode} node. Stamps are nanoseconds UTC.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.parts, app.state.security = parts, security
    app.include_router(read_routes(parts.view, Recent(clock)), prefix="/api/v1")
    app.include_router(command_routes(parts.steering), prefix="/api/v1")
    app.include_router(login_routes(parts.access, settings))
    app.include_router(reference_routes())
    describe(app, (*READ_STRUCTS, *COMMAND_STRUCTS))
    _speak(app)
    hosts = (settings.host, *settings.hosts)
    app.add_middleware(Assets)
    app.add_middleware(Guard, access=parts.access, throttle=throttle, hosts=hosts, tell=security.tell)
    return app


def _assemble(
    settings: DashboardSettings,
    view: View,
    post: Post,
    throttle: Throttle,
    security: SecurityLog,
    clock: Callable[[], int],
) -> Parts:
    key, tokens = load_secret(settings.folder / "session.key"), TokenFile(settings.tokens)
    access = Access(tokens, Sessions(key, tokens.named, clock), throttle, security.tell, clock)
    steering = Steering(
        settings.mode, post, access, throttle, wait_secs=settings.wait_secs, tell=security.tell, clock=clock
    )
    return Parts(view=view, steering=steering, access=access, settings=settings)


def _speak(app: FastAPI) -> None:
    """Our errors as answers."""

    @app.exception_handler(JournalError)
    async def away(_: Request, error: JournalError) -> Response:
        return refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    @app.exception_handler(ConfigError)
    async def broken(_: Request, error: ConfigError) -> Response:
        return refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    @app.exception_handler(ThrottledError)
    async def throttled(_: Request, error: ThrottledError) -> Response:
        return refuse(HTTPStatus.TOO_MANY_REQUESTS, str(error), error.wait_secs)

    @app.exception_handler(AccessError)
    async def forbidden(_: Request, error: AccessError) -> Response:
        return refuse(HTTPStatus.FORBIDDEN, str(error))
