"""Training arrays kept in the catalogue: found again while nothing they depend on has changed, else made anew."""

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.labels import LabelConfig
from helios_nautilus.domain.plan import Costs, ExitPlan
from helios_nautilus.domain.risk.volatility import VolatilityRules
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.errors import LookaheadError
from helios_nautilus.history import array_cache
from helios_nautilus.history.array_cache import FOLDER, Rules, cached_arrays
from helios_nautilus.history.arrays import build_arrays, export_arrays
from helios_nautilus.models.dataset import Arrays
from helios_nautilus.simulator.market import MarketConfig
from tests.integration.markets import IDS, write_market

RULES = Rules(
    spec=FeatureSpec(universe=IDS, reference=IDS[0]),
    plan=ExitPlan(hold_mins=60),
    label=LabelConfig(),
    volatility=VolatilityRules(),
)
MARKET = MarketConfig(seed=4, days=3, trades_days=0)
END = MARKET.start_ns + 3 * NS_PER_DAY


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("market")
    write_market(path, MARKET)
    return path


@pytest.fixture
def catalog(market: Path, tmp_path: Path) -> Path:
    (tmp_path / "data").symlink_to(market / "data")
    return tmp_path


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Arrays]:
    """What the cache had to make."""
    made: list[Arrays] = []

    def build(*given) -> Arrays:
        made.append(build_arrays(*given))
        return made[-1]

    monkeypatch.setattr(array_cache, "build_arrays", build)
    return made


def get(catalog: Path, rules: Rules = RULES, end_ns: int = END) -> Arrays:
    return cached_arrays(catalog, rules, MARKET.start_ns, end_ns)


def entries(catalog: Path) -> list[Path]:
    return sorted((catalog / FOLDER).iterdir())


def test_second_training_finds_what_the_first_made(catalog, made):
    first, second = get(catalog), get(catalog)
    assert len(made) == 1
    assert isinstance(second.series[0].x, np.memmap)
    plain = export_arrays(catalog, RULES.spec, MARKET.start_ns, END, RULES.plan, RULES.label, RULES.volatility)
    for arrays in (first, second):
        np.testing.assert_array_equal(arrays.label, plain.label)
        np.testing.assert_array_equal(arrays.series[2].x, plain.series[2].x)
        assert (arrays.spec_hash, arrays.data_hash, arrays.plan) == (plain.spec_hash, plain.data_hash, plain.plan)


@pytest.mark.parametrize(
    "changed",
    [
        {"spec": structs.replace(RULES.spec, calendar=True)},
        {"plan": structs.replace(RULES.plan, costs=Costs(taker_fee=0.004))},
        {"label": LabelConfig(kind="triple_barrier")},
        {"volatility": VolatilityRules(window_days=20)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_other_rules_have_an_entry_of_their_own(catalog, made, changed):
    get(catalog)
    get(catalog, structs.replace(RULES, **changed))
    assert len(made) == len(entries(catalog)) == 2


def test_other_data_and_other_code_have_an_entry_of_their_own(catalog, made, monkeypatch):
    get(catalog)
    get(catalog, end_ns=END - NS_PER_HOUR)
    monkeypatch.setattr(array_cache, "_CODE", ("domain",))
    get(catalog)
    assert len(made) == len(entries(catalog)) == 3


def cut_tail(entry: Path) -> None:
    path = entry / "decision_label.npy"
    path.write_bytes(path.read_bytes()[:-100])


def lose_a_file(entry: Path) -> None:
    (entry / "meta.json").unlink()


@pytest.mark.parametrize("damage", [cut_tail, lose_a_file])
def test_damaged_entry_is_made_anew(catalog, made, damage):
    get(catalog)
    (entry,) = entries(catalog)
    damage(entry)
    np.testing.assert_array_equal(get(catalog).label, made[0].label)
    assert len(made) == 2
    assert entries(catalog) == [entry]


def test_entry_whose_labels_were_tampered_with_is_refused(catalog):
    get(catalog)
    label = np.load(entries(catalog)[0] / "decision_label.npy")
    np.save(entries(catalog)[0] / "decision_label.npy", np.roll(label, 1, axis=0))
    with pytest.raises(LookaheadError, match="label of"):
        get(catalog)


def test_interrupted_making_leaves_no_entry(catalog, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(array_cache, "save_arrays", interrupted)
    with pytest.raises(KeyboardInterrupt):
        get(catalog)
    assert entries(catalog) == []


def test_entry_unused_for_longest_makes_room(catalog, made, monkeypatch):
    monkeypatch.setattr(array_cache, "_KEPT", 2)
    ends = [END, END - NS_PER_HOUR, END - 2 * NS_PER_HOUR]
    for end_ns in (ends[0], ends[1], ends[0], ends[2]):
        get(catalog, end_ns=end_ns)
    assert len(made) == 3
    get(catalog, end_ns=ends[0])
    assert len(made) == 3
    get(catalog, end_ns=ends[1])
    assert len(made) == 4
