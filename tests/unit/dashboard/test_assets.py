"""Files of the page library are read once, however many browsers come."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from helios_nautilus.dashboard.assets import Assets

LARGE = b"// " + b"7" * 2**20
SCRIPT = b"let figures = 1; " * 200


class Shelf:
    """Serves a script, compressed to who takes that, and counts how often it was fetched."""

    def __init__(self) -> None:
        self.fetched = 0
        inner = Starlette(routes=[Route("/{path:path}", self._serve)])
        inner.add_middleware(GZipMiddleware, minimum_size=100)
        self._assets = Assets(inner)

    async def _serve(self, request: Request) -> Response:
        self.fetched += 1
        if request.path_params["path"].endswith("nowhere.js"):
            return Response(status_code=404)
        if request.path_params["path"].endswith("large.js"):
            return Response(LARGE, media_type="text/javascript")
        return Response(SCRIPT, headers={"ETag": '"7"'}, media_type="text/javascript")

    def get(self, path: str = "/_nicegui/3/static/vue.js", **headers: str) -> tuple[int, Headers, bytes]:
        messages: list[Message] = []

        async def send(message: Message) -> None:
            messages.append(message)

        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": raw}
        asyncio.run(self._assets(scope, _receive, send))
        start, *bodies = messages
        return start["status"], Headers(raw=start["headers"]), b"".join(each.get("body", b"") for each in bodies)


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_a_file_is_fetched_and_compressed_once_for_all(shelf: Shelf) -> None:
    first, second = (shelf.get(accept_encoding="gzip, br") for _ in range(2))
    assert shelf.fetched == 1
    assert (first[0], first[1]["content-encoding"], len(first[2]) < len(SCRIPT)) == (200, "gzip", True)
    assert second == first


def test_who_takes_nothing_compressed_gets_the_file_as_it_is(shelf: Shelf) -> None:
    shelf.get(accept_encoding="gzip")
    assert shelf.get()[2] == shelf.get()[2] == SCRIPT
    assert shelf.fetched == 2


def test_a_browser_keeps_a_file_and_is_told_so_when_it_asks_again(shelf: Shelf) -> None:
    assert shelf.get()[1]["cache-control"] == "public, max-age=31536000, immutable"
    status, headers, body = shelf.get(if_none_match='"7"')
    assert (status, headers["etag"], body) == (304, '"7"', b"")


def test_what_is_not_there_and_what_is_no_file_is_asked_for_each_time(shelf: Shelf) -> None:
    for path in ("/_nicegui/3/nowhere.js", "/trades"):
        before = shelf.fetched
        answers = [shelf.get(path) for _ in range(2)]
        assert shelf.fetched == before + 2
        assert all("immutable" not in headers.get("cache-control", "") for _, headers, _ in answers)


def test_who_asks_for_a_large_file_by_ever_other_paths_does_not_fill_the_memory(shelf: Shelf) -> None:
    paths = [f"/_nicegui/3/static/{'./' * count}large.js" for count in range(20)]
    for path in paths:
        shelf.get(path)
    kept = sum(len(file.body) for file in shelf._assets._files.values())
    assert len(LARGE) < kept <= 16 * 2**20
    assert shelf.get(paths[-1])[2] == LARGE
    assert shelf.fetched == len(paths) + 1
