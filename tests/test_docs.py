import re
from pathlib import Path

import pytest

from helios_nautilus.cli.reference import reference
from helios_nautilus.cli.settings import settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "catalog" / "README.md"])


def test_the_command_line_reference_is_what_the_commands_say() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == reference(), "run 'make docs'"


def test_the_configuration_reference_is_what_the_structs_say() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == settings(), "run 'make docs'"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_file_the_readme_maps_is_there() -> None:
    named = re.findall(r"^(helios_nautilus/\w+|\w+/)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_signposts_at_the_root_lead_into_the_package() -> None:
    for name in ("adapters", "strategies", "actors", "models"):
        signpost = ROOT / name
        assert signpost.is_symlink()
        assert not signpost.readlink().is_absolute()
        assert signpost.resolve() == ROOT / "helios_nautilus" / name
