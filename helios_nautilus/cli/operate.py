"""`helios kill`, `resume`, `switch` and `status`: what an operator does to a running node, and sees of it."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, Literal
from uuid import uuid4

import click
from msgspec import Struct

from helios_nautilus.cli.output import console, json_option, print_json
from helios_nautilus.cli.who import login_name
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.commands import Answer, Command, Tier, Verb
from helios_nautilus.journal.connect import home_folder, open_post
from helios_nautilus.journal.post import Post, Sent
from helios_nautilus.journal.running import FRESH_NS, NODE_MODES, NodeMode, find_running, is_fresh
from helios_nautilus.report.node_page import print_node

_NOBODY_ANSWERED: Final = 2
_WATCH_SECS: Final = 1.0
_PAGE_WIDTH: Final = 140

_OPTIONS: Final = (
    click.option("--mode", type=click.Choice(NODE_MODES), help="Whose node; without it the one that runs."),
    click.option("--why", required=True, metavar="TEXT", help="The reason, for the journal."),
    click.option("--who", metavar="NAME", help="Who orders it, for the journal; without it the login name."),
    click.option(
        "--timeout", type=click.FloatRange(0), default=10.0, show_default=True, help="Seconds to wait for the answer."
    ),
    json_option,
)
"""Of every order."""


class Manner(Struct, frozen=True, kw_only=True):
    """To whom an order goes, by whom, and how it is to be told what became of it."""

    mode: NodeMode | None
    why: str
    who: str | None
    timeout: float
    as_json: bool


class Told(Struct, frozen=True, kw_only=True):
    """What became of an order, as ``--json`` prints it."""

    command: Command
    sent: Sent
    answer: Answer | None
    secs: float
    """From the order to the answer, or to the end of the wait."""


def _order(work: Callable[..., int]) -> Callable[..., None]:
    """A command with the options of every order, which exits with the code that ``work`` returns."""

    @wraps(work)
    def give(**given: Any) -> None:
        manner = Manner(**{name: given.pop(name) for name in Manner.__struct_fields__})
        click.get_current_context().exit(work(manner, **given))

    command: Callable[..., None] = give
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.option("--reduce-only", is_flag=True, help="Close nothing: no new entries, stops and targets stay.")
@_order
def kill(manner: Manner, *, reduce_only: bool) -> int:
    """Stop trading: cancel every order, close every position, and let nothing be entered until `helios resume`.

    The order is a file and a row of the journal; either suffices, and a node that is down obeys it at its next start.
    Exit code 0 only where a node acknowledged it, 2 where it was written and nobody answered, 1 for an error.
    """
    return _give(manner, "reduce_only" if reduce_only else "halt")


@click.command()
@click.option("--rebase", is_flag=True, help="Measure peak and day's start from now on: forgives what was lost.")
@_order
def resume(manner: Manner, *, rebase: bool) -> int:
    """Let trading go on after a stop, by whatever it was caused.

    Refused while drawdown or the day's loss is past its limit, unless both are measured anew. Not obeyed by a node that
    hears of it later than a minute. Exit codes as of `helios kill`.
    """
    return _give(manner, "resume", rebase=rebase)


@click.command()
@click.argument("what", type=click.Choice(["entries", "prediction", "aether", "gate", "guardian"]))
@click.argument("to", metavar="on|off", type=click.Choice(["on", "off"]))
@_order
def switch(manner: Manner, *, what: Tier | Literal["entries"], to: Literal["on", "off"]) -> int:
    """Switch entries or a tier on or off; it stays so over restarts.

    Without prediction or aether nothing is entered; without the gate proposals pass it unasked. Exits never depend on a
    switch. Guardian has none. Exit codes as of `helios kill`.
    """
    if what == "entries":
        return _give(manner, "entries_on" if to == "on" else "entries_off")
    return _give(manner, "tier_on" if to == "on" else "tier_off", tier=what)


@click.command()
@click.option("--mode", type=click.Choice(NODE_MODES), help="Whose node; without it every one that ever ran.")
@click.option("--watch", is_flag=True, help="Show it again every second, until interrupted.")
@json_option
@click.pass_context
def status(ctx: click.Context, mode: NodeMode | None, watch: bool, as_json: bool) -> None:
    """Show how the node is: what entries lack, the kill switch, equity, positions, markets, tiers.

    Exit code 0 if a node runs, 2 if none does: then what is shown is how it was at last.
    """
    post, modes = open_post(), NODE_MODES if mode is None else (mode,)
    try:
        while watch:
            click.clear()
            _show(post, modes, as_json=as_json)
            time.sleep(_WATCH_SECS)
    except KeyboardInterrupt:
        return
    ctx.exit(0 if _show(post, modes, as_json=as_json) else _NOBODY_ANSWERED)


def _give(manner: Manner, verb: Verb, *, tier: Tier | None = None, rebase: bool = False) -> int:
    """Send a command, print what became of it; the exit code."""
    began, post = time.monotonic(), open_post()
    command = Command(
        command_id=str(uuid4()),
        ts_ns=time.time_ns(),
        mode=manner.mode or find_running(post, home_folder(), time.time_ns()),
        verb=verb,
        tier=tier,
        who=manner.who or login_name(),
        why=manner.why,
        origin="cli",
        rebase=rebase,
    )
    sent = post.send(command)
    answer = post.wait(command.command_id, manner.timeout)
    told = Told(command=command, sent=sent, answer=answer, secs=time.monotonic() - began)
    if manner.as_json:
        print_json(told)
    else:
        click.echo(_words(told), err=answer is None)
    if answer is None:
        return _NOBODY_ANSWERED
    return 0 if answer.outcome == "done" else 1


def _words(told: Told) -> str:
    command, answer = told.command, told.answer
    if answer is not None:
        return f"{answer.outcome} in {told.secs:.2f} s by {answer.run_id}: {answer.words}"
    ways = "and ".join(word for word, went in (("a file ", told.sent.by_file), ("a row ", told.sent.by_row)) if went)
    after = "the next start obeys it" if command.tightens else "it expires a minute after it was given"
    trouble = f" ({told.sent.trouble})" if told.sent.trouble else ""
    return f"no {command.mode} node answered in {told.secs:.0f} s: the order is {ways}now, and {after}{trouble}"


def _show(post: Post, modes: tuple[NodeMode, ...], *, as_json: bool) -> bool:
    """Print the status of each mode that has one; whether a node runs."""
    now_ns = time.time_ns()
    found = [status for mode in modes if (status := post.status(mode, fresh_ns=now_ns - FRESH_NS)) is not None]
    if as_json:
        print_json([{"age_secs": (now_ns - each.ts_ns) / NS_PER_SEC, "status": each} for each in found])
    elif not found:
        click.echo("no node has run yet")
    else:
        for each in found:
            print_node(each, now_ns, console(_PAGE_WIDTH), is_running=is_fresh(each, now_ns))
    return any(is_fresh(each, now_ns) for each in found)
