import json
import shutil
import threading
from pathlib import Path

import pytest

from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.errors import ConfigError, ModelError
from helios_nautilus.models.checkpoint import load_model
from helios_nautilus.models.pointer import Pointer, pointer_file_name, read_pointer
from helios_nautilus.models.registry import Registry
from tests.unit.models.synthetic import make_arrays, make_model

ARRAYS = make_arrays(hours=4)
SPEC, PLAN = ARRAYS.spec_hash, ARRAYS.plan


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Three models, none of them in charge."""
    registry = Registry(tmp_path / "models")
    for seed, name in enumerate(("old", "new", "newest")):
        registry.add(make_model(ARRAYS, seed=seed), name)
    return registry


def put_in_charge(registry: Registry, *names: str) -> Pointer:
    for ts_ns, name in enumerate(names):
        pointer = registry.promote(name, ts_ns=ts_ns, who="ann", why=f"{name} it is")
    return pointer


def pointer_path(registry: Registry) -> Path:
    return registry.folder / pointer_file_name("champion", SPEC, PLAN)


def test_a_registry_that_is_not_there_holds_nothing(tmp_path):
    registry = Registry(tmp_path / "nowhere")
    assert (registry.names(), registry.pointers(), registry.verify()) == ((), (), ())
    with pytest.raises(ModelError, match="holds no model named x; there are: none"):
        registry.card("x")
    with pytest.raises(ModelError, match="there is no registry at"):
        registry.roll_back("x", ts_ns=0, who="ann", why="by mistake")


def test_models_are_kept_under_names_of_their_own(registry):
    assert registry.names() == ("new", "newest", "old")
    assert registry.card("old") == load_model(registry.folder / "old").card
    with pytest.raises(ModelError, match="exists already"):
        registry.add(make_model(ARRAYS), "old")


@pytest.mark.parametrize("name", ["", "..", "../old", "a/b", ".hidden", "a b"])
def test_a_name_that_could_lead_out_of_the_registry_is_refused(registry, name):
    with pytest.raises(ModelError, match="cannot be named"):
        registry.add(make_model(ARRAYS), name)
    with pytest.raises(ModelError, match="holds no model named"):
        registry.card(name)


def test_nobody_is_in_charge_until_somebody_was_promoted(registry):
    with pytest.raises(ModelError, match=r"no champion for features spec-of-the-test and this exit plan; promote"):
        registry.champion(SPEC, PLAN)


def test_the_champion_of_some_features_and_a_plan_is_found_by_them(registry):
    put_in_charge(registry, "old", "new")
    assert registry.champion(SPEC, PLAN) == registry.folder / "new"
    for spec, plan in (("other", PLAN), (SPEC, ExitPlan(hold_mins=30))):
        with pytest.raises(ModelError, match="no champion"):
            registry.champion(spec, plan)


def test_pointers_of_other_names_go_their_own_ways(registry):
    put_in_charge(registry, "old")
    registry.promote("new", ts_ns=9, who="bob", why="on paper", pointer="paper")
    assert registry.champion(SPEC, PLAN).name == "old"
    assert registry.champion(SPEC, PLAN, pointer="paper").name == "new"
    with pytest.raises(ConfigError, match="cannot be named"):
        registry.promote("new", ts_ns=9, who="bob", why="out of here", pointer="../paper")


def test_the_history_says_who_when_and_why_and_is_only_ever_added_to(registry):
    first = put_in_charge(registry, "old")
    second = registry.promote("new", ts_ns=7, who="bob", why="better", objections=("too few days",))
    assert second.history[:1] == first.history
    change = second.current
    assert (change.action, change.model, change.ts_ns, change.who, change.why) == ("promote", "new", 7, "bob", "better")
    assert change.is_forced
    assert change.objections == ("too few days",)
    assert not first.current.is_forced
    assert registry.pointers() == (second,)


def test_rolling_back_returns_to_the_one_before_and_is_written_down(registry):
    put_in_charge(registry, "old", "new", "newest")
    registry.roll_back("newest", ts_ns=8, who="bob", why="it lost")
    assert registry.champion(SPEC, PLAN).name == "new"
    pointer = registry.roll_back("new", ts_ns=9, who="bob", why="so did it")
    assert registry.champion(SPEC, PLAN).name == "old"
    assert [(each.action, each.model) for each in pointer.history] == [
        *(("promote", name) for name in ("old", "new", "newest")),
        *(("roll_back", name) for name in ("new", "old")),
    ]
    with pytest.raises(ModelError, match="old is the first champion: there is none before it"):
        registry.roll_back("old", ts_ns=10, who="bob", why="and this one")


def test_a_promotion_after_a_roll_back_rolls_back_to_what_was_in_charge_then(registry):
    put_in_charge(registry, "old", "new")
    registry.roll_back("new", ts_ns=8, who="bob", why="it lost")
    put_in_charge(registry, "newest")
    assert registry.roll_back("newest", ts_ns=9, who="bob", why="too").current.model == "old"


def test_only_the_model_in_charge_is_rolled_back(registry):
    put_in_charge(registry, "old", "new")
    with pytest.raises(ModelError, match="old is no champion"):
        registry.roll_back("old", ts_ns=9, who="bob", why="by mistake")


def test_a_ruined_champion_is_refused_and_can_be_rolled_back(registry):
    put_in_charge(registry, "old", "new")
    shutil.rmtree(registry.folder / "new")
    with pytest.raises(ModelError, match="holds no model named new"):
        registry.champion(SPEC, PLAN)
    registry.roll_back("new", ts_ns=9, who="bob", why="it is gone")
    assert registry.champion(SPEC, PLAN).name == "old"


def test_there_is_no_return_to_a_model_that_has_changed(registry):
    put_in_charge(registry, "old", "new")
    (registry.folder / "old" / "card.json").write_text("{}")
    before = pointer_path(registry).read_bytes()
    with pytest.raises(ModelError, match="no readable model card"):
        registry.roll_back("new", ts_ns=9, who="bob", why="it lost")
    assert pointer_path(registry).read_bytes() == before


def test_a_card_that_was_changed_after_its_promotion_is_not_followed(registry):
    put_in_charge(registry, "old")
    path = registry.folder / "old" / "card.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"temperature": 0.5}))
    assert load_model(registry.folder / "old").card.temperature == 0.5
    with pytest.raises(ModelError, match="its card has changed since; promote it again or roll it back"):
        registry.champion(SPEC, PLAN)


def test_swapped_cards_are_noticed(registry):
    put_in_charge(registry, "old")
    one, two = (registry.folder / name / "card.json" for name in ("old", "new"))
    texts = one.read_bytes(), two.read_bytes()
    one.write_bytes(texts[1])
    two.write_bytes(texts[0])
    troubles = {finding.what: finding.trouble for finding in registry.verify()}
    assert "SHA-256 differs" in troubles["old"]
    assert "SHA-256 differs" in troubles["new"]
    assert "its card has changed since" in troubles[pointer_path(registry).name]
    assert troubles["newest"] is None


def test_an_unsound_model_is_not_put_in_charge(registry):
    weights = registry.folder / "new" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match="SHA-256 differs"):
        put_in_charge(registry, "new")
    assert registry.pointers() == ()


def test_a_model_elsewhere_is_not_followed_by_a_link(registry, tmp_path):
    shutil.move(registry.folder / "old", tmp_path / "elsewhere")
    (registry.folder / "old").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="is a link: a registry holds its own models"):
        put_in_charge(registry, "old")


def test_a_sound_registry_verifies(registry):
    put_in_charge(registry, "old")
    findings = registry.verify()
    assert [finding.what for finding in findings] == ["new", "newest", "old", pointer_path(registry).name]
    assert [finding.trouble for finding in findings] == [None] * 4


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '"\\ud800"', "[" * 100_000],
    ids=["empty", "cut", "list", "bare", "surrogate", "deep"],
)
def test_a_pointer_that_is_none(registry, text):
    put_in_charge(registry, "old")
    pointer_path(registry).write_text(text)
    with pytest.raises(ModelError, match="no readable pointer"):
        registry.champion(SPEC, PLAN)
    assert "no readable pointer" in registry.verify()[-1].trouble


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"history": []}, "no readable pointer"),
        ({"spec_hash": "other"}, "no readable pointer"),
        ({"unheard_of": 1}, "no readable pointer"),
        ({"format": 2}, "no readable pointer"),
    ],
    ids=str,
)
def test_a_pointer_that_speaks_of_something_else(registry, change, words):
    put_in_charge(registry, "old")
    path = pointer_path(registry)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match=words):
        registry.champion(SPEC, PLAN)


def test_a_history_that_rolls_back_to_what_never_was(registry):
    put_in_charge(registry, "old", "new")
    path = pointer_path(registry)
    document = json.loads(path.read_text())
    document["history"][1] |= {"action": "roll_back"}
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match="never in charge"):
        read_pointer(path)


def test_no_change_is_lost_when_many_promote_at_once(registry):
    def promote(number: int) -> None:
        registry.promote("old", ts_ns=number, who="ann", why="all at once")

    threads = [threading.Thread(target=promote, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (pointer,) = registry.pointers()
    assert sorted(change.ts_ns for change in pointer.history) == list(range(8))


def test_an_interrupted_change_leaves_the_pointer_as_it_was(registry, monkeypatch):
    put_in_charge(registry, "old")
    before = pointer_path(registry).read_bytes()

    def interrupted(path, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put_in_charge(registry, "new")
    assert pointer_path(registry).read_bytes() == before
    assert registry.champion(SPEC, PLAN).name == "old"
