"""Requests are signed as VALR publishes it, and nothing of a key can leak."""

import copy
import json
import pickle

import msgspec
import pytest

from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.errors import ConfigError
from tests.unit.adapters.valr.payloads import read_payload

KEY = "ab" * 32
SECRET = "4961b74efac86b25cce8fbe4c9811c4c7a787b7a5996660afcc2e287ad864363"
VECTORS = json.loads(read_payload("auth_signing_vectors"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['verb']} {vector['path']}")
def test_published_and_computed_vectors_come_out(vector: dict[str, str]) -> None:
    credentials = Credentials(KEY, vector["apiSecret"], vector["subaccountId"] or None)
    headers = credentials.headers(int(vector["timestamp"]), vector["verb"], vector["path"], vector["body"].encode())
    assert headers["X-VALR-SIGNATURE"] == vector["signature"]
    assert headers["X-VALR-TIMESTAMP"] == vector["timestamp"]
    assert headers["X-VALR-API-KEY"] == KEY
    assert headers.get("X-VALR-SUB-ACCOUNT-ID", "") == vector["subaccountId"]


def test_vectors_are_all_there() -> None:
    assert len(VECTORS) >= 9


def test_sub_account_is_neither_sent_nor_signed_on_primary_only_routes() -> None:
    plain = Credentials(KEY, SECRET).headers(1, "GET", "/v1/account/subaccounts")
    sub = Credentials(KEY, SECRET, "1402613105484087296")
    assert sub.headers(1, "GET", "/v1/account/subaccounts", as_primary=True) == plain
    assert sub.headers(1, "GET", "/v1/account/subaccounts") != plain


def test_primary_accounts_own_id_is_never_sent() -> None:
    assert "X-VALR-SUB-ACCOUNT-ID" not in Credentials(KEY, SECRET, "0").headers(1, "GET", "/v1/account/balances")


def test_one_changed_byte_changes_the_signature() -> None:
    credentials = Credentials(KEY, SECRET)
    one, other = (credentials.headers(1, "POST", "/v2/orders/limit", body) for body in (b'{"a":1}', b'{"a": 1}'))
    assert one["X-VALR-SIGNATURE"] != other["X-VALR-SIGNATURE"]


def test_nothing_of_the_credentials_can_be_printed_or_taken_along() -> None:
    credentials = Credentials(KEY, SECRET)
    for text in (repr(credentials), str(credentials), f"{credentials}", f"{[credentials]}"):
        assert KEY not in text
        assert SECRET not in text
    assert not hasattr(credentials, "__dict__")
    for take in (pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode, json.dumps):
        with pytest.raises(TypeError) as caught:
            take(credentials)
        assert SECRET not in str(caught.value)


def test_credentials_come_from_the_two_variables() -> None:
    env = {"VALR_API_KEY": KEY, "VALR_API_SECRET": f"{SECRET}\n"}
    assert Credentials.from_env(env).headers(1, "GET", "/") == Credentials(KEY, SECRET).headers(1, "GET", "/")


@pytest.mark.parametrize("missing", ["VALR_API_KEY", "VALR_API_SECRET"])
def test_missing_variable_is_named(missing: str) -> None:
    env = {"VALR_API_KEY": KEY, "VALR_API_SECRET": SECRET, missing: ""}
    with pytest.raises(ConfigError, match=missing):
        Credentials.from_env(env)


@pytest.mark.parametrize("bad", ["", "with space", "line\nbreak", "ünicode"])
def test_key_that_cannot_be_one_is_refused_without_being_shown(bad: str) -> None:
    for key, secret in ((bad, SECRET), (KEY, bad)):
        with pytest.raises(ConfigError) as caught:
            Credentials(key, secret)
        assert not bad or bad not in str(caught.value)
