"""A model trained anew each day, and a backtest in which each decision takes what was in charge by then."""

import shutil
from pathlib import Path

import pytest
from msgspec import structs

from helios_nautilus.config import HeliosConfig, LoadedConfig, load_config
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.errors import ConfigError, LookaheadError, ModelError, NotEnoughHistoryError
from helios_nautilus.journal.records import FillRecord, PredictionRecord, SizingRecord
from helios_nautilus.models.checkpoint import load_model
from helios_nautilus.models.pointer import Pointer
from helios_nautilus.models.registry import Registry
from helios_nautilus.models.rivals import Standing
from helios_nautilus.models.schedule import Cadence
from helios_nautilus.node.backtest import BacktestResult, run_backtest
from helios_nautilus.node.model import load_terms
from helios_nautilus.node.predictions import write_predictions
from helios_nautilus.node.retrain import Outcome, retrain
from helios_nautilus.simulator.market import MarketConfig
from tests.acceptance.cli import EAGER, snapshot, succeed, write_config
from tests.integration.markets import write_market
from tests.unit.models.test_promotion import standing

CADENCE = Cadence(every="1d", window="4d", allowance="2h")
NAMES = tuple(f"helios-nano-2026010{day}T0000-4d" for day in (5, 6, 7))
MADE_NS = 1_800_000_000_000_000_000


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    """Six days of a market, candidates of its first four, five and six; the last two days are to be traded."""
    folder = tmp_path_factory.mktemp("retrained")
    write_market(folder / "market", MarketConfig(seed=4, days=6, trades_days=0))
    return folder, bring_up(config_of(folder).config)


@pytest.fixture
def desk(trained: tuple[Path, list[Outcome]], tmp_path: Path) -> Path:
    """A copy of it to work in."""
    shutil.copytree(trained[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def config_of(folder: Path, **changed: object) -> LoadedConfig:
    settings = {
        **EAGER,
        "gate.provider": "off",
        "data.catalog": str(folder / "market"),
        "model.folder": str(folder / "unused"),
        "model.registry": str(folder / "registry"),
        "model.follow": "history",
        "training.window.end": "2026-01-05",
        "training.optimiser.epochs": 1,
        "backtest.start": "2026-01-05",
        "backtest.end": "2026-01-07",
        **{name.replace("__", "."): value for name, value in changed.items()},
    }
    return load_config(write_config(folder / "run.toml", settings))


def bring_up(config: HeliosConfig, cadence: Cadence = CADENCE) -> list[Outcome]:
    return list(retrain(config, cadence, since_ns=config.backtest.start_ns, created_ns=MADE_NS))


def registry_of(folder: Path) -> Registry:
    return Registry(folder / "registry")


def let_pass(registry: Registry, *names: str) -> None:
    """Give models a card on which they are better than every baseline: what the gate reads."""
    for name in names:
        judge(registry, name, standing())


def judge(registry: Registry, name: str, found: Standing) -> None:
    model = load_model(registry.folder / name)
    shutil.rmtree(registry.folder / name)
    registry.add(structs.replace(model, card=structs.replace(model.card, standing=found)), name)


def put_in_charge(registry: Registry, name: str, ts_ns: int) -> Pointer:
    return registry.promote(name, ts_ns=ts_ns, who="ann", why="a test", objections=("none of it is serious",))


def hour(config: HeliosConfig, hours: int) -> int:
    return config.backtest.start_ns + hours * NS_PER_HOUR


# Training and promotion


def test_candidates_are_trained_on_their_own_window_and_stopped_at_the_gate(
    trained: tuple[Path, list[Outcome]],
) -> None:
    folder, outcomes = trained
    registry = registry_of(folder)
    assert tuple(outcome.name for outcome in outcomes) == registry.names() == NAMES
    assert registry.pointers() == ()
    for outcome in outcomes:
        card = registry.card(outcome.name)
        assert outcome.until_ns - 4 * NS_PER_DAY < card.data_start_ns
        assert card.data_end_ns <= outcome.until_ns == outcome.ready_ns - 2 * NS_PER_HOUR
        assert (outcome.made, outcome.promoted) == ("now", False)
        assert "test span has" in outcome.objections[0]
    assert len({registry.card(name).seed for name in NAMES}) == 3


def test_second_call_keeps_what_is_there_and_trains_what_is_missing_to_the_same_weights(desk: Path) -> None:
    registry, last = registry_of(desk), NAMES[-1]
    before, weights = snapshot(registry.folder), load_model(registry.folder / last).model_id
    shutil.rmtree(registry.folder / last)
    assert [outcome.made for outcome in bring_up(config_of(desk).config)] == ["earlier", "earlier", "now"]
    assert load_model(registry.folder / last).model_id == weights
    assert snapshot(registry.folder).keys() == before.keys()


def test_candidates_that_pass_the_gate_are_in_charge_from_when_they_could_be_ready(desk: Path) -> None:
    config, registry = config_of(desk).config, registry_of(desk)
    let_pass(registry, NAMES[0], NAMES[2])
    outcomes = bring_up(config)
    assert [outcome.promoted for outcome in outcomes] == [True, False, True]
    (pointer,) = registry.pointers()
    in_history = [(change.model, change.ts_ns, change.is_forced) for change in pointer.history]
    assert in_history == [(each.name, each.ready_ns, False) for each in outcomes if each.promoted]
    before = snapshot(registry.folder)
    assert [outcome.promoted for outcome in bring_up(config)] == [True, False, True]
    assert snapshot(registry.folder) == before


def test_candidate_is_not_put_in_charge_behind_a_later_one(desk: Path) -> None:
    config, registry = config_of(desk).config, registry_of(desk)
    let_pass(registry, *NAMES)
    put_in_charge(registry, NAMES[2], hour(config, 40))
    first, _, last = bring_up(config)
    assert (first.promoted, last.promoted) == (False, True)
    assert f"{NAMES[2]} has been put in charge for a later time already" in first.objections


def test_training_that_took_longer_than_it_may_is_not_promoted(desk: Path) -> None:
    config, registry = config_of(desk).config, registry_of(desk)
    let_pass(registry, *NAMES)
    slow = load_model(registry.folder / NAMES[0])
    log = tuple(structs.replace(epoch, seconds=1.5 * 3600) for epoch in slow.card.log)
    shutil.rmtree(registry.folder / NAMES[0])
    registry.add(structs.replace(slow, card=structs.replace(slow.card, log=log)), NAMES[0])
    first, *others = bring_up(config)
    assert first.objections == ("training took 3.0 hours, but 2 are allowed for it",)
    assert all(other.promoted for other in others)


def test_model_of_the_same_name_but_other_settings_is_refused(desk: Path) -> None:
    with pytest.raises(ModelError, match=f"holds a model {NAMES[0]} that was trained with other settings"):
        bring_up(config_of(desk, training__optimiser__weight_decay=0.5).config)


def test_nothing_due_is_said_with_what_there_is(desk: Path) -> None:
    with pytest.raises(NotEnoughHistoryError, match="from 2026-01-01T00:00 to 2026-01-07T00:00: no 90d end"):
        bring_up(config_of(desk).config, Cadence(every="1d", window="90d"))


def test_candidate_whose_window_is_too_short_to_learn_from_is_told_and_the_others_go_on(desk: Path) -> None:
    outcomes = bring_up(config_of(desk).config, Cadence(every="1d", window="1d"))
    assert {outcome.made for outcome in outcomes} == {"not"}
    assert all("features need 100 unbroken bars" in outcome.objections[0] for outcome in outcomes)
    assert registry_of(desk).names() == NAMES


def test_retraining_without_a_registry_is_refused(desk: Path) -> None:
    with pytest.raises(ConfigError, match=r"name a folder as model\.registry"):
        bring_up(config_of(desk, model__registry=None, model__follow="current").config)


# A backtest that follows the history


@pytest.fixture(scope="module")
def followed(trained: tuple[Path, list[Outcome]], tmp_path_factory: pytest.TempPathFactory) -> LoadedConfig:
    """The first model is in charge from 02:00, the second from 02:00 on the next day; the third comes too late."""
    folder = tmp_path_factory.mktemp("followed")
    shutil.copytree(trained[0], folder, dirs_exist_ok=True)
    loaded, registry = config_of(folder), registry_of(folder)
    for name, hours in zip(NAMES, (2, 26, 50), strict=True):
        put_in_charge(registry, name, hour(loaded.config, hours))
    return loaded


@pytest.fixture(scope="module")
def result(followed: LoadedConfig) -> BacktestResult:
    return run_backtest(followed)


def test_no_decision_used_a_model_that_had_seen_what_came_after_it(
    followed: LoadedConfig, result: BacktestResult
) -> None:
    registry = registry_of(followed.config.data.catalog.parent)
    cards = {load_model(registry.folder / name).model_id: registry.card(name) for name in NAMES}
    told = result.journal.of(PredictionRecord)
    for record in told:
        assert cards[record.model_id].data_end_ns <= record.ts_ns - 2 * NS_PER_HOUR
    days = [
        {record.model_id for record in told if start <= record.ts_ns < end}
        for start, end in ((0, 2), (2, 26), (26, 48))
        for start, end in [(hour(followed.config, start), hour(followed.config, end))]
    ]
    first, second, _ = cards
    assert days == [set(), {first}, {second}]


def test_each_bet_is_sized_with_the_payoffs_of_the_model_that_proposed_it(
    followed: LoadedConfig, result: BacktestResult
) -> None:
    models = {term.model.model_id: term.model for term in load_terms(followed.config)}
    said = {record.decision_id: record for record in result.journal.of(PredictionRecord)}
    sized = result.journal.of(SizingRecord)
    assert {said[record.decision_id].model_id for record in sized} == models.keys()
    for record in sized:
        prediction = said[record.decision_id]
        bins = models[prediction.model_id].card.payoff
        wins = {each.win_rate for each in (*bins.long, *bins.short)}
        assert any(record.p_win == pytest.approx(win, abs=1e-9) for win in wins)


def test_the_run_names_the_models_it_followed(followed: LoadedConfig, result: BacktestResult) -> None:
    notes = " ".join(result.run.notes)
    for term, moment in zip(load_terms(followed.config), ("2026-01-05T02:00", "2026-01-06T02:00"), strict=True):
        assert f"Model {term.model.model_id}, in charge from {moment} on" in notes


def test_predictions_written_in_one_pass_are_those_of_the_models_in_line(
    followed: LoadedConfig, result: BacktestResult
) -> None:
    write_predictions(followed.config)
    config = followed.config
    model = structs.replace(config.model, predictions="catalogue")
    replayed = run_backtest(structs.replace(followed, config=structs.replace(config, model=model)))
    in_line = {record.decision_id: record for record in result.journal.of(PredictionRecord)}
    for record in replayed.journal.of(PredictionRecord):
        told = in_line.pop(record.decision_id)
        assert (record.model_id, record.ts_ns) == (told.model_id, told.ts_ns)
        assert (record.p_buy, record.p_sell) == pytest.approx((told.p_buy, told.p_sell), abs=1e-5)
    assert in_line == {}
    assert len(replayed.journal.of(FillRecord)) == len(result.journal.of(FillRecord)) > 0


def test_model_in_charge_before_the_end_of_its_own_data_is_a_look_ahead(desk: Path) -> None:
    loaded = config_of(desk)
    put_in_charge(registry_of(desk), NAMES[1], hour(loaded.config, 23))
    with pytest.raises(LookaheadError, match=r"in charge from 2026-01-05T23:00.* but has seen data up to 2026-01-06"):
        run_backtest(loaded)


def test_history_in_which_nobody_was_in_charge_by_then_is_refused(desk: Path) -> None:
    loaded = config_of(desk)
    put_in_charge(registry_of(desk), NAMES[2], hour(loaded.config, 50))
    with pytest.raises(ModelError, match=r"no champion of .* was in charge between 2026-01-05 and 2026-01-07"):
        run_backtest(loaded)


def test_following_history_looks_ahead_nowhere(followed: LoadedConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(followed.config.data.catalog.parent)
    findings = succeed("verify", "lookahead", "run.toml", "--days", "0.15", "--times", "1", "--json").json
    assert {finding["passed"] for finding in findings} == {True}
