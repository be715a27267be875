import pytest

from helios_nautilus.watch.webhook import ALERT_SECRET, ALERT_URL, SIGNATURE
from tests.acceptance.cli import helios
from tests.integration.watch.receiver import receiving


def test_an_alert_on_trial_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv(ALERT_URL, receiver.url)
        monkeypatch.setenv(ALERT_SECRET, "shared-secret")
        done = helios("alert", "test", "--mode", "live")
    assert (done.code, done.out) == (0, "The receiver took it.\n")
    (message,) = receiver.messages()
    assert (message["level"], message["kind"], message["mode"]) == ("info", "test", "live")
    assert SIGNATURE in receiver.headers[0]


def test_without_an_address_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ALERT_URL, raising=False)
    done = helios("alert", "test")
    assert (done.code, done.err) == (1, "helios: HELIOS_ALERT_URL is not set: a node would send no alerts\n")


def test_a_receiver_that_refuses_it_is_told_of_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(404) as receiver:
        monkeypatch.setenv(ALERT_URL, receiver.url)
        done = helios("alert", "test")
    assert (done.code, done.err) == (1, "helios: the receiver answered 404\n")
