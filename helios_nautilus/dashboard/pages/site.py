"""The pages as a whole: which there are, and how each follows the feed for as long as its visitor may look."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import HTMLResponse, Response
from nicegui import app as pages
from nicegui import ui
from nicegui.client import Client

from helios_nautilus.dashboard.access import Caller
from helios_nautilus.dashboard.answers import refuse
from helios_nautilus.dashboard.app import Parts
from helios_nautilus.dashboard.guard import LOGIN
from helios_nautilus.dashboard.pages.controls import EmergencyStop, build_controls
from helios_nautilus.dashboard.pages.feed import Feed, Picture
from helios_nautilus.dashboard.pages.first import first_look
from helios_nautilus.dashboard.pages.frame import ICON, Frame, dress
from helios_nautilus.dashboard.pages.ledgers import build_decisions, build_events, build_trades
from helios_nautilus.dashboard.pages.live import Words, tag
from helios_nautilus.dashboard.pages.login import login_page
from helios_nautilus.dashboard.pages.orders import Desk
from helios_nautilus.dashboard.pages.overview import Show, build_overview
from helios_nautilus.dashboard.pages.story import build_story
from helios_nautilus.dashboard.steering import CallerHelm

type Build = Callable[[Desk], list[Show]]
"""Builds what is inside a page; what is returned shows a picture in it."""

_PAGES: Final[dict[str, tuple[str, Build]]] = {
    "/": ("Overview", lambda _: build_overview()),
    "/trades": ("Trades", lambda _: build_trades()),
    "/decisions": ("Decisions", lambda _: build_decisions()),
    "/events": ("Events", lambda _: build_events()),
    "/controls": ("Controls", build_controls),
}
_COMPRESSION: Final = 4
"""Of a megabyte of scripts, on the loop that serves everyone: quick rather than small."""
_BUILD_SECS: Final = 30.0
"""How long a page may take: with many who ask at once, or a slow database, it waits for its turn."""
_RECONNECT_SECS: Final = 60.0
"""How long a page of a browser that lost its connection is kept as it was."""


def mount_pages(app: FastAPI) -> None:
    """Serve the pages at the root of the dashboard's app, beside its API."""
    _Site(app.state.parts).mount(app)


class _Site:
    """The pages of one mode; the app lets nobody in without a `Caller` in the request's state."""

    def __init__(self, parts: Parts) -> None:
        self._feed = Feed(parts.view)
        self._view = parts.view
        self._steering = parts.steering
        self._access = parts.access

    def mount(self, app: FastAPI) -> None:
        """Add every page, and what runs beside them."""
        for path, (title, build) in _PAGES.items():
            self._add(path, title, build)
        self._add_story()
        self._add_login(app)
        _answer_plainly()
        pages.on_startup(self._feed.run)
        ui.run_with(
            app,
            title="Helios",
            favicon=ICON,
            dark=None,
            language="en-US",
            tailwind=False,
            reconnect_timeout=_RECONNECT_SECS,
            show_welcome_message=False,
            binding_refresh_interval=None,
            gzip_middleware_factory=partial(GZipMiddleware, minimum_size=1000, compresslevel=_COMPRESSION),
        )

    def _add(self, path: str, title: str, build: Build) -> None:
        @ui.page(path, response_timeout=_BUILD_SECS)
        async def page(request: Request, client: Client) -> None:
            picture = await self._feed.picture()
            desk = self._desk(request)
            ui.add_body_html(first_look(desk.mode, picture, with_figures=path == "/"))
            frame, stop = self._frame(title, path, desk, client)
            with tag("div", "page", id="content", tabindex="-1"):
                Words(title, tag="h1", classes="unseen")
                shows = [frame.show, stop.show, *build(desk)]
            self._follow(request.state.caller, client, shows, picture)

    def _add_story(self) -> None:
        @ui.page("/decisions/{name}", response_timeout=_BUILD_SECS)
        async def page(name: str, request: Request, client: Client) -> None:
            picture = await self._feed.picture()
            ui.add_body_html(first_look(self._view.mode, picture, with_figures=False))
            frame, stop = self._frame("Decision", "/decisions", self._desk(request), client)
            with tag("div", "page", id="content", tabindex="-1"):
                await build_story(self._view, name)
            self._follow(request.state.caller, client, [frame.show, stop.show], picture)

    def _add_login(self, app: FastAPI) -> None:
        @app.get(LOGIN, include_in_schema=False)
        async def login(again: bool = False) -> HTMLResponse:
            trouble = "This token is not valid. Is it one of 'helios dashboard token list'?" if again else ""
            return HTMLResponse(login_page(self._steering.mode, trouble))

    def _desk(self, request: Request) -> Desk:
        return Desk(CallerHelm(self._steering, request.state.caller), self._feed, self._steering.mode)

    def _frame(self, title: str, place: str, desk: Desk, client: Client) -> tuple[Frame, EmergencyStop]:
        dress(title, desk.mode)
        frame = Frame(desk.mode, place, desk.helm.who, client)
        with frame.end:
            return frame, EmergencyStop(desk)

    def _follow(self, caller: Caller, client: Client, shows: list[Show], picture: Picture) -> None:
        """Show this picture and, to a browser that is connected, each later one, as long as its visitor may look.

        A page that was fetched and never opened, as programs do, costs nothing after that.
        """

        def show(new: Picture) -> None:
            if not client.has_socket_connection:
                return
            if not self._access.stands(caller):
                ui.navigate.to(LOGIN)
                return
            for each in shows:
                each(new)

        for each in shows:
            each(picture)
        self._feed.changed.subscribe(show)
        client.on_connect(lambda: show(self._feed.newest))


def _answer_plainly() -> None:
    """Have no page made for a path that leads nowhere, nor the words of an error shown to whoever met it."""

    @pages.exception_handler(HTTPStatus.NOT_FOUND)
    async def nowhere(_: Request, __: Exception) -> Response:
        return refuse(HTTPStatus.NOT_FOUND, "there is nothing here: pages begin at /, the API's reference is at /docs")

    @pages.exception_handler(Exception)
    async def broken(_: Request, __: Exception) -> Response:
        return refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "this could not be made: the dashboard's own output says why")
