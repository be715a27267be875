from pathlib import Path

import pytest

from helios_nautilus.dashboard.tokens import TokenFile, load_secret
from helios_nautilus.errors import ConfigError


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "dashboard" / "tokens.json")


def test_a_token_is_found_by_itself_alone(tokens: TokenFile) -> None:
    given, other = tokens.add("ann", "viewer", 1), tokens.add("bob", "admin", 2)
    found = tokens.find(given)
    assert found is not None
    assert (found.name, found.role, found.created_ns) == ("ann", "viewer", 1)
    assert given != other
    for wrong in (given[:-1], given + "x", given.upper(), "", found.digest, "\udcff"):
        assert tokens.find(wrong) is None


def test_without_a_file_nothing_is_a_token(tokens: TokenFile) -> None:
    assert tokens.tokens() == ()
    assert tokens.find("") is None
    assert tokens.find("-" * 64) is None


def test_the_same_token_is_never_kept_the_same_way_twice(tokens: TokenFile, tmp_path: Path) -> None:
    tokens.add("ann", "viewer", 1)
    tokens.add("bob", "viewer", 1)
    ann, bob = tokens.tokens()
    assert ann.salt != bob.salt
    assert ann.digest != bob.digest


def test_the_file_holds_no_token_and_is_for_its_owner(tokens: TokenFile, tmp_path: Path) -> None:
    given = tokens.add("ann", "viewer", 1)
    path = tmp_path / "dashboard" / "tokens.json"
    assert given.removeprefix("helios_") not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_another_process_that_revokes_is_noticed(tokens: TokenFile, tmp_path: Path) -> None:
    given = tokens.add("ann", "viewer", 1)
    assert tokens.find(given) is not None
    TokenFile(tmp_path / "dashboard" / "tokens.json").revoke("ann")
    assert tokens.find(given) is None


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "a\x1bb"])
def test_a_name_that_would_not_fit_a_line_is_refused(tokens: TokenFile, name: str) -> None:
    with pytest.raises(ConfigError, match="a line of up to 64"):
        tokens.add(name, "viewer", 1)


def test_a_name_is_taken_once(tokens: TokenFile) -> None:
    tokens.add("ann", "viewer", 1)
    with pytest.raises(ConfigError, match="already"):
        tokens.add("ann", "admin", 2)


def test_only_what_is_there_can_be_revoked(tokens: TokenFile) -> None:
    with pytest.raises(ConfigError, match="no token ann"):
        tokens.revoke("ann")


@pytest.mark.parametrize("content", ["", "{", '[{"name": "ann"}]', '[{"nome": "ann"}]'])
def test_a_file_that_cannot_be_read_lets_nobody_in(tokens: TokenFile, tmp_path: Path, content: str) -> None:
    given = tokens.add("ann", "viewer", 1)
    (tmp_path / "dashboard" / "tokens.json").write_text(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        tokens.find(given)


def test_a_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "new" / "session.key"
    made = load_secret(path)
    assert load_secret(path) == made
    assert len(made) == 32
    assert path.stat().st_mode & 0o077 == 0


def test_a_key_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "session.key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="no key"):
        load_secret(tmp_path / "session.key")
