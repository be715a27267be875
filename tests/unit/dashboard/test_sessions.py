import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.dashboard.sessions import LASTS_NS, Sessions
from helios_nautilus.dashboard.tokens import Token

ANN = Token(name="ann", role="trader", created_ns=7, salt="s", digest="d")


class Desk:
    """Sessions whose tokens and time can be changed."""

    def __init__(self) -> None:
        self.tokens = {"ann": ANN}
        self.now_ns = 1_000
        self.sessions = Sessions(b"k" * 32, self.tokens.get, lambda: self.now_ns)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_session_leads_to_its_token_until_it_ends(desk: Desk) -> None:
    value = desk.sessions.start(ANN)
    desk.now_ns += LASTS_NS - 1
    assert desk.sessions.find(value) == (ANN, 1_000 + LASTS_NS)
    desk.now_ns += 1
    assert desk.sessions.find(value) is None


def test_a_session_that_was_ended_is_worth_nothing_to_who_kept_its_cookie_and_no_other_ends(desk: Desk) -> None:
    value = desk.sessions.start(ANN)
    desk.now_ns += 1
    other = desk.sessions.start(ANN)
    desk.sessions.end(value)
    assert desk.sessions.find(value) is None
    assert desk.sessions.find(other) is not None


def test_what_is_no_session_cannot_be_ended_nor_what_is_over_be_remembered(desk: Desk) -> None:
    desk.sessions.end("forged.7")
    value = desk.sessions.start(ANN)
    desk.sessions.end(value)
    assert desk.sessions.is_ended(desk.sessions.csrf(value))
    desk.now_ns += LASTS_NS
    desk.sessions.end(desk.sessions.start(ANN))
    assert not desk.sessions.is_ended(desk.sessions.csrf(value))


def test_a_session_ends_with_its_token(desk: Desk) -> None:
    value = desk.sessions.start(ANN)
    desk.tokens.clear()
    assert desk.sessions.find(value) is None


def test_a_new_token_of_an_old_name_has_no_old_session(desk: Desk) -> None:
    value = desk.sessions.start(ANN)
    desk.tokens["ann"] = Token(name="ann", role="admin", created_ns=8, salt="s", digest="d")
    assert desk.sessions.find(value) is None


def test_another_key_knows_no_session(desk: Desk) -> None:
    other = Sessions(b"o" * 32, desk.tokens.get, lambda: 1_000)
    assert other.find(desk.sessions.start(ANN)) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_made_up_is_a_session(body: str, signature: str) -> None:
    assert Desk().sessions.find(f"{body}.{signature}") is None


def test_a_request_must_repeat_the_proof_of_its_own_session(desk: Desk) -> None:
    mine, other = desk.sessions.start(ANN), "another"
    assert desk.sessions.is_csrf(mine, desk.sessions.csrf(mine))
    assert not desk.sessions.is_csrf(mine, desk.sessions.csrf(other))
    assert not desk.sessions.is_csrf(mine, "")
    assert desk.sessions.csrf(mine) not in mine
