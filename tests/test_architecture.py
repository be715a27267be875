"""What the layout promises: the domain stands alone, every module can be imported, and public names stay."""

import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages

import click

import helios_nautilus
from helios_nautilus import errors, history
from helios_nautilus.cli.main import cli
from helios_nautilus.errors import HeliosError

MODULES = sorted(module.name for module in walk_packages(helios_nautilus.__path__, "helios_nautilus."))
DOMAIN = [name for name in MODULES if name.startswith("helios_nautilus.domain")]

IMPORT_WITHOUT = """
import sys
from importlib import import_module
from importlib.abc import MetaPathFinder

modules, blocked = sys.argv[1].split(), sys.argv[2].split()

class Wall(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is out of bounds here")

sys.meta_path.insert(0, Wall())
for module in modules:
    import_module(module)
"""


def import_without(modules: list[str], *blocked: str) -> subprocess.CompletedProcess[str]:
    """Import modules in a fresh interpreter in which some packages cannot be."""
    command = [sys.executable, "-c", IMPORT_WITHOUT, " ".join(modules), " ".join(blocked)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_domain_needs_no_engine_no_torch_and_no_network() -> None:
    assert len(DOMAIN) > 30
    done = import_without(DOMAIN, "nautilus_trader", "torch", "aiohttp", "requests", "psycopg", "anthropic")
    assert done.returncode == 0, done.stderr


def test_domain_needs_no_dataframes_but_where_arch_does() -> None:
    """GARCH starts from arch's own model, and arch imports pandas; nothing else of the domain may."""
    with_arch = {f"helios_nautilus.domain.risk.{name}" for name in ("garch", "volatility", "sizing", "purchase")}
    done = import_without([name for name in DOMAIN if name not in with_arch], "pandas", "arch")
    assert done.returncode == 0, done.stderr


def test_wall_around_the_domain_holds() -> None:
    done = import_without(["helios_nautilus.messages"], "nautilus_trader")
    assert done.returncode != 0
    assert "is out of bounds here" in done.stderr


def test_models_journal_and_report_need_no_engine() -> None:
    apart = ("models", "journal", "llm", "simulator", "watch", "report", "dashboard")
    modules = [name for name in MODULES if name.split(".")[1] in apart]
    assert modules
    done = import_without(modules, "nautilus_trader")
    assert done.returncode == 0, done.stderr


def test_help_comes_without_torch_and_the_engine() -> None:
    done = import_without(["helios_nautilus.cli.main"], "nautilus_trader", "torch", "numba", "pandas")
    assert done.returncode == 0, done.stderr


def test_every_module_can_be_imported_and_says_what_it_is_for() -> None:
    modules = [import_module(name) for name in MODULES]
    assert [each.__name__ for each in modules if not each.__doc__ and not hasattr(each, "__path__")] == []


def test_names_a_user_imports_are_pinned() -> None:
    assert helios_nautilus.__version__
    assert set(history.__all__) == {
        *("DemoReport", "Finding", "Hole", "ImportReport", "Series", "SeriesHoles"),
        *("describe", "find_catalogues", "find_holes", "import_bars"),
        *(
            "load_depths",
            "load_instruments",
            "load_market_data",
            "load_recordings",
            "parse_columns",
            "read_ledger",
            "verify_catalogue",
            "write_demo",
        ),
    }
    for module, names in {
        "helios_nautilus.config": ("HeliosConfig", "LoadedConfig", "load_config"),
        "helios_nautilus.strategies.tiered": ("TieredStrategy", "TieredStrategyConfig"),
        "helios_nautilus.strategies.helios": ("HeliosStrategy", "HeliosStrategyConfig"),
        "helios_nautilus.messages": ("Prediction", "Proposal", "Dossier", "Stage", "StageReply", "StageRequest"),
        "helios_nautilus.node.backtest": ("run_backtest", "BacktestResult"),
        "helios_nautilus.node.lookahead": ("verify_lookahead", "Finding"),
        "helios_nautilus.node.predictions": ("write_predictions",),
        "helios_nautilus.models.network": ("HeliosNetwork", "NetworkConfig", "PRESETS"),
        "helios_nautilus.models.checkpoint": ("Model", "ModelCard", "load_model", "save_model"),
        "helios_nautilus.report.page": ("write_report",),
    }.items():
        assert [name for name in names if not hasattr(import_module(module), name)] == [], module


def test_commands_are_pinned() -> None:
    context = click.Context(cli)
    names = [
        "alert",
        "backtest",
        "dashboard",
        "data",
        "doctor",
        "evaluate",
        "gate",
        "journal",
        "kill",
        "live",
        "models",
        "paper",
        "predict",
        "replay",
        "resume",
        "retrain",
        "sim",
        "status",
        "switch",
        "train",
        "verify",
        "why",
    ]
    assert cli.list_commands(context) == names
    groups = {
        name: cli.get_command(context, name)
        for name in ("alert", "dashboard", "data", "gate", "journal", "models", "verify")
    }
    assert {name: sorted(group.commands) for name, group in groups.items() if isinstance(group, click.Group)} == {
        "alert": ["test"],
        "dashboard": ["token"],
        "data": ["backfill", "demo", "gaps", "import", "list", "verify"],
        "gate": ["record", "try"],
        "journal": ["decisions", "export", "prune", "runs", "tail", "verify"],
        "models": ["compare", "list", "promote", "rollback", "show", "verify"],
        "verify": ["lookahead"],
    }


def test_every_error_of_ours_is_one_family() -> None:
    ours = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert all(issubclass(kind, HeliosError) for kind in ours.values())
    assert all(name in (errors.__doc__ or "") for name in ours)
