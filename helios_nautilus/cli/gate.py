"""`helios gate`: look at one question of the gate, and record a model's answers for a backtest."""

import os
from pathlib import Path
from typing import Final, cast, get_args

import click
from rich.console import Console

from helios_nautilus.cli.output import json_option, print_json, show_time
from helios_nautilus.config import HeliosConfig, load_config, parse_time
from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.policy import ProviderName
from helios_nautilus.domain.decision.words import outcome
from helios_nautilus.errors import ConfigError
from helios_nautilus.llm.budget import Spent
from helios_nautilus.llm.request import RemoteName
from helios_nautilus.node.gate_recording import Recording, record_gate
from helios_nautilus.node.gate_trial import Question, Trial, find_context, put_question, word_question

_PROVIDERS: Final = get_args(ProviderName.__value__)
_REMOTE: Final = get_args(RemoteName.__value__)
_config_argument = click.argument("config", type=click.Path(path_type=Path))


@click.group()
def gate() -> None:
    """The LLM gate: try one question, record answers for backtests."""


@gate.command("try")
@_config_argument
@click.option("--at", required=True, metavar="TIME", help="The first entry proposed from then on, in UTC.")
@click.option("--instrument", metavar="ID", help="Of this instrument only.")
@click.option("--provider", type=click.Choice(_PROVIDERS), help="Who answers; by default as configured.")
@click.option("--dry-run", is_flag=True, help="Ask nobody: show the question and what it may cost.")
@json_option
def try_(
    config: Path, at: str, instrument: str | None, provider: ProviderName | None, dry_run: bool, as_json: bool
) -> None:
    """Show the gate's exact question about one entry of CONFIG's backtest, and the answer.

    A language model is asked over its network, unless its answer is recorded already; that needs its key and costs what
    is shown.
    """
    settings = load_config(config).config
    chosen = provider or settings.gate.provider
    context = find_context(settings, parse_time(at), instrument)
    question = word_question(settings, context, chosen)
    if not as_json:
        _show_question(context, question)
    reply, verdict = (None, None) if dry_run else put_question(settings, context, chosen, os.environ)
    trial = Trial(context=context, question=question, reply=reply, verdict=verdict)
    if as_json:
        print_json(trial)
    elif not dry_run:
        _show_answer(trial)


@gate.command()
@_config_argument
@click.option("--budget-usd", type=click.FloatRange(min=0.0, min_open=True), required=True, help="Spend no more.")
@click.option("--calls", type=click.IntRange(min=1), default=100_000, help="Ask no more often.")
@click.option("--provider", type=click.Choice(_REMOTE), help="Who is asked; by default as configured.")
@json_option
def record(config: Path, budget_usd: float, calls: int, provider: RemoteName | None, as_json: bool) -> None:
    """Ask a language model about every entry of CONFIG's backtest and keep the answers in its cassette.

    What is recorded already is not asked again, so an interrupted or too small recording can be continued. Exit code 1
    if answers are missing.
    """
    loaded = load_config(config)
    chosen = _remote(provider, loaded.config)
    limit = Spent(calls=calls, usd=budget_usd)
    with Console(stderr=as_json).status("the backtest runs up to its first entry") as status:

        def tell(recording: Recording, context: GateContext) -> None:
            status.update(f"{show_time(context.ts_ns)}  {_progress(recording)}")

        recording = record_gate(loaded, chosen, limit, os.environ, tell)
    if as_json:
        print_json(recording)
    else:
        click.echo(f"{loaded.config.llm.cassette}: {_progress(recording)}")
        if recording.stopped:
            click.echo(f"stopped: {recording.stopped}")
    if recording.missing:
        click.get_current_context().exit(1)


def _remote(provider: RemoteName | None, config: HeliosConfig) -> RemoteName:
    chosen = provider or config.gate.provider
    if chosen not in _REMOTE:
        raise ConfigError(f"gate.provider is {chosen}, which asks no model; name one with --provider")
    return cast("RemoteName", chosen)


def _progress(recording: Recording) -> str:
    words = f"{recording.entries} entries: {recording.recorded} recorded now, {recording.known} before"
    if recording.missing:
        words += f", {recording.missing} missing"
    return f"{words}; {recording.calls} calls, ${recording.spent_usd:.4f}"


def _show_question(context: GateContext, question: Question) -> None:
    click.echo(f"{context.decision_id}: {context.side} in {context.instrument_id}, {show_time(context.ts_ns)} UTC\n")
    click.echo(f"System text (about {question.system_tokens} tokens)\n\n{_indented(question.system)}\n")
    click.echo(f"Question (about {question.user_tokens} tokens)\n\n{_indented(question.user)}\n")
    click.echo(f"Form of the answer: {question.tool['name']}\n")
    print_json(question.tool["schema"])
    click.echo(
        f"\nTo {question.model} of {question.provider} this costs at most ${question.at_most_usd:.4f}; "
        f"request {question.request_hash[:12]}"
    )


def _show_answer(trial: Trial) -> None:
    reply, verdict = trial.reply, trial.verdict
    assert reply is not None
    assert verdict is not None
    for call in reply.calls:
        cost = f"${call.cost_usd:.4f}, {call.latency_ms:.0f} ms"
        said = call.answer or call.words
        click.echo(f"\n{call.provider} ({call.model}, {call.source}, {call.outcome}, {cost})\n\n{_indented(said)}")
    click.echo(f"\nAnswer of {reply.provider} ({reply.source})\n\n{_indented(reply.answer.reasoning)}")
    click.echo(f"\nAfter the clamps: {outcome(verdict, trial.context.terms)}")


def _indented(text: str) -> str:
    """The lines of a text, moved in; a model's words may hold what a terminal would obey, shown as ``?``."""
    lines = ("".join(each if each.isprintable() else "?" for each in line) for line in text.splitlines())
    return "\n".join(f"  {line}".rstrip() for line in lines)
