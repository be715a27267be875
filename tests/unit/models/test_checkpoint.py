import hashlib
import json
import pickle
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save as encode_weights

from helios_nautilus.errors import ModelError, SpecMismatchError
from helios_nautilus.models.checkpoint import Model, load_card, load_model, save_model
from helios_nautilus.models.predict import predict_arrays
from tests.unit.models.synthetic import make_arrays, make_model

ARRAYS = make_arrays(hours=4)


@pytest.fixture
def model() -> Model:
    return make_model(ARRAYS)


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "nano")
    return tmp_path / "nano"


def rewrite_weights(folder: Path, data: bytes) -> None:
    """Replace the weights and make the card vouch for them, as an attacker would."""
    (folder / "model.safetensors").write_bytes(data)
    edit_card(folder, weights_sha256=hashlib.sha256(data).hexdigest())


def edit_card(folder: Path, **changes: object) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | changes))


def test_loaded_model_predicts_what_the_saved_one_did(model, folder):
    loaded = load_model(folder, ARRAYS.spec_hash)
    assert loaded.card == model.card
    assert loaded.model_id == model.model_id
    np.testing.assert_array_equal(predict_arrays(loaded, ARRAYS).logits, predict_arrays(model, ARRAYS).logits)


def test_folder_holds_the_weights_and_a_readable_card_and_nothing_else(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "model.safetensors"]
    card = json.loads((folder / "card.json").read_text())
    assert card["spec_hash"] == ARRAYS.spec_hash
    assert card["weights_sha256"] == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert [path.name for path in folder.parent.iterdir()] == ["nano"], "no draft is left behind"


def test_model_is_not_overwritten_unasked(model, folder):
    before = (folder / "card.json").read_bytes()
    with pytest.raises(ModelError, match="exists already"):
        save_model(model, folder)
    assert (folder / "card.json").read_bytes() == before


def test_model_is_replaced_whole_when_asked(folder):
    other = make_model(ARRAYS, seed=9)
    save_model(other, folder, replace=True)
    assert load_model(folder).model_id == other.model_id
    assert [path.name for path in folder.parent.iterdir()] == ["nano"]


def test_folder_that_holds_more_than_a_model_is_never_replaced(model, folder):
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match=r"no part of a model: thesis\.txt"):
        save_model(model, folder, replace=True)
    assert (folder / "thesis.txt").exists()


def test_failure_while_saving_leaves_nothing_behind(model, tmp_path):
    broken = Model(network=model.network, card=msgspec.structs.replace(model.card, training={"x": object()}))
    with pytest.raises(TypeError):
        save_model(broken, tmp_path / "nano")
    assert list(tmp_path.iterdir()) == []


def test_interruption_between_the_two_moves_of_a_replacement_brings_the_old_model_back(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rename = Path.rename

    def interrupted(path, target):
        if target == folder and not path.name.endswith("-replaced"):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_model(make_model(ARRAYS, seed=1), folder, replace=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]


def test_other_features_than_the_models_are_refused_by_naming_both(folder):
    with pytest.raises(SpecMismatchError, match=r"spec-of-the-test.*live-spec"):
        load_model(folder, "live-spec")


def test_missing_folder(tmp_path):
    with pytest.raises(ModelError, match="there is no model at"):
        load_model(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["card.json", "model.safetensors"])
def test_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"not a whole model: {name} missing"):
        load_model(folder)


def test_truncated_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_model(folder)


def test_single_flipped_bit_in_the_weights(folder):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_model(folder)


@pytest.mark.parametrize("name", ["weights.pt", "model.pkl", "notes.txt"])
def test_foreign_file_in_the_folder(folder, name):
    (folder / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=f"no part of a model: {name}"):
        load_model(folder)


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize("kind", ["pickle", "torch", "text", "empty"])
def test_weights_that_are_not_safetensors_are_never_run(folder, tmp_path, kind):
    if kind == "torch":
        torch.save({"a": Bomb()}, tmp_path / "bomb")
    data = {"pickle": pickle.dumps(Bomb()), "text": b"hello", "empty": b""}.get(kind) or (
        (tmp_path / "bomb").read_bytes() if kind == "torch" else b""
    )
    rewrite_weights(folder, data)
    with pytest.raises(ModelError, match="not in safetensors format"):
        load_model(folder)


def test_tensor_of_the_wrong_shape(model, folder):
    weights = dict(model.network.state_dict()) | {"head.out.bias": torch.zeros(7)}
    rewrite_weights(folder, encode_weights(weights))
    with pytest.raises(ModelError, match=r"tensor head.out.bias is \(\(7,\)"):
        load_model(folder)


def test_missing_and_surplus_tensors(model, folder):
    weights = dict(model.network.state_dict())
    del weights["head.out.bias"]
    rewrite_weights(folder, encode_weights(weights))
    with pytest.raises(ModelError, match=r"head.out.bias is None"):
        load_model(folder)
    rewrite_weights(folder, encode_weights(dict(model.network.state_dict()) | {"extra": torch.zeros(1)}))
    with pytest.raises(ModelError, match="tensor extra"):
        load_model(folder)


def test_weights_that_are_not_finite(model, folder):
    weights = dict(model.network.state_dict()) | {"head.out.bias": torch.tensor([0.0, float("nan"), 0.0])}
    rewrite_weights(folder, encode_weights(weights))
    with pytest.raises(ModelError, match="not finite"):
        load_model(folder)


def test_card_of_another_network(folder):
    network = json.loads((folder / "card.json").read_text())["network"]
    edit_card(folder, network=network | {"gru_width": 16})
    with pytest.raises(ModelError, match="the card's network wants"):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 99}, "has format 99"),
        ({"unheard_of": 1}, "no readable model card"),
        ({"temperature": "hot"}, "no readable model card"),
        ({"network": {"heads": 8, "gru_width": 12}}, "no readable model card"),
    ],
)
def test_card_that_cannot_be_understood(folder, change, words):
    edit_card(folder, **change)
    with pytest.raises(ModelError, match=words):
        load_card(folder)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[]", b"{}"])
def test_card_that_is_no_card(folder, text):
    (folder / "card.json").write_bytes(text)
    with pytest.raises(ModelError, match="no readable model card"):
        load_card(folder)


def test_weights_name_the_model():
    one, two = make_model(ARRAYS, seed=1), make_model(ARRAYS, seed=2)
    assert one.model_id != two.model_id
    assert one.model_id == make_model(ARRAYS, seed=1).model_id
