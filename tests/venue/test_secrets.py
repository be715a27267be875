"""Key, secret and signatures appear nowhere in what a trading node says, whatever goes wrong meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final

import msgspec
import pytest
from aiohttp import web

from helios_nautilus.simulator.exchange.faults import KINDS, Fault, FaultScript, Occasion
from helios_nautilus.simulator.exchange.opening import Credentials
from helios_nautilus.simulator.exchange.server import Exchange
from helios_nautilus.simulator.exchange.signatures import SIGNATURE_HEADER
from tests.venue.node import BTCZAR, Floor, Node, exchange
from tests.venue.told import Setup

SETUP: Final[dict[str, Any]] = {"log_level": "DEBUG", "is_key_configured": True}
SUBJECTS: Final = {
    Occasion.REQUEST: ("POST /v2/orders/limit", "GET /v1/account/balances"),
    Occasion.FRAME: ("account *",),
    Occasion.LOGIN: ("account",),
    Occasion.MODIFY: ("BTCZAR",),
    Occasion.TIME: ("*",),
}
"""Where the faults of an occasion strike: at signed requests and at what only the account gets."""
TERMS: Final[dict[str, dict[str, Any]]] = {
    "rate_limit": {"retry_after_secs": 1},
    "slow_reply": {"secs": 0.2},
    "bad_checksum": {"on": "trade OB_L1_DIFF BTCZAR"},
    # Longer than the adapter waits on a silent line.
    "stall_socket": {"secs": 6.0},
    "stall_sockets": {"secs": 6.0},
    # From then on no signature is accepted.
    "clock_skew": {"secs": 3600.0, "after_secs": 7.0},
    "drop_sockets": {"after_secs": 6.0},
    "refuse_login": {"status": 0},
}
"""What a kind needs to hurt; nothing of one that is not here."""


class Listening(Exchange):
    """Remembers every signature that it was sent."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.signatures: set[str] = set()

    def _application(self) -> web.Application:
        @web.middleware
        async def remember(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            self.signatures |= set(request.headers.getall(SIGNATURE_HEADER, ()))
            return await handler(request)

        app = super()._application()
        app.middlewares.append(remember)
        return app


def script(occasion: Occasion) -> FaultScript:
    """Every kind of an occasion, one after the other."""
    kinds = [kind for kind, of in KINDS.items() if of is occasion]
    faults = [
        Fault(kind=kind, **({"on": subject} | when(occasion, number) | TERMS.get(kind, {})))
        for subject in SUBJECTS[occasion]
        for number, kind in enumerate(kinds, start=1)
    ]
    if occasion is Occasion.LOGIN:
        # A refused handshake too, and what makes it log in.
        faults += [
            Fault(kind="refuse_login", on="account", nth=2, status=401),
            Fault(kind="drop_sockets", on="account", after_secs=0.0),
        ]
    return FaultScript(fault=tuple(faults))


def when(occasion: Occasion, number: int) -> dict[str, Any]:
    return {"after_secs": 0.0} if occasion is Occasion.TIME else {"nth": number}


@pytest.mark.parametrize("occasion", Occasion)
def test_no_secret_is_told_by_a_node_that_trades_while_every_fault_of_an_occasion_strikes(occasion: Occasion) -> None:
    async def scenario() -> None:
        async with exchange(serve=Listening) as floor, floor.running_node(**SETUP) as node:
            faults = script(occasion)
            for what in ("deltas", "trades"):
                node.tell("subscribe", what=what, instrument=BTCZAR)
            floor.exchange.play(faults)
            node.tell("query_funds")
            # Each strikes once.
            await trade_until(floor, lambda: len(floor.exchange.faults.strikes) == len(faults.fault))
            shown = await node.show()
        assert {kind for kind, of in KINDS.items() if of is occasion} <= {
            strike.kind for strike in floor.exchange.faults.strikes
        }
        assert_silent(floor, floor.login, msgspec.json.encode(shown))

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("key", "secret", "is_configured"),
    [
        (None, "5e" * 32, True),
        ("6f" * 32, None, False),
        (None, "", False),
        (None, "geheim-$(id) 'ß\"\n" * 3, True),
        ("sch lüssel{0}%s" * 4, None, False),
    ],
    ids=["wrong secret", "wrong key", "no secret", "odd secret", "odd key"],
)
def test_no_secret_is_told_by_a_node_that_cannot_log_in(
    key: str | None, secret: str | None, is_configured: bool
) -> None:
    async def scenario() -> None:
        async with exchange(serve=Listening) as floor:
            given = key if key is not None else floor.login.key, secret if secret is not None else floor.login.secret
            login = Credentials(key=given[0], secret=given[1], account_id=floor.login.account_id)
            await fail_to_start(floor, login, is_key_configured=is_configured)

    asyncio.run(scenario())


def test_no_secret_is_told_by_a_node_whose_clock_is_wrong() -> None:
    async def scenario() -> None:
        async with exchange(serve=Listening) as floor:
            floor.strike("clock_skew", secs=-3600.0)
            await fail_to_start(floor, floor.login, is_key_configured=True)

    asyncio.run(scenario())


async def fail_to_start(floor: Floor, login: Credentials, **setup: Any) -> None:
    """Start a node that does not come up, until it has said so."""
    node = await Node.launch(Setup(url=floor.exchange.url, log_level="DEBUG", **setup), login)
    floor.node = node
    try:
        await wait_for(lambda: b"[ERROR]" in node.log or node.has_ended)
        assert not node.of("Started")
    finally:
        await node.kill()
    assert_silent(floor, login)


async def trade_until(floor: Floor, condition: Callable[[], object]) -> None:
    """Place, modify and cancel one order after the other until a condition holds."""
    node = floor.node
    for number in count():
        name = f"S-{number}"
        order = {"id": name, "type": "LIMIT", "instrument": BTCZAR, "side": "BUY", "size": "0.01"}
        steps: list[tuple[str, dict[str, Any]]] = [
            ("submit", order | {"price": floor.price("BUY")}),
            ("modify", {"order": name, "size": "0.02"}),
            ("cancel", {"orders": [name]}),
        ]
        for do, terms in steps:
            node.tell(do, **terms)
            await answered(node, name, condition)
            if condition():
                return
        node.tell("query_funds")


async def answered(node: Node, name: str, condition: Callable[[], object]) -> None:
    """Wait for the venue's answer to the last command for an order, unless the condition holds or the order ended."""
    told = len(node.story(name))

    def is_over() -> bool:
        story = node.story(name)
        answers = [event for event in story[told:] if not event.startswith(("Initialized", "Submitted", "Pending"))]
        return bool(answers) or not {"Canceled", "Rejected", "Denied", "Filled"}.isdisjoint(story)

    await node.until(lambda: condition() or is_over())


def assert_silent(floor: Floor, login: Credentials, *more: bytes) -> None:
    """Nothing the node said, on any way, has a secret in it."""
    node = floor.node
    assert isinstance(floor.exchange, Listening)
    said = b"\n".join([node.log, msgspec.json.encode(node.seen, enc_hook=str), *more]).decode(errors="replace").lower()
    secrets = {"key": login.key, "secret": login.secret, "header": "X-VALR-"}
    secrets |= {f"signature {number}": text for number, text in enumerate(floor.exchange.signatures)}
    # Odd ones by their parts: what cuts or escapes a line would hide the whole.
    parts = {part: name for name, text in secrets.items() for part in text.lower().split() if len(part) > 4}
    assert not {name for part, name in parts.items() if part in said}


async def wait_for(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30.0):
        while not condition():
            await asyncio.sleep(0.01)
