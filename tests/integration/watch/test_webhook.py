import hashlib
import hmac
import socket

import pytest

from helios_nautilus.errors import ConfigError
from helios_nautilus.watch.webhook import ALERT_SECRET, ALERT_URL, SIGNATURE, DeliveryError, Webhook
from tests.integration.watch.receiver import receiving

SECRET = "a-secret-path"


def test_a_body_arrives_as_json_and_signed() -> None:
    with receiving() as receiver:
        Webhook(receiver.url, "shared", 10.0).post(b'{"kind":"halt"}')
    assert receiver.bodies == [b'{"kind":"halt"}']
    assert receiver.headers[0]["Content-Type"] == "application/json"
    expected = hmac.new(b"shared", b'{"kind":"halt"}', hashlib.sha256).hexdigest()
    assert receiver.headers[0][SIGNATURE] == f"sha256={expected}"


def test_without_a_secret_nothing_is_signed() -> None:
    with receiving() as receiver:
        Webhook(receiver.url, "", 10.0).post(b"{}")
    assert SIGNATURE not in receiver.headers[0]


@pytest.mark.parametrize(
    ("status", "is_final"), [(500, False), (503, False), (429, False), (408, False), (400, True), (404, True)]
)
def test_a_refusal_is_final_where_the_same_would_be_refused_again(status: int, is_final: bool) -> None:
    with receiving(status) as receiver, pytest.raises(DeliveryError, match=f"answered {status}") as caught:
        Webhook(receiver.url, "", 10.0).post(b"{}")
    assert caught.value.is_final is is_final


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving(status) as receiver, pytest.raises(DeliveryError, match=f"answered {status}"):
        Webhook(receiver.url, "", 10.0).post(b"{}")
    assert len(receiver.bodies) == 1


def test_a_receiver_that_is_gone_or_silent_fails_without_a_word_of_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"http://127.0.0.1:{port}/{SECRET}"
        with pytest.raises(DeliveryError) as slow:
            Webhook(url, "", 0.05).post(b"{}")
    with pytest.raises(DeliveryError) as gone:
        Webhook(url, "", 0.05).post(b"{}")
    for error in (slow.value, gone.value):
        assert "was not reached" in str(error)
        assert not error.is_final
        assert SECRET not in f"{error!r} {error.__cause__!r}"
        assert str(port) not in str(error)


def test_no_form_of_a_webhook_shows_its_address() -> None:
    assert SECRET not in repr(Webhook(f"https://example.com/{SECRET}", SECRET, 1.0))


@pytest.mark.parametrize(
    "url", ["file:///etc/hosts", "ftp://example.com", "example.com/hook", "http://", "http://[", "http://a b"]
)
def test_what_is_no_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Webhook(url, "", 1.0)
    assert str(caught.value) == "HELIOS_ALERT_URL is no http or https address"


def test_the_environment_names_the_address_or_there_is_none() -> None:
    assert Webhook.from_env({ALERT_SECRET: "x"}, 1.0) is None
    assert Webhook.from_env({ALERT_URL: " "}, 1.0) is None
    with receiving() as receiver:
        webhook = Webhook.from_env({ALERT_URL: receiver.url, ALERT_SECRET: "x"}, 10.0)
        assert webhook is not None
        webhook.post(b"{}")
    assert SIGNATURE in receiver.headers[0]
