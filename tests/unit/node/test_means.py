"""What of an account survives a restart, and is nobody else's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helios_nautilus.config import load_config
from helios_nautilus.journal.bet_file import BetFile
from helios_nautilus.journal.connect import HOME
from helios_nautilus.journal.records import Mode
from helios_nautilus.node.means import bet_file
from tests.acceptance.cli import SMALL, write_config
from tests.integration.journal.samples import KEPT_BET

type Store = Callable[..., BetFile]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Where a node of a mode keeps its bets, if it is configured so."""
    monkeypatch.setenv(HOME, str(tmp_path))

    def store(mode: Mode, **changed: Any) -> BetFile:
        settings = {**SMALL, **{name.replace("__", "."): value for name, value in changed.items()}}
        config = load_config(write_config(tmp_path / "run.toml", settings)).config
        return bet_file(config, mode, "run", lambda _word, _how: None)

    return store


def test_a_paper_account_s_bets_are_not_taken_up_by_one_of_another_name(store: Store) -> None:
    store("paper").save([KEPT_BET])
    assert store("paper", name="other").load() == ()
    assert store("paper").load() == (KEPT_BET,)


def test_a_live_account_s_bets_are_taken_up_whatever_the_configuration_is_called(store: Store) -> None:
    store("live").save([KEPT_BET])
    assert store("live", name="other").load() == (KEPT_BET,)
    assert store("live", venue__sub_account="8").load() == ()
    assert store("paper").load() == ()
