"""An operator's way into a running node: commands come in beside the engine and are obeyed on its loop."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final
from uuid import uuid4

import msgspec
from nautilus_trader.live.node import TradingNode

from helios_nautilus.actors.guardian import Guardian
from helios_nautilus.actors.operator import Operator, OperatorConfig
from helios_nautilus.journal.command_files import CommandFiles, Letter
from helios_nautilus.journal.commands import Answer, Command, Verb
from helios_nautilus.journal.connect import commands_folder, prepare_database, state_path
from helios_nautilus.journal.controls_file import ControlsFile
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.reception import Reception
from helios_nautilus.journal.records import Mode
from helios_nautilus.node.startup import Tell
from helios_nautilus.node.watching import actor_of

_SIGNALS: Final[dict[signal.Signals, Verb]] = {signal.SIGUSR1: "reduce_only", signal.SIGUSR2: "halt"}


@contextmanager
def command_post(
    node: TradingNode, mode: Mode, run_id: str, journal: Journal, loop: asyncio.AbstractEventLoop, tell: Tell
) -> Iterator[Reception]:
    """Take commands in from now on, also those that waited for a node, until the node has ended.

    SIGUSR1 and SIGUSR2 are commands too: they need neither a database nor a disk.
    """

    def answer(said: Answer) -> None:
        tell("command", f"{said.outcome}: {said.words}")
        reception.answer(said)

    operator = Operator(
        OperatorConfig(mode=mode, run_id=run_id),
        journal,
        actor_of(node, Guardian),
        ControlsFile(state_path(mode, "controls")),
        answer,
        time.time_ns,
    )
    node.trader.add_actor(operator)

    def on_letter(letter: Letter) -> None:
        with suppress(RuntimeError):  # the loop has been closed: the next start obeys
            loop.call_soon_threadsafe(operator.receive, letter)

    def on_signal(verb: Verb) -> None:
        command = _by_signal(mode, verb)
        reception.note(command)
        operator.receive(Letter(command_id=command.command_id, content=msgspec.json.encode(command)))

    files = CommandFiles(commands_folder() / mode)
    reception = Reception(mode, files, prepare_database, on_letter, partial(tell, "commands"))
    for number, verb in _SIGNALS.items():
        loop.add_signal_handler(number, on_signal, verb)
    reception.start()
    try:
        yield reception
    finally:
        reception.close()


def _by_signal(mode: Mode, verb: Verb) -> Command:
    return Command(
        command_id=str(uuid4()),
        ts_ns=time.time_ns(),
        mode=mode,
        verb=verb,
        who="signal",
        why="a signal to the process",
        origin="signal",
    )
