"""The account's money: the newest word counts; and what is looked for before anything is traded."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from nautilus_trader.model.enums import AccountType

from helios_nautilus.adapters.valr.account import AccountBook, check_account
from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.account_socket import ACCOUNT_FRAMES
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import ConfigError
from tests.unit.adapters.valr.test_http import ScriptedTransport, reply

OWN = Credentials("ab" * 32, "cd" * 32)
NOON_NS = 1_752_580_800_000_000_000


def venue(*bodies: Any) -> ValrHttp:
    answers = (reply(200, msgspec.json.encode(body)) for body in bodies)
    return ValrHttp(HttpConfig(base_url="https://venue.test"), OWN, transport=ScriptedTransport(*answers))


def balance(total: str, second: int) -> dict[str, str]:
    moment = f"2025-07-15T12:00:{second:02}Z"
    return {"currency": "ZAR", "available": total, "reserved": "0", "total": total, "updatedAt": moment}


def frame(total: str, second: int) -> Any:
    data = balance(total, second) | {"currency": {"symbol": "R", "shortName": "ZAR", "decimalPlaces": 2}}
    return ACCOUNT_FRAMES.decode(msgspec.json.encode({"type": "BALANCE_UPDATE", "data": data})).data


@pytest.mark.parametrize(
    ("second", "total"), [(30, 200), (10, 100), (59, 100)], ids=["newer", "older", "of the future"]
)
def test_an_answer_does_not_undo_a_newer_frame(second: int, total: int) -> None:
    async def scenario() -> int:
        states: list[Any] = []
        client = SimpleNamespace(
            account_type=AccountType.CASH, generate_account_state=lambda balances, *_: states.append(balances)
        )
        provider = SimpleNamespace(list_all=list)
        loop = asyncio.get_running_loop()
        clock = SimpleNamespace(timestamp_ns=lambda: NOON_NS + 30 * NS_PER_SEC)
        book = AccountBook(venue([balance("100", 20)]), provider, client, clock, loop)  # type: ignore[arg-type]
        book.on_balance(frame("200", second))
        await book.load()
        return int(states[-1][0].total.as_decimal())

    assert asyncio.run(scenario()) == total


@pytest.mark.parametrize(("skew_secs", "warnings"), [(0.5, 0), (30.0, 1), (-30.0, 1)])
def test_a_clock_that_is_off_is_said_at_the_start(skew_secs: float, warnings: int) -> None:
    said: list[str] = []
    log = SimpleNamespace(warning=said.append)
    http = venue({"epochTime": NOON_NS // 10**9, "time": "2025-07-15T12:00:00Z"})
    now_ns = NOON_NS + round(skew_secs * 1e9)
    asyncio.run(check_account(http, AccountType.CASH, lambda: now_ns, log))
    assert len(said) == warnings


def test_a_margin_account_needs_one_that_has_positions() -> None:
    http = venue(
        {"epochTime": NOON_NS // 10**9, "time": "2025-07-15T12:00:00Z"},
        {"marginEnabled": False, "inLiquidation": False, "futuresEnabled": False},
    )
    with pytest.raises(ConfigError, match="sub_account_id"):
        asyncio.run(check_account(http, AccountType.MARGIN, lambda: NOON_NS, SimpleNamespace()))
