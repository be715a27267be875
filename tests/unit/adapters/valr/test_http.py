"""What a caller of the REST client may conclude: done, refused, unknown; and how often the venue was asked."""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.endpoint import Endpoint
from helios_nautilus.adapters.valr.api.enums import BatchType, HistoryStatus, MatchStrategy, RequestSide
from helios_nautilus.adapters.valr.api.errors import (
    AuthError,
    InsufficientBalanceError,
    NotFoundError,
    NotSentError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
    UnknownOrderError,
    UnknownOutcomeError,
    VenueError,
    WireError,
)
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.limits import RateLimiter
from helios_nautilus.adapters.valr.api.schemas.requests import (
    Batch,
    BatchItem,
    CancelOrder,
    LeverageChange,
    LimitOrder,
    ModifyOrder,
)
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.transport import ConnectError, Request, Response, TransportError
from helios_nautilus.errors import ConfigError
from tests.unit.adapters.valr.payloads import read_payload
from tests.unit.adapters.valr.virtual_time import START_NS, VirtualClock, run_virtually

KEY, SECRET = "ab" * 32, "cd" * 32
ORDER = LimitOrder(pair="BTCZAR", side=RequestSide.BUY, quantity="0.1", price="1800000", customer_order_id="O-1")
CANCEL = CancelOrder(pair="BTCZAR", order_id="1")
MODIFY = ModifyOrder(pair="BTCZAR", order_id="1", new_price="5", modify_match_strategy=MatchStrategy.RETAIN_ORIGINAL)

type Answer = Response | Exception


class ScriptedTransport:
    """Answers from a script and remembers what it was asked; the last answer repeats."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[Request] = []
        self.asked_at: list[float] = []

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        self.asked_at.append(asyncio.get_running_loop().time())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        pass


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body)


def payload(name: str, status: int = 200) -> Response:
    return reply(status, read_payload(name))


ONLINE = payload("rest_public_status_online")
NEVER_AN_ANSWER: tuple[Answer, ...] = (
    TransportError("no reply within 10 s"),
    reply(500),
    reply(502, b"<html>bad gateway</html>"),
    reply(503, b'{"code":-6,"message":"even with a code a 5xx proves nothing"}'),
    reply(400, b"<html>what</html>"),
    reply(408),
    reply(200, b""),
    reply(201, b'{"id":'),
    reply(201, b'{"unexpected":true}'),
    reply(302),
)


def use[T](work: Callable[[ValrHttp], Awaitable[T]], transport: ScriptedTransport, *, signed: bool = True) -> T:
    async def session() -> T:
        credentials = Credentials(KEY, SECRET, "77") if signed else None
        http = ValrHttp(
            HttpConfig(base_url="https://venue.test"),
            credentials,
            transport=transport,
            clock=VirtualClock(),
            rng=random.Random(4),
        )
        return await work(http)

    return run_virtually(session())


def sent(work: Callable[[ValrHttp], Awaitable[Any]], body: bytes = b"[]") -> Request:
    """The request a call makes, whatever becomes of it."""
    transport = ScriptedTransport(reply(200, body))
    with suppress(WireError, UnknownOutcomeError):
        use(work, transport)
    return transport.requests[0]


@pytest.fixture
def watched(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The log, searched for secrets at the end."""
    caplog.set_level(logging.DEBUG)
    yield caplog
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


def test_reply_comes_back_as_its_struct() -> None:
    transport = ScriptedTransport(payload("rest_orders_v2_limit_201", 201))
    assert use(lambda http: http.post_limit_order(ORDER), transport).id == "14ed7fbc-272e-4bac-a4f9-7ec8df36df34"


@pytest.mark.parametrize("answer", NEVER_AN_ANSWER, ids=repr)
@pytest.mark.parametrize(
    "write",
    [
        lambda http: http.post_limit_order(ORDER),
        lambda http: http.delete_order(CANCEL),
        lambda http: http.put_modify_order(MODIFY),
        lambda http: http.post_batch(Batch(requests=[BatchItem(type=BatchType.PLACE_LIMIT, data=ORDER)])),
    ],
    ids=["place", "cancel", "modify", "batch"],
)
def test_write_without_proof_of_its_outcome_is_unknown_and_sent_once(
    write: Callable[[ValrHttp], Awaitable[object]], answer: Answer, watched: pytest.LogCaptureFixture
) -> None:
    transport = ScriptedTransport(answer)
    with pytest.raises(UnknownOutcomeError) as caught:
        use(write, transport)
    assert len(transport.requests) == 1
    assert caught.value.__cause__ is not None
    assert SECRET not in str(caught.value)


def test_success_that_warns_of_the_limit_is_still_a_success() -> None:
    transport = ScriptedTransport(reply(201, read_payload("rest_orders_v2_limit_201"), x_valr_ratelimited="true"))
    assert use(lambda http: http.post_limit_order(ORDER), transport).id


def test_write_that_found_no_connection_was_not_sent() -> None:
    transport = ScriptedTransport(ConnectError("no connection"))
    with pytest.raises(NotSentError):
        use(lambda http: http.post_limit_order(ORDER), transport)
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (payload("rest_orders_v2_limit_400", 400), InsufficientBalanceError),
        (reply(201, read_payload("rest_orders_v2_limit_400")), InsufficientBalanceError),
        (payload("rest_orders_status_400_invalid", 400), UnknownOrderError),
        (reply(401), AuthError),
        (reply(403, b"<html>forbidden</html>"), AuthError),
        (reply(429, b"<html>slow down</html>"), RateLimitedError),
        (reply(400, b"", x_valr_ratelimited="true"), RateLimitedError),
    ],
    ids=["coded 400", "201 with a code", "unknown order", "401", "403", "429", "limit header"],
)
def test_write_is_refused_only_on_the_venues_definite_word(answer: Response, kind: type[RefusedError]) -> None:
    transport = ScriptedTransport(answer)
    with pytest.raises(kind):
        use(lambda http: http.post_limit_order(ORDER), transport)
    assert len(transport.requests) == 1


def test_empty_acceptance_of_a_leverage_change_is_enough() -> None:
    transport = ScriptedTransport(reply(202))
    use(lambda http: http.put_leverage("BTCUSDTPERP", LeverageChange(leverage_multiple="5")), transport)


@pytest.mark.parametrize("answer", NEVER_AN_ANSWER[:6], ids=repr)
def test_read_is_asked_again_until_it_succeeds(answer: Answer, watched: pytest.LogCaptureFixture) -> None:
    transport = ScriptedTransport(answer, ConnectError("no connection"), reply(200, b'{"status":'), ONLINE)
    assert use(lambda http: http.get_status(), transport).status == "online"
    assert len(transport.requests) == 4


def test_read_gives_up_at_its_deadline_and_backs_off_before() -> None:
    transport = ScriptedTransport(reply(500))
    with pytest.raises(UnavailableError, match="HTTP 500"):
        use(lambda http: http.get_status(), transport)
    gaps = [later - before for before, later in zip(transport.asked_at, transport.asked_at[1:], strict=False)]
    assert transport.asked_at[-1] <= HttpConfig().deadline_secs
    assert len(gaps) > 4
    assert gaps[0] < gaps[2] < gaps[4]


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_two_clients_do_not_retry_in_step(seed: int) -> None:
    def gaps(seed: int) -> list[float]:
        transport = ScriptedTransport(reply(500), reply(500), ONLINE)

        async def session() -> None:
            rng = random.Random(seed)
            await ValrHttp(HttpConfig(), transport=transport, clock=VirtualClock(), rng=rng).get_status()

        run_virtually(session())
        return transport.asked_at

    assert gaps(seed) == gaps(seed)
    assert gaps(seed) != gaps(seed + 1)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(404), NotFoundError),
        (payload("rest_error_unsupported_pair", 400), RefusedError),
        (reply(200, b'{"status":7}'), WireError),
    ],
    ids=["404", "coded 400", "wrong shape"],
)
def test_read_that_would_fail_again_is_not_repeated(answer: Response, kind: type[VenueError]) -> None:
    transport = ScriptedTransport(answer)
    with pytest.raises(kind):
        use(lambda http: http.get_status(), transport)
    assert len(transport.requests) == 1


def test_rate_limited_read_waits_as_told_and_then_succeeds() -> None:
    transport = ScriptedTransport(reply(429, retry_after="42"), ONLINE)
    use(lambda http: http.get_status(), transport)
    assert transport.asked_at[1] >= 42.0


def test_rate_limited_read_without_a_hint_waits_out_the_minute() -> None:
    transport = ScriptedTransport(reply(429), payload("rest_public_pairs"))
    use(lambda http: http.get_pairs(), transport)
    assert transport.asked_at[1] >= 60.0


def test_read_that_stays_rate_limited_ends() -> None:
    transport = ScriptedTransport(reply(429, retry_after="1"))
    with pytest.raises(RateLimitedError):
        use(lambda http: http.get_status(), transport)


def test_public_reads_beyond_the_small_budget_wait_instead_of_being_refused() -> None:
    transport = ScriptedTransport(reply(200, b"[]"))

    async def ask_often(http: ValrHttp) -> None:
        await asyncio.gather(*(http.get_pairs() for _ in range(40)))

    use(ask_often, transport)
    for first, beyond in zip(transport.asked_at, transport.asked_at[30:], strict=False):
        assert beyond - first >= 60.0


def test_refusal_for_frequency_holds_back_every_client_that_shares_the_budget() -> None:
    transport = ScriptedTransport(reply(429, retry_after="5"), payload("rest_orders_v2_limit_201", 201))

    async def session() -> None:
        clock = VirtualClock()
        limiter = RateLimiter(clock)
        one, other = (
            ValrHttp(HttpConfig(), Credentials(KEY, SECRET), limiter=limiter, transport=transport, clock=clock)
            for _ in range(2)
        )
        with pytest.raises(RateLimitedError):
            await one.post_limit_order(ORDER)
        await other.post_limit_order(ORDER)

    run_virtually(session())
    assert transport.asked_at[1] >= 5.0


def test_request_is_signed_as_sent_with_the_time_after_the_wait() -> None:
    transport = ScriptedTransport(reply(429, retry_after="10"), reply(200, b"[]"))
    use(lambda http: http.get_fills(start_ns=START_NS, limit=5), transport)
    request = transport.requests[1]
    stamp_ms = int(request.headers["X-VALR-TIMESTAMP"])
    assert request.target == "/v1/account/tradehistory?limit=5&startTime=2026-01-01T00:00:00.000Z"
    assert stamp_ms >= START_NS // 1_000_000 + 10_000
    expected = Credentials(KEY, SECRET, "77").headers(stamp_ms, "GET", request.target)
    assert expected.items() <= dict(request.headers).items()


def test_body_is_sent_as_signed() -> None:
    request = sent(lambda http: http.post_limit_order(ORDER))
    expected = Credentials(KEY, SECRET, "77").headers(
        int(request.headers["X-VALR-TIMESTAMP"]), "POST", "/v2/orders/limit", request.body
    )
    assert json.loads(request.body)["price"] == "1800000"
    assert request.headers["X-VALR-SIGNATURE"] == expected["X-VALR-SIGNATURE"]
    assert request.headers["Content-Type"] == "application/json"


def test_primary_only_route_leaves_the_sub_account_out() -> None:
    assert "X-VALR-SUB-ACCOUNT-ID" not in sent(lambda http: http.get_sub_accounts()).headers
    assert sent(lambda http: http.get_balances()).headers["X-VALR-SUB-ACCOUNT-ID"] == "77"


def test_public_route_carries_no_key() -> None:
    assert not any(name.startswith("X-VALR") for name in sent(lambda http: http.get_pairs()).headers)


def test_signed_route_without_a_key_says_so_and_sends_nothing() -> None:
    transport = ScriptedTransport(reply(200, b"[]"))
    with pytest.raises(ConfigError, match="API key"):
        use(lambda http: http.get_balances(), transport, signed=False)
    assert transport.requests == []


SIGNED = [
    endpoint
    for routes in ValrHttp.__mro__
    for endpoint in vars(routes).values()
    if isinstance(endpoint, Endpoint) and endpoint.is_signed
]


@pytest.mark.parametrize("endpoint", SIGNED, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_signed_endpoint_is_sent_with_a_key_alone(endpoint: Endpoint[Any]) -> None:
    # Refused, so that neither a read nor a write is in doubt.
    transport = ScriptedTransport(reply(401))
    parts = dict.fromkeys(("pair", "kind", "id", "order_id"), "x")
    with pytest.raises(ConfigError, match="VALR_API_KEY"):
        use(lambda http: http._caller.call(endpoint, parts=parts), transport, signed=False)
    assert transport.requests == []
    with pytest.raises(AuthError):
        use(lambda http: http._caller.call(endpoint, parts=parts), transport)
    assert {"X-VALR-API-KEY", "X-VALR-SIGNATURE", "X-VALR-TIMESTAMP"} <= transport.requests[0].headers.keys()


@pytest.mark.parametrize(
    ("work", "target"),
    [
        (
            lambda http: http.get_buckets("BTCZAR", start_secs=1753102597, end_secs=1753188997),
            "/v1/public/BTCZAR/buckets?periodSeconds=60&startTime=1753102597&endTime=1753188997&limit=300"
            "&includeEmpty=false",
        ),
        (
            lambda http: http.get_order_history(
                pairs=["BTCZAR", "ETHZAR"], statuses=[HistoryStatus.FILLED, HistoryStatus.CANCELLED]
            ),
            "/v1/orders/history?skip=0&limit=100&statuses=FILLED,CANCELLED&currencyPair=BTCZAR,ETHZAR"
            "&showZeroVolumeCancels=true",
        ),
        (
            lambda http: http.get_order("BTCZAR", "my-1", kind="customerorderid"),
            "/v1/orders/BTCZAR/customerorderid/my-1",
        ),
        (
            lambda http: http.get_trades("BTCZAR", before_id="c13c5166-c3fa-11ee", limit=5),
            "/v1/marketdata/BTCZAR/tradehistory?limit=5&beforeId=c13c5166-c3fa-11ee",
        ),
        (lambda http: http.get_positions(), "/v1/positions/open?skip=0&limit=100"),
        (lambda http: http.delete_orders("BTCZAR"), "/v1/orders/BTCZAR"),
        (lambda http: http.delete_orders(), "/v1/orders"),
        (lambda http: http.get_book("BTC/ZAR?x=1"), "/v1/marketdata/BTC%2FZAR%3Fx%3D1/orderbook"),
    ],
)
def test_query_is_built_as_the_venue_wants_it(work: Callable[[ValrHttp], Awaitable[Any]], target: str) -> None:
    assert sent(work).target == target


def test_request_shows_neither_headers_nor_body() -> None:
    text = repr(sent(lambda http: http.post_limit_order(ORDER)))
    assert KEY not in text
    assert "1800000" not in text


@pytest.mark.parametrize("bad", [{"base_url": "venue.test"}, {"timeout_secs": 0.0}, {"base_url": "https://v.test/"}])
def test_impossible_setting_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        HttpConfig(**bad)
