"""`helios dashboard`: watch and steer a node from a browser or a program, and who may."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from helios_nautilus.cli.output import json_option, print_json, print_table, show_time
from helios_nautilus.journal.connect import home_folder

if TYPE_CHECKING:
    from helios_nautilus.dashboard.tokens import Role, TokenFile


@click.group(invoke_without_command=True)
@click.option("--mode", type=click.Choice(["paper", "live"]), default="paper", show_default=True, help="Whose node.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; any other needs a token.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Certificate, PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Its key, PEM.")
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="A name by which it is asked for; addresses need none."
)
@click.pass_context
def dashboard(
    context: click.Context,
    mode: Literal["paper", "live"],
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    hosts: tuple[str, ...],
) -> None:
    """Serve pages and an API over the journal until interrupted; trading does not notice whether it runs.

    Without a token it listens on this machine only, and everyone on it may steer. 'helios dashboard token add' makes
    one; from then on everyone needs one.
    """
    if context.invoked_subcommand is not None:
        return
    from helios_nautilus.dashboard.server import run_dashboard
    from helios_nautilus.dashboard.settings import DashboardSettings

    settings = DashboardSettings(
        mode=mode, folder=_folder(), host=host, port=port, tls_cert=tls_cert, tls_key=tls_key, hosts=hosts
    )
    run_dashboard(settings, click.echo)


@dashboard.group()
def token() -> None:
    """Tokens with roles: make, list, revoke. A running dashboard knows at once."""


@token.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "trader", "admin"]),
    required=True,
    help="viewer looks; trader stops and switches entries; admin clears and switches tiers as well.",
)
@json_option
def add(name: str, role: "Role", as_json: bool) -> None:
    """Make a token for NAME. It is shown now and never again."""
    made = _tokens().add(name, role, time.time_ns())
    if as_json:
        print_json({"name": name, "role": role, "token": made})
    else:
        click.echo(f"{made}\nkeep it: it is not shown again")


@token.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the tokens by name; what they are is kept nowhere."""
    kept = _tokens().tokens()
    if as_json:
        print_json([{"name": each.name, "role": each.role, "created_ns": each.created_ns} for each in kept])
    else:
        print_table("", ("name", "role", "made"), [(each.name, each.role, show_time(each.created_ns)) for each in kept])


@token.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Take NAME's token away; its sessions end at once."""
    _tokens().revoke(name)
    click.echo(f"{name} is locked out")


def _tokens() -> "TokenFile":
    from helios_nautilus.dashboard.settings import token_path
    from helios_nautilus.dashboard.tokens import TokenFile

    return TokenFile(token_path(_folder()))


def _folder() -> Path:
    return home_folder() / "dashboard"
