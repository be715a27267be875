"""`helios models`: the models that are kept, which of them is in charge, and what the gate says of them."""

import time
from pathlib import Path

import click
from msgspec import Struct

from helios_nautilus.cli.cards import describe_card, figure
from helios_nautilus.cli.output import json_option, print_json, print_table, show_time
from helios_nautilus.cli.who import login_name
from helios_nautilus.config import load_config
from helios_nautilus.errors import ModelError
from helios_nautilus.models.checkpoint import ModelCard
from helios_nautilus.models.comparison import compare as put_side_by_side
from helios_nautilus.models.dataset import Span
from helios_nautilus.models.pointer import Pointer
from helios_nautilus.models.promotion import find_objections
from helios_nautilus.models.promotion import promote as pass_gate
from helios_nautilus.models.registry import Registry
from helios_nautilus.models.rivals import RIVALS, RivalName
from helios_nautilus.node.model import load_run_model

_registry_option = click.option(
    "--registry",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("catalog/models"),
    show_default=True,
    help="Folder of the models.",
)
_why_option = click.option("--why", required=True, help="The reason, kept in the history.")
_who_option = click.option("--who", default=login_name, show_default="the user", help="Who decides, kept as well.")


@click.group()
def models() -> None:
    """Models that are kept: list, show, compare, promote, roll back, verify."""


@models.command("list")
@_registry_option
@json_option
def list_(registry: Path, as_json: bool) -> None:
    """List the models: how far each is ahead of the baselines on its test span, and which is in charge."""
    found = Registry(registry)
    in_charge = _in_charge(found)
    lines = [_to_line(found, name, in_charge.get(name, ())) for name in found.names()]
    if as_json:
        print_json(lines)
        return
    title = f"{registry}: {len(lines)} models; skill over the prior, the linear model and the trees"
    header = ("model", "network", "trained", "prior", "linear", "trees", "in charge")
    print_table(title, header, [_to_cells(line) for line in lines])


@models.command()
@click.argument("name")
@_registry_option
@json_option
def show(name: str, registry: Path, as_json: bool) -> None:
    """Show the card of the model NAME in words, and when it was put in charge."""
    found = Registry(registry)
    card = found.card(name)
    if as_json:
        print_json(card)
        return
    click.echo(f"{name} ({card.weights_sha256[:12]})")
    for line in describe_card(card):
        click.echo(f"  {line}")
    for pointer in found.pointers():
        for line in _history(pointer, name):
            click.echo(f"  {line}")


@models.command()
@click.argument("first")
@click.argument("second")
@_registry_option
@json_option
def compare(first: str, second: str, registry: Path, as_json: bool) -> None:
    """Put the test figures of the models FIRST and SECOND side by side, and say whether they are of the same rows."""
    found = Registry(registry)
    sides = put_side_by_side(found.card(first), found.card(second))
    if as_json:
        print_json(sides)
        return
    rows = [(name.replace("_", " "), figure(sides.first[name]), figure(sides.second[name])) for name in sides.first]
    print_table("", ("on the test span", first, second), rows)
    if sides.unlike:
        click.echo(f"Not the same rows ({', '.join(sides.unlike)}): the columns cannot be compared.")
    else:
        click.echo("Both are of the same rows.")


@models.command()
@click.argument("name")
@_why_option
@_who_option
@click.option("--force", is_flag=True, help="Overrule the gate; what it says is kept in the history.")
@_registry_option
@json_option
def promote(name: str, why: str, who: str, force: bool, registry: Path, as_json: bool) -> None:
    """Put the model NAME in charge of its features and exit plan, if it is better than the baselines.

    Refuses it otherwise, and says why.
    """
    found = Registry(registry)
    pointer = pass_gate(found, name, ts_ns=time.time_ns(), who=who, why=why, force=force)
    if as_json:
        print_json(pointer)
        return
    click.echo(f"{name} is the {pointer.name} of features {pointer.spec_hash} and its exit plan")
    for objection in pointer.current.objections:
        click.echo(f"  forced, although {objection}")


@models.command()
@click.argument("name")
@_why_option
@_who_option
@_registry_option
@json_option
def rollback(name: str, why: str, who: str, registry: Path, as_json: bool) -> None:
    """Withdraw the model NAME, which is in charge: the one before it is in charge again."""
    pointer = Registry(registry).roll_back(name, ts_ns=time.time_ns(), who=who, why=why)
    if as_json:
        print_json(pointer)
        return
    click.echo(f"{pointer.current.model} is the {pointer.name} again, in the place of {name}")


@models.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@_registry_option
@json_option
def verify(config: Path | None, registry: Path, as_json: bool) -> None:
    """Read every model and every pointer whole: hashes, cards, shapes, finite weights.

    With CONFIG, also ask whether its model fits its features, its exit plan and its window. Exit code 1 if anything is
    wrong.
    """
    findings = Registry(registry).verify()
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            click.echo(f"{finding.what}: {finding.trouble or 'sound'}")
    if config is not None:
        model = load_run_model(load_config(config).config)
        click.echo(f"{config}: model {model.model_id} fits", err=as_json)
    if any(finding.trouble for finding in findings):
        click.get_current_context().exit(1)


class _Line(Struct, frozen=True, kw_only=True):
    """A model in the list; of one that cannot be read there is the trouble instead of figures."""

    name: str
    in_charge: tuple[str, ...]
    model_id: str = ""
    network: str = ""
    trained: Span | None = None
    skill: dict[RivalName, float | None] = {}
    """1 - log-loss / the baseline's, on the test rows."""
    objections: tuple[str, ...] = ()
    trouble: str | None = None


def _to_line(registry: Registry, name: str, in_charge: tuple[str, ...]) -> _Line:
    try:
        card = registry.card(name)
    except ModelError as error:
        return _Line(name=name, in_charge=in_charge, trouble=str(error))
    return _Line(
        name=name,
        in_charge=in_charge,
        model_id=card.weights_sha256[:12],
        network=card.preset,
        trained=card.splits.train,
        skill={rival: _skill(card, rival) for rival in RIVALS},
        objections=find_objections(card),
    )


def _skill(card: ModelCard, name: RivalName) -> float | None:
    """1 - log-loss / the baseline's log-loss, on the test rows; None if the baseline took no part."""
    rival = card.standing.rival(name)
    if rival is None or not rival.metrics.log_loss or card.test_metrics.log_loss is None:
        return None
    return 1.0 - card.test_metrics.log_loss / rival.metrics.log_loss


def _to_cells(line: _Line) -> tuple[str, ...]:
    """Cells of two lines where that lets the table keep to 80 columns."""
    in_charge = ", ".join(line.in_charge)
    if line.trained is None:
        return (line.name, f"unreadable: {line.trouble}", "", *("" for _ in RIVALS), in_charge)
    trained = "\n".join(show_time(ts_ns)[:10] for ts_ns in (line.trained.start_ns, line.trained.end_ns))
    skills = (figure(line.skill[name]) for name in RIVALS)
    network = line.network.removeprefix("helios-")
    return (f"{line.name}\n{line.model_id}", network, trained, *skills, in_charge)


def _in_charge(registry: Registry) -> dict[str, tuple[str, ...]]:
    """Names of the pointers that lead to each model."""
    found: dict[str, tuple[str, ...]] = {}
    for pointer in registry.pointers():
        found[pointer.current.model] = (*found.get(pointer.current.model, ()), pointer.name)
    return found


def _history(pointer: Pointer, name: str) -> list[str]:
    """When a pointer came to lead to a model, in words."""
    return [
        f"{pointer.name} {'again ' if change.action == 'roll_back' else ''}since {show_time(change.ts_ns)} by "
        f"{change.who}: {change.why}" + (" (forced)" if change.is_forced else "")
        for change in pointer.history
        if change.model == name
    ]
