"""Whatever lies in a model's folder, reading it gives the model that was saved or one clear `ModelError`."""

import hashlib
import json
import pickle
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helios_nautilus.errors import ModelError
from helios_nautilus.models.checkpoint import load_card, load_model, save_model
from helios_nautilus.models.predict import predict_arrays
from tests.unit.models.synthetic import make_arrays, make_model

ARRAYS = make_arrays(hours=2)
MODEL = make_model(ARRAYS)
FILES = ("card.json", "model.safetensors")

hostile = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(MODEL, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def saved(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def restore(folder: Path, saved: dict[str, bytes], **changed: bytes) -> None:
    for name, content in saved.items():
        (folder / name).write_bytes(changed.get(name.partition(".")[0], content))


def vouch(card: bytes, weights: bytes, **changed: Any) -> bytes:
    """The card of an attacker, who knows the hash of what he has put there."""
    return json.dumps(json.loads(card) | {"weights_sha256": hashlib.sha256(weights).hexdigest()} | changed).encode()


@hostile
@given(share=st.floats(0, 1, exclude_max=True), name=st.sampled_from(FILES))
def test_a_file_cut_off_anywhere_is_refused(folder, saved, share, name):
    restore(folder, saved)
    (folder / name).write_bytes(saved[name][: int(share * (len(saved[name]) - 1))])
    with pytest.raises(ModelError):
        load_model(folder)


@hostile
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_weights_with_any_bit_flipped_are_refused(folder, saved, share, bit):
    weights = bytearray(saved["model.safetensors"])
    weights[int(share * len(weights))] ^= 1 << bit
    restore(folder, saved, model=bytes(weights))
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_model(folder)


@hostile
@given(share=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_header_with_any_byte_changed_is_refused_or_read_even_if_the_card_vouches_for_it(folder, saved, share, byte):
    weights = bytearray(saved["model.safetensors"])
    header = 8 + struct.unpack("<Q", weights[:8])[0]
    weights[int(share * header)] = byte
    restore(folder, saved, model=bytes(weights), card=vouch(saved["card.json"], bytes(weights)))
    load_or_refuse(folder)


@hostile
@given(data=st.data())
def test_a_card_with_any_value_changed_is_refused_or_gives_a_model_that_predicts(folder, saved, data):
    card = json.loads(saved["card.json"])
    place = data.draw(st.sampled_from(list(places(card))))
    put(card, place, data.draw(values))
    restore(folder, saved, card=json.dumps(card).encode())
    load_or_refuse(folder)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """Where in a JSON document there is something, in words: the keys that lead there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def load_or_refuse(folder: Path) -> None:
    try:
        model = load_model(folder)
    except ModelError:
        return
    p = predict_arrays(model, ARRAYS).probabilities(model.card.temperature)
    known = np.isfinite(p).all(axis=2)
    assert known.any()
    np.testing.assert_allclose(p[known].sum(axis=1), 1.0)


@pytest.mark.parametrize("length", [2**63, 2**40, 200_000_000, 0])
def test_a_header_that_claims_to_be_huge_or_nothing(folder, saved, length):
    weights = struct.pack("<Q", length) + saved["model.safetensors"][8:]
    restore(folder, saved, model=weights, card=vouch(saved["card.json"], weights))
    with pytest.raises(ModelError, match="not in safetensors format"):
        load_model(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_far_larger_than_the_model_is_not_read(folder, name):
    with (folder / name).open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(ModelError, match=r"this is another file"):
        load_model(folder)


@pytest.mark.parametrize("claim", [10**12, 10**30, -1, 1])
def test_a_card_that_claims_another_number_of_parameters(folder, saved, claim):
    restore(folder, saved, card=vouch(saved["card.json"], saved["model.safetensors"], parameters=claim))
    with pytest.raises(ModelError):
        load_model(folder)


@pytest.mark.parametrize("change", [{"lstm_layers": 10**9}, {"gru_width": 8 * 10**9}, {"heads": 0}], ids=str)
def test_a_card_of_a_network_that_nobody_could_build(folder, saved, change):
    card = json.loads(saved["card.json"])
    restore(folder, saved, card=json.dumps(card | {"network": card["network"] | change}).encode())
    with pytest.raises(ModelError, match="no readable model card: network"):
        load_model(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.0},
        {"temperature": -1.0},
        {"n_features": 0},
        {"n_features": 4},
        {"prior": [0.5, 0.5]},
        {"prior": [0.5, 0.5, 0.5]},
        {"scaler": {"mean": [[0.0] * 3] * 3, "std": [[0.0] * 3] * 3}},
        {"scaler": {"mean": [[0.0] * 3] * 3, "std": [[1.0] * 3] * 2}},
        {"payoff": {"long": [], "short": []}},
    ],
    ids=str,
)
def test_a_card_that_no_training_ever_wrote(folder, saved, change):
    restore(folder, saved, card=vouch(saved["card.json"], saved["model.safetensors"], **change))
    with pytest.raises(ModelError, match="no readable model card"):
        load_card(folder)


def test_a_card_nested_beyond_all_measure(folder, saved):
    restore(folder, saved, card=saved["card.json"].replace(b'"spec": {', b'"spec": {"deep": ' + b"[" * 200_000, 1))
    with pytest.raises(ModelError, match="no readable model card"):
        load_card(folder)


@pytest.mark.parametrize("name", FILES)
def test_files_that_lie_elsewhere_are_not_followed(folder, tmp_path, name):
    shutil.move(folder / name, tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(ModelError, match="is no plain file"):
        load_model(folder)


def test_a_folder_in_the_place_of_a_file(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()
    with pytest.raises(ModelError, match="is no plain file"):
        load_model(folder)


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize("name", FILES)
def test_a_pickle_by_another_name_is_never_run(folder, saved, name):
    bomb = pickle.dumps(Bomb())
    if name == "card.json":
        restore(folder, saved, card=bomb)
    else:
        restore(folder, saved, model=bomb, card=vouch(saved["card.json"], bomb))
    with pytest.raises(ModelError):
        load_model(folder)


@pytest.mark.parametrize("figure", [3.5e38, -1e200])
def test_a_scaler_that_no_feature_could_have_made_is_refused(folder, saved, figure):
    card = json.loads(saved["card.json"])
    card["scaler"]["mean"][0][0] = figure
    restore(folder, saved, card=json.dumps(card).encode())
    with pytest.raises(ModelError, match="figures that no feature has"):
        load_model(folder)
