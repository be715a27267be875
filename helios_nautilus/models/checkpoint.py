"""A model on disk: a folder with the weights and a readable card, enough to rebuild and judge it.

``model.safetensors`` holds the tensors, ``card.json`` everything else. Nothing is unpickled, ever. A folder is
written whole or not at all.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import torch
from msgspec import Struct
from safetensors import SafetensorError
from safetensors.torch import load as decode_weights
from safetensors.torch import save as encode_weights

from helios_nautilus.domain.labels import LabelConfig
from helios_nautilus.domain.payoff import PayoffTable
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.errors import ConfigError, ModelError, SpecMismatchError
from helios_nautilus.models.dataset import Scaler, Splits
from helios_nautilus.models.evaluate import Metrics
from helios_nautilus.models.network import (
    N_CLASSES,
    PRESETS,
    Device,
    HeliosNetwork,
    NetworkConfig,
    choose_device,
    count_parameters,
)
from helios_nautilus.models.profile import FeatureProfile
from helios_nautilus.models.rivals import Standing

CARD_FORMAT: Final = 2
_WEIGHTS: Final = "model.safetensors"
_CARD: Final = "card.json"
_MOST_CARD_BYTES: Final = 1 << 24
_MOST_HEADER_BYTES: Final = 1 << 20
"""What the weights' file may hold beyond the numbers themselves."""
_LARGEST: Final = 1e12
"""No scaled feature is farther from 1; single precision holds it, and its square."""
_MOST_FEATURES: Final = 1 << 12


class EpochLog(Struct, frozen=True, kw_only=True):
    """One pass over the training span. Epoch 0 is the untrained network, which predicts the base rates."""

    epoch: int
    train_loss: float | None
    validation_loss: float
    seconds: float


class ModelCard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All there is to know about a model but its weights."""

    format: int = CARD_FORMAT
    helios_version: str
    created_ns: int
    network: NetworkConfig
    n_features: int
    parameters: int
    timeframes: Timeframes
    plan: ExitPlan
    label: LabelConfig
    instrument_ids: tuple[str, ...]
    spec: dict[str, Any]
    spec_hash: str
    scaler: Scaler
    profile: FeatureProfile
    temperature: float
    payoff: PayoffTable
    prior: tuple[float, ...]
    """Base rates of the training span, in the order of `Label`."""
    data_hash: str
    data_start_ns: int
    data_end_ns: int
    splits: Splits
    seed: int
    code_commit: str | None
    training: dict[str, Any]
    """The training settings, as plain data."""
    validation_metrics: Metrics
    test_metrics: Metrics
    raw_test_metrics: Metrics
    """Before calibration: what the temperature was good for."""
    standing: Standing
    """Against the baselines, on the test rows."""
    log: tuple[EpochLog, ...]
    weights_sha256: str = ""
    """Filled in by `save_model`."""

    @property
    def preset(self) -> str:
        """Name of the network's size; ``custom`` if it is none of ours."""
        return next((name for name, network in PRESETS.items() if network == self.network), "custom")


class Model(Struct, frozen=True, kw_only=True):
    """A network ready to predict, and its card."""

    network: HeliosNetwork
    card: ModelCard

    @property
    def model_id(self) -> str:
        """The first twelve digits of the weights' hash, which name these weights and no others."""
        return self.card.weights_sha256[:12]


def build_model(network: HeliosNetwork, card: ModelCard) -> Model:
    """Tie a trained network and its card together: the card gets the hash of these weights."""
    sha256 = hashlib.sha256(_encode(network)).hexdigest()
    return Model(network=network.eval(), card=msgspec.structs.replace(card, weights_sha256=sha256))


def save_model(model: Model, folder: Path, *, replace: bool = False) -> None:
    """Write a model to a folder, in one move: a crash leaves no half of it.

    `ModelError` if the folder exists, unless ``replace`` is set and nothing but a model is in it.
    """
    if folder.exists():
        if not replace:
            raise ModelError(f"{folder} exists already; choose another folder, or ask for it to be replaced")
        _refuse_foreign(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (draft / _WEIGHTS).write_bytes(_encode(model.network))
        (draft / _CARD).write_bytes(msgspec.json.format(msgspec.json.encode(model.card)))
        draft.chmod(0o755)
        _swap_in(draft, folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _swap_in(draft: Path, folder: Path) -> None:
    """Put a folder in another's place; interrupted in between, the old one comes back."""
    old = draft.with_name(f"{draft.name}-replaced")
    try:
        if folder.exists():
            folder.rename(old)
        draft.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _encode(network: HeliosNetwork) -> bytes:
    weights = {name: each.detach().cpu().contiguous() for name, each in network.state_dict().items()}
    encoded: bytes = encode_weights(weights)
    return encoded


def load_model(folder: Path, expected_spec_hash: str | None = None, device: Device = "cpu") -> Model:
    """Read a model, refusing with `ModelError` what is missing, damaged or foreign.

    ``expected_spec_hash`` names the features that will be served; `SpecMismatchError` if the model wants others.
    """
    card = load_card(folder)
    if expected_spec_hash is not None and card.spec_hash != expected_spec_hash:
        raise SpecMismatchError(
            f"model {folder.name} was trained on features {card.spec_hash}, but {expected_spec_hash} are served; "
            "train a model on the live features or serve those of the model"
        )
    weights = _read_weights(folder / _WEIGHTS, card)
    # Nothing is allocated for what a card merely claims: the tensors that were read become the parameters.
    with torch.device("meta"):
        network = HeliosNetwork(card.network, card.n_features, card.timeframes)
    _check_shapes(folder, network, weights)
    if count_parameters(network) != card.parameters:
        raise ModelError(
            f"{folder / _CARD} names {card.parameters:,} parameters, its network has others; train it anew"
        )
    network.load_state_dict(weights, assign=True)
    return Model(network=network.to(choose_device(device)).eval().requires_grad_(requires_grad=False), card=card)


def load_card(folder: Path) -> ModelCard:
    """Read the card of a model alone; `ModelError` if the folder is not a model of this version."""
    if not folder.is_dir():
        raise ModelError(f"there is no model at {folder}")
    names = {path.name for path in folder.iterdir()}
    if missing := {_WEIGHTS, _CARD} - names:
        raise ModelError(f"{folder} is not a whole model: {' and '.join(sorted(missing))} missing")
    _refuse_foreign(folder)
    try:
        text = _read_bounded(folder / _CARD, _MOST_CARD_BYTES)
        version = msgspec.json.decode(text, type=_CardFormat).format
        if version != CARD_FORMAT:
            raise ModelError(f"{folder / _CARD} has format {version}, this Helios reads {CARD_FORMAT}; train it anew")
        card = msgspec.json.decode(text, type=ModelCard)
    except (UnicodeDecodeError, msgspec.DecodeError, ConfigError, RecursionError) as error:
        raise ModelError(f"{folder / _CARD} is no readable model card: {error}") from error
    if trouble := _find_nonsense(card):
        raise ModelError(f"{folder / _CARD} is no readable model card: {trouble}")
    return card


def hash_card(folder: Path) -> str:
    """SHA-256 of a model's card, which names the weights as well; `ModelError` if it cannot be read."""
    return hashlib.sha256(_read_bounded(folder / _CARD, _MOST_CARD_BYTES)).hexdigest()


def _refuse_foreign(folder: Path) -> None:
    if foreign := {path.name for path in folder.iterdir()} - {_WEIGHTS, _CARD}:
        raise ModelError(f"{folder} holds what is no part of a model: {', '.join(sorted(foreign))}; remove it first")
    for path in folder.iterdir():
        if path.is_symlink() or not path.is_file():
            raise ModelError(f"{path} is no plain file: what a model is made of lies in its own folder; copy it there")


def _find_nonsense(card: ModelCard) -> str | None:
    """What well-formed JSON may still say and no training ever wrote, in words."""
    columns = (*card.scaler.mean, *card.scaler.std)
    if not 0 < card.n_features <= _MOST_FEATURES or {len(each) for each in columns} != {card.n_features}:
        return f"the scaler does not fit {card.n_features} features"
    if len(card.scaler.mean) != 3 or len(card.scaler.std) != 3:
        return "the scaler does not fit three timeframes"
    if not 0 < card.scaler.clip <= _LARGEST or min(map(min, card.scaler.std)) < 1.0 / _LARGEST:
        return "the scaler divides by what is not above 0"
    if max(abs(each) for column in columns for each in column) > _LARGEST:
        return "the scaler has figures that no feature has"
    if not 0.01 <= card.temperature <= 100:
        return f"no temperature is {card.temperature:g}"
    if len(card.prior) != N_CLASSES or min(card.prior) <= 0 or abs(sum(card.prior) - 1.0) > 1e-6:
        return "the base rates do not sum to one"
    for bins in (card.payoff.long, card.payoff.short):
        if not bins or min(min(each.mean_win, each.mean_loss) for each in bins) <= 0:
            return "the payoff table names no bet"
    return None


class _CardFormat(Struct):
    format: int


def _read_weights(path: Path, card: ModelCard) -> dict[str, torch.Tensor]:
    data = _read_bounded(path, 4 * card.parameters + _MOST_HEADER_BYTES)
    if hashlib.sha256(data).hexdigest() != card.weights_sha256:
        raise ModelError(f"{path} is damaged or not the file that its card describes: the SHA-256 differs")
    try:
        weights: dict[str, torch.Tensor] = decode_weights(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is not in safetensors format: {error}") from error
    return weights


def _read_bounded(path: Path, most: int) -> bytes:
    """A file's content, unless it is larger than ``most`` bytes: a foreign file is not worth the memory."""
    try:
        if (size := path.stat().st_size) > most:
            raise ModelError(f"{path} holds {size:,} bytes; its model needs {most:,} at most: this is another file")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error}") from error


def _check_shapes(folder: Path, network: HeliosNetwork, weights: dict[str, torch.Tensor]) -> None:
    expected = network.state_dict()
    for name in sorted(expected.keys() | weights.keys()):
        wanted = (tuple(expected[name].shape), expected[name].dtype) if name in expected else None
        found = (tuple(weights[name].shape), weights[name].dtype) if name in weights else None
        if wanted != found:
            raise ModelError(f"model {folder.name}: tensor {name} is {found}, the card's network wants {wanted}")
        if not torch.isfinite(weights[name]).all():
            raise ModelError(f"model {folder.name}: tensor {name} holds values that are not finite")
