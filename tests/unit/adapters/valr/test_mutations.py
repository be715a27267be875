"""Whatever becomes of a recorded message on its way: it is read as it was sent, or refused with one of our errors."""

import json
import random
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.endpoint import Endpoint, private, public
from helios_nautilus.adapters.valr.api.errors import RefusedError, UnknownOutcomeError, VenueError, WireError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.account_socket import ACCOUNT_FRAMES
from helios_nautilus.adapters.valr.api.schemas.frames import UnknownFrame
from helios_nautilus.adapters.valr.api.schemas.trade_socket import TRADE_FRAMES
from helios_nautilus.adapters.valr.api.signing import Credentials
from tests.unit.adapters.valr.mutations import as_sent, replaced, spoilt
from tests.unit.adapters.valr.payloads import DECODERS, ON_ACCOUNT, ON_TRADE, REST, read_payload
from tests.unit.adapters.valr.reader import misreadings
from tests.unit.adapters.valr.test_http import ScriptedTransport, reply
from tests.unit.adapters.valr.virtual_time import VirtualClock, run_virtually

THOROUGH: Final = settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
STATUSES: Final = (200, 200, 201, 202, 204, 302, 400, 401, 404, 429, 500, 503)
REPLIES: Final = {f"rest_{name}": kind for name, kind in REST.items()}
FRAME_TYPES: Final[dict[Any, set[Any]]] = {
    decode: {kind.__struct_config__.tag for kind in kinds.values()}
    for decode, kinds in ((TRADE_FRAMES.decode, ON_TRADE), (ACCOUNT_FRAMES.decode, ON_ACCOUNT))
}


@st.composite
def spoilt_payload(draw: st.DrawFn, names: tuple[str, ...] = tuple(DECODERS)) -> tuple[str, bytes]:
    """A recorded payload's name, and what became of it."""
    name = draw(st.sampled_from(names))
    return name, draw(spoilt(read_payload(name).strip()))


@THOROUGH
@given(spoilt_payload())
def test_spoilt_payload_is_read_as_it_was_sent_or_is_a_wire_error(case: tuple[str, bytes]) -> None:
    name, raw = case
    decode = DECODERS[name][0]
    try:
        value = decode(raw)
    except WireError:
        return
    sent = as_sent(raw)
    assert sent is not None
    assert list(misreadings(value, sent)) == []
    if isinstance(value, UnknownFrame):
        assert value.type not in FRAME_TYPES[decode]


@pytest.mark.parametrize("order_id", ["", " ", "\u00e9", "a\u0000b", "a b", "x" * 65])
@pytest.mark.parametrize(
    "name", ["rest_orders_status_placed", "rest_orders_v2_limit_201", "ws_account_ORDER_PROCESSED"]
)
def test_id_that_the_engine_would_not_survive_is_refused(name: str, order_id: str) -> None:
    decode, document = DECODERS[name][0], as_sent(read_payload(name))
    path = ("id",) if "id" in document else ("orderId",) if "orderId" in document else ("data", "orderId")
    with pytest.raises(WireError):
        decode(json.dumps(replaced(document, path, order_id)).encode())


def test_error_that_quotes_what_was_sent_stays_short() -> None:
    with pytest.raises(WireError) as caught:
        DECODERS["rest_orders_status_placed"][0](
            read_payload("rest_orders_status_placed").replace(b"Placed", b"x" * 10_000)
        )
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("name", DECODERS)
def test_whole_payload_is_read_as_it_was_sent(name: str) -> None:
    raw = read_payload(name)
    assert list(misreadings(DECODERS[name][0](raw), as_sent(raw))) == []


@pytest.mark.parametrize(
    ("path", "lie"),
    [
        (("data", "price"), "9501"),
        (("data", "tradedAt"), "2019-04-25T19:51:55.394Z"),
        (("data", "takerSide"), "sell"),
        (("data", "id"), "another"),
        (("currencyPairSymbol",), "ETHZAR"),
    ],
)
def test_the_second_reader_sees_every_kind_of_misreading(path: tuple[str, ...], lie: str) -> None:
    raw = read_payload("ws_trade_NEW_TRADE")
    assert list(misreadings(TRADE_FRAMES.decode(raw), replaced(as_sent(raw), path, lie)))


# -- Over HTTP


def call(endpoint: Endpoint[Any], status: int, body: bytes) -> Any:
    """What a caller of ``endpoint`` gets, if the venue answers so and goes on answering so."""

    async def session() -> Any:
        http = ValrHttp(
            HttpConfig(base_url="https://venue.test", deadline_secs=1.0),
            Credentials("ab" * 32, "cd" * 32),
            transport=ScriptedTransport(reply(status, body)),
            clock=VirtualClock(),
            rng=random.Random(4),
        )
        return await http._call(endpoint)

    return run_virtually(session())


def spoilt_reply() -> st.SearchStrategy[tuple[int, str, bytes]]:
    return st.tuples(st.sampled_from(STATUSES), spoilt_payload(tuple(REPLIES))).map(lambda both: (both[0], *both[1]))


@THOROUGH
@given(spoilt_reply())
def test_spoilt_reply_to_a_read_is_read_as_it_was_sent_or_is_a_venue_error(case: tuple[int, str, bytes]) -> None:
    status, name, body = case
    try:
        value = call(public("/v1/anything", REPLIES[name]), status, body)
    except VenueError:
        return
    assert 200 <= status < 300
    assert list(misreadings(value, as_sent(body))) == []


@THOROUGH
@given(spoilt_reply())
def test_spoilt_reply_to_a_write_is_done_refused_by_code_or_unknown(case: tuple[int, str, bytes]) -> None:
    status, name, body = case
    sent = as_sent(body)
    code = sent.get("code") if isinstance(sent, dict) else None
    try:
        outcome = call(private("POST", "/v1/anything", REPLIES[name]), status, body)
    except (UnknownOutcomeError, RefusedError) as error:
        outcome = error
    match outcome:
        case UnknownOutcomeError():
            return
        case RefusedError(code=None):
            assert status in (401, 403, 404, 429)
        case RefusedError():
            assert outcome.code == code
            assert outcome.order_id in (None, sent.get("orderId"))
        case _:
            assert 200 <= status < 300
            assert list(misreadings(outcome, sent)) == []
