"""A socket that stays: login, heartbeat, reconnect, hand-over, against a real server on a local port."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from helios_nautilus.adapters.valr.api.errors import (
    AuthError,
    NotSentError,
    RateLimitedError,
    UnavailableError,
    VenueError,
)
from helios_nautilus.adapters.valr.api.limits import Family
from helios_nautilus.adapters.valr.api.link import LinkConfig
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.websocket import SocketConfig, ValrSocket
from helios_nautilus.errors import ConfigError
from tests.integration.valr_api.venue import KEY, SECRET, Connection, LocalVenue, open_venue, until

HASTY = SocketConfig(retry_first_secs=0.01, retry_secs=0.02, retry_max_secs=0.05, gather_secs=0.005, overlap_secs=0.05)
CALM = LinkConfig(login_secs=2.0, quiet_secs=5.0, pong_secs=5.0)
NERVOUS = LinkConfig(login_secs=2.0, quiet_secs=0.03, pong_secs=0.15)
LOGIN = Credentials(KEY, SECRET)


class Receiver:
    """What a socket told its user."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.events: list[str] = []
        self.reasons: list[str] = []
        self.is_faulty = False

    def on_message(self, frame: bytes) -> None:
        self.frames.append(frame)
        if self.is_faulty:
            raise RuntimeError("a receiver's mistake")

    def on_connected(self) -> None:
        self.events.append("connected")

    def on_disconnected(self, reason: str) -> None:
        self.events.append("disconnected")
        self.reasons.append(reason)

    def numbers(self) -> list[int]:
        return [n for frame in self.frames if (n := json.loads(frame).get("n")) is not None]


class Scene:
    """A venue, a socket to it, and what the socket told."""

    def __init__(self, venue: LocalVenue, socket: ValrSocket, receiver: Receiver) -> None:
        self.venue = venue
        self.socket = socket
        self.receiver = receiver


@asynccontextmanager
async def open_scene(
    *, link: LinkConfig = CALM, credentials: Credentials | None = None, path: str = "/ws/trade", **settings: float
) -> AsyncIterator[Scene]:
    async with open_venue() as venue:
        receiver = Receiver()
        there = msgspec.structs.replace(link, url=venue.ws_url, path=path)
        socket = ValrSocket(
            msgspec.structs.replace(HASTY, link=there, **settings),
            receiver.on_message,
            on_connected=receiver.on_connected,
            on_disconnected=receiver.on_disconnected,
            credentials=credentials,
        )
        try:
            yield Scene(venue, socket, receiver)
        finally:
            await socket.close()


def play(work: Callable[[Scene], Awaitable[None]], **scene: Any) -> None:
    async def session() -> None:
        async with open_scene(**scene) as opened:
            await work(opened)

    asyncio.run(session(), debug=True)


def test_login_by_headers_is_accepted_before_anything_else() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        assert scene.receiver.events == ["connected"]
        assert scene.venue.last.headers["X-VALR-API-KEY"] == KEY
        await scene.venue.last.say('{"type":"BALANCE_UPDATE"}')
        await until(lambda: scene.receiver.frames)
        assert scene.receiver.frames == [b'{"type":"BALANCE_UPDATE"}']

    play(work, credentials=LOGIN, path="/ws/account")


def refuse_with(status: int) -> Callable[[LocalVenue], None]:
    return lambda venue: setattr(venue, "handshake_status", status)


@pytest.mark.parametrize(
    ("spoil", "credentials", "kind"),
    [
        (lambda venue: None, Credentials(KEY, "cd" * 32), AuthError),
        (refuse_with(401), LOGIN, AuthError),
        (refuse_with(429), LOGIN, RateLimitedError),
        (refuse_with(503), LOGIN, UnavailableError),
        (lambda venue: setattr(venue, "is_login_ignored", True), LOGIN, UnavailableError),
    ],
    ids=["bad signature", "401", "429", "503", "never answered"],
)
def test_refused_login_raises_what_it_means_and_shows_no_key(
    spoil: Callable[[LocalVenue], None], credentials: Credentials, kind: type[VenueError]
) -> None:
    async def work(scene: Scene) -> None:
        spoil(scene.venue)
        with pytest.raises(kind) as caught:
            await scene.socket.connect()
        chain = [caught.value, caught.value.__cause__, caught.value.__context__]
        assert not any(KEY in repr(error) or KEY in str(error) for error in chain)
        assert scene.receiver.events == []
        assert not scene.socket.is_connected

    play(work, credentials=credentials, path="/ws/account", link=LinkConfig(login_secs=0.3))


def test_port_where_nobody_listens_is_unavailable() -> None:
    async def work(scene: Scene) -> None:
        dead = ValrSocket(SocketConfig(link=LinkConfig(url="ws://127.0.0.1:9")), scene.receiver.on_message)
        with pytest.raises(UnavailableError):
            await dead.connect()
        await dead.close()

    play(work)


def test_a_venue_that_is_away_at_first_is_tried_again_and_a_refused_login_is_not() -> None:
    async def work(scene: Scene) -> None:
        scene.venue.handshake_status = 503
        connecting = asyncio.create_task(scene.socket.connect(patience_secs=30.0))
        await until(lambda: scene.venue.handshakes >= 2)
        scene.venue.handshake_status = None
        await connecting
        assert scene.receiver.events == ["connected"]

    async def refused(scene: Scene) -> None:
        scene.venue.handshake_status = 401
        with pytest.raises(AuthError):
            await scene.socket.connect(patience_secs=30.0)
        assert scene.venue.handshakes == 1

    play(work)
    play(refused)


def test_quiet_line_is_pinged_and_stays() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        await until(lambda: len(scene.venue.last.received("PING")) >= 4)
        assert scene.receiver.events == ["connected"]
        assert scene.receiver.frames == []

    play(work, link=NERVOUS)


def test_busy_line_is_pinged_as_well() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()

        async def be_busy() -> None:
            while not scene.venue.last.received("PING"):
                await scene.venue.last.say('{"type":"NEW_TRADE"}')
                await asyncio.sleep(0.005)

        await asyncio.wait_for(be_busy(), 5.0)
        assert scene.receiver.frames

    play(work, link=LinkConfig(quiet_secs=5.0, pong_secs=5.0, ping_secs=0.1))


def test_ping_slower_than_the_venue_allows_is_refused() -> None:
    with pytest.raises(ConfigError):
        LinkConfig(ping_secs=30.0)


def test_pairs_subscribed_one_by_one_go_out_in_one_complete_list() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        for pair in ("BTCZAR", "ETHZAR", "SOLZAR"):
            scene.socket.subscribe("OB_L1_DIFF", [pair])
        await until(lambda: len(scene.venue.last.pairs.get("OB_L1_DIFF", [])) == 3)
        assert len(scene.venue.last.received("SUBSCRIBE")) == 1
        scene.socket.subscribe("OB_L1_DIFF", ["XRPZAR"])
        await until(lambda: len(scene.venue.last.pairs["OB_L1_DIFF"]) == 4)
        scene.socket.unsubscribe("OB_L1_DIFF", ["ETHZAR"])
        await until(lambda: scene.venue.last.pairs["OB_L1_DIFF"] == ["BTCZAR", "SOLZAR", "XRPZAR"])

    play(work)


def test_account_event_is_subscribed_without_pairs() -> None:
    async def work(scene: Scene) -> None:
        scene.socket.subscribe("ORDER_STATUS_UPDATE")
        await scene.socket.connect()
        await until(lambda: scene.venue.last.received("SUBSCRIBE"))
        assert scene.venue.last.received("SUBSCRIBE")[0]["subscriptions"] == [{"event": "ORDER_STATUS_UPDATE"}]

    play(work, credentials=LOGIN, path="/ws/account")


async def lose_and_return(scene: Scene, lose: Callable[[Connection], Awaitable[None]]) -> None:
    scene.socket.subscribe("NEW_TRADE", ["BTCZAR", "ETHZAR"])
    await scene.socket.connect()
    first = scene.venue.last
    await until(lambda: first.pairs)
    await lose(first)
    await until(lambda: len(scene.venue.connections) == 2 and scene.venue.last.pairs)
    assert scene.venue.last.pairs == {"NEW_TRADE": ["BTCZAR", "ETHZAR"]}
    assert scene.receiver.events == ["connected", "disconnected", "connected"]
    await scene.venue.last.say('{"type":"NEW_TRADE","n":1}')
    await until(lambda: scene.receiver.numbers() == [1])


async def cut(connection: Connection) -> None:
    connection.cut()


async def close_for_restart(connection: Connection) -> None:
    await connection.socket.close(code=1012)


async def go_mute(connection: Connection) -> None:
    connection.is_mute = True


@pytest.mark.parametrize("lose", [cut, close_for_restart], ids=["cut", "closed with 1012"])
def test_dropped_line_logs_in_again_and_subscribes_again(lose: Callable[[Connection], Awaitable[None]]) -> None:
    async def work(scene: Scene) -> None:
        await lose_and_return(scene, lose)
        stamps = [connection.headers["X-VALR-TIMESTAMP"] for connection in scene.venue.connections]
        assert stamps[0] != stamps[1]

    play(work, credentials=LOGIN)


def test_line_gone_silent_is_given_up_and_replaced() -> None:
    async def work(scene: Scene) -> None:
        await lose_and_return(scene, go_mute)
        assert "silent" in scene.receiver.reasons[0]

    play(work, link=NERVOUS)


def test_venue_that_is_away_for_long_is_asked_until_it_is_back() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        scene.venue.handshake_status = 503
        await asyncio.gather(until(lambda: "disconnected" in scene.receiver.events), cut(scene.venue.last))
        with pytest.raises(NotSentError):
            await scene.socket.send(b'{"type":"PLACE_LIMIT_ORDER"}')
        scene.venue.handshake_status = None
        await until(lambda: scene.receiver.events == ["connected", "disconnected", "connected"])

    play(work)


def test_command_reaches_the_venue() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        await scene.socket.send(b'{"type":"CANCEL_LIMIT_ORDER","clientMsgId":"7"}', Family.SOCKET_CANCEL)
        await until(lambda: scene.venue.last.received("CANCEL_LIMIT_ORDER"))

    play(work, credentials=LOGIN, path="/ws/account")


async def publish(venue: LocalVenue, count: int) -> None:
    """Numbered trades to everyone subscribed, with no number left out for anyone who is."""
    for number in range(count):
        for connection in venue.connections.copy():
            if connection.pairs.get("NEW_TRADE"):
                await connection.say(json.dumps({"type": "NEW_TRADE", "n": number}))
        await asyncio.sleep(0.001)


def test_hand_over_before_the_venues_cut_loses_no_message_and_is_no_disconnect() -> None:
    async def work(scene: Scene) -> None:
        scene.socket.subscribe("NEW_TRADE", ["BTCZAR"])
        await scene.socket.connect()
        await until(lambda: scene.venue.last.pairs)
        await publish(scene.venue, 400)
        await until(lambda: 399 in scene.receiver.numbers())
        assert len(scene.venue.connections) >= 3
        assert sorted(set(scene.receiver.numbers())) == list(range(400))
        assert scene.receiver.events == ["connected"]
        await until(lambda: sum(connection.is_open for connection in scene.venue.connections) <= 2)
        assert not scene.venue.connections[0].is_open

    play(work, renew_secs=0.1)


def test_connection_that_is_logged_in_is_never_handed_over() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        await until(lambda: len(scene.venue.last.received("PING")) >= 5)
        assert len(scene.venue.connections) == 1

    play(work, credentials=LOGIN, link=NERVOUS, renew_secs=0.02)


def test_successor_that_is_refused_leaves_the_old_one_serving() -> None:
    async def work(scene: Scene) -> None:
        scene.socket.subscribe("NEW_TRADE", ["BTCZAR"])
        await scene.socket.connect()
        first = scene.venue.last
        await until(lambda: first.pairs)
        scene.venue.handshake_status = 503
        await publish(scene.venue, 100)
        await until(lambda: 99 in scene.receiver.numbers())
        assert first.is_open
        scene.venue.handshake_status = None
        await until(lambda: len(scene.venue.connections) >= 2 and not first.is_open)
        assert scene.receiver.events == ["connected"]

    play(work, renew_secs=0.05)


def test_old_line_that_dies_before_its_successor_is_subscribed_is_a_disconnect() -> None:
    async def work(scene: Scene) -> None:
        scene.socket.subscribe("NEW_TRADE", ["BTCZAR"])
        await scene.socket.connect()
        await until(lambda: scene.venue.last.pairs)
        scene.venue.is_silent_on_subscribe = True
        await until(lambda: len(scene.venue.connections) == 2)
        scene.venue.connections[0].cut()
        await until(lambda: "disconnected" in scene.receiver.events)
        scene.venue.is_silent_on_subscribe = False
        await until(lambda: scene.receiver.events[-1] == "connected" and scene.venue.last.pairs)

    play(work, renew_secs=0.05)


def test_subscription_made_during_a_hand_over_reaches_both() -> None:
    async def work(scene: Scene) -> None:
        scene.socket.subscribe("NEW_TRADE", ["BTCZAR"])
        await scene.socket.connect()
        await until(lambda: len(scene.venue.connections) == 2 and scene.venue.last.pairs)
        both = scene.venue.connections[:2]
        scene.socket.subscribe("NEW_TRADE", ["ETHZAR"])
        await until(lambda: all(link.pairs["NEW_TRADE"] == ["BTCZAR", "ETHZAR"] for link in both))

    play(work, renew_secs=0.05, overlap_secs=2.0)


@pytest.mark.parametrize("frame", ['{"type":"NEW_TRADE","data":{"pri', "", "null", "[[[[", '{"type":7}', "\x00"])
def test_unreadable_frame_is_passed_on_and_the_line_lives(frame: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        await scene.venue.last.say(frame)
        await scene.venue.last.say('{"type":"NEW_TRADE","n":1}')
        await until(lambda: len(scene.receiver.frames) == 2)
        assert scene.receiver.frames[0] == frame.encode()
        assert scene.receiver.events == ["connected"]

    play(work)


def test_receiver_that_fails_gets_the_next_frame_all_the_same() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        scene.receiver.is_faulty = True
        for number in range(3):
            await scene.venue.last.say(json.dumps({"n": number}))
        await until(lambda: scene.receiver.numbers() == [0, 1, 2])
        assert scene.receiver.events == ["connected"]

    play(work)


def test_frame_of_half_a_megabyte_comes_whole() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        long = json.dumps({"type": "FULL_ORDERBOOK_SNAPSHOT", "data": "x" * 500_000})
        await scene.venue.last.say(long)
        await until(lambda: scene.receiver.frames)
        assert scene.receiver.frames == [long.encode()]

    play(work)


def test_close_is_final_and_leaves_nothing_running() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        connection = scene.venue.last
        await scene.socket.close()
        await until(lambda: not connection.is_open)
        assert not scene.socket.is_connected
        assert scene.receiver.events == ["connected"]
        assert not [task for task in asyncio.all_tasks() if "adapters/valr/api" in repr(task)]

    play(work)


def test_close_while_the_venue_is_away_returns() -> None:
    async def work(scene: Scene) -> None:
        await scene.socket.connect()
        scene.venue.handshake_status = 503
        scene.venue.last.cut()
        await until(lambda: "disconnected" in scene.receiver.events)
        await asyncio.wait_for(scene.socket.close(), 5.0)

    play(work)
