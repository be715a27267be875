"""The aiohttp transport sends what was signed, once, and tells a broken line from a refused one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from helios_nautilus.adapters.valr.api.aiohttp_transport import AiohttpTransport
from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.enums import MatchStrategy, RequestSide
from helios_nautilus.adapters.valr.api.errors import UnknownOutcomeError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.requests import CancelOrder, LimitOrder, ModifyOrder
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.transport import ConnectError, Request, Response, TransportError
from tests.integration.valr_api.venue import KEY, SECRET, LocalVenue, is_signed, open_venue

ORDER = LimitOrder(pair="BTCZAR", side=RequestSide.BUY, quantity="0.1", price="1800000")


async def send(venue: LocalVenue, method: str = "GET", target: str = "/v1/x", **more: Any) -> Response:
    transport = AiohttpTransport()
    fields: dict[str, Any] = {"base_url": venue.http_url, "headers": {}, "timeout_secs": 5.0} | more
    try:
        return await transport.send(Request(method=method, target=target, **fields))
    finally:
        await transport.close()


def with_venue[T](work: Callable[[LocalVenue], Awaitable[T]]) -> T:
    async def session() -> T:
        async with open_venue() as venue:
            return await work(venue)

    return asyncio.run(session())


def test_target_goes_on_the_line_as_it_was_signed() -> None:
    target = "/v1/account/transactionhistory?types=A,B&startTime=2024-01-01T00:00:00.000Z&x=%2F"

    async def work(venue: LocalVenue) -> str:
        await send(venue, target=target)
        return venue.requests[0].raw_path

    assert with_venue(work) == target


def test_signed_request_verifies_at_the_other_end() -> None:
    async def work(venue: LocalVenue) -> bool:
        http = ValrHttp(HttpConfig(base_url=venue.http_url), Credentials(KEY, SECRET))
        await http.delete_order(CancelOrder(pair="BTCZAR", order_id="1"))
        venue.rest = lambda _: empty_list()
        await http.get_fills(start_ns=0, limit=3)
        await http.close()
        assert venue.bodies[0] == b'{"pair":"BTCZAR","orderId":"1"}'
        return is_signed(venue.requests[1])

    assert with_venue(work)


async def empty_list() -> web.Response:
    return web.json_response([])


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def stall(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60.0)
    return web.Response()


async def redirect(_: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "https://elsewhere.test/"})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_line_that_breaks_after_sending_is_one_broken_request(method: str) -> None:
    async def work(venue: LocalVenue) -> int:
        transport = AiohttpTransport()
        request = Request(method=method, base_url=venue.http_url, target="/v1/x", headers={}, timeout_secs=5.0)
        # The first reply leaves a kept-alive connection, over which HTTP libraries like to repeat by themselves.
        await transport.send(request)
        venue.rest = cut
        with pytest.raises(TransportError):
            await transport.send(request)
        await transport.close()
        return len(venue.requests)

    assert with_venue(work) == 2


@pytest.mark.parametrize("fault", [cut, stall], ids=["cut", "stalled"])
@pytest.mark.parametrize(
    "write",
    [
        lambda http: http.post_limit_order(ORDER),
        lambda http: http.delete_order(CancelOrder(pair="BTCZAR", order_id="1")),
        lambda http: http.put_modify_order(
            ModifyOrder(pair="BTCZAR", order_id="1", new_price="5", modify_match_strategy=MatchStrategy.REPRICE)
        ),
    ],
    ids=["place", "cancel", "modify"],
)
def test_order_whose_answer_never_came_is_unknown_and_was_sent_once(
    write: Callable[[ValrHttp], Awaitable[object]],
    fault: Callable[[web.Request], Any],
) -> None:
    async def work(venue: LocalVenue) -> int:
        venue.rest = fault
        http = ValrHttp(HttpConfig(base_url=venue.http_url, timeout_secs=0.2), Credentials(KEY, SECRET))
        with pytest.raises(UnknownOutcomeError) as caught:
            await write(http)
        await http.close()
        assert SECRET not in repr(caught.value) + repr(caught.value.__cause__)
        return len(venue.requests)

    assert with_venue(work) == 1


def test_time_out_is_a_transport_error() -> None:
    async def work(venue: LocalVenue) -> None:
        venue.rest = stall
        with pytest.raises(TransportError, match=r"0\.1 s"):
            await send(venue, timeout_secs=0.1)

    with_venue(work)


def test_closed_port_is_a_connect_error() -> None:
    async def work(venue: LocalVenue) -> str:
        return venue.http_url

    gone = with_venue(work)

    async def ask() -> None:
        transport = AiohttpTransport()
        try:
            await transport.send(Request(method="GET", base_url=gone, target="/", headers={}, timeout_secs=5.0))
        finally:
            await transport.close()

    with pytest.raises(ConnectError):
        asyncio.run(ask())


def test_redirect_is_not_followed_with_signed_headers() -> None:
    async def work(venue: LocalVenue) -> int:
        venue.rest = redirect
        return (await send(venue, headers={"X-VALR-API-KEY": "k"})).status

    assert with_venue(work) == 302


def test_names_of_headers_come_in_lower_case() -> None:
    async def limited(_: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"X-Valr-RateLimited": "true", "Retry-After": "7"})

    async def work(venue: LocalVenue) -> Response:
        venue.rest = limited
        return await send(venue)

    headers = with_venue(work).headers
    assert (headers["x-valr-ratelimited"], headers["retry-after"]) == ("true", "7")
