"""What works beside a live node's engine: the model's and the volatility's threads, the gate's calls, the news."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from helios_nautilus.actors.consult import Beside, Consult, OnTheSpot
from helios_nautilus.actors.offload import Worker
from helios_nautilus.config import HeliosConfig
from helios_nautilus.journal.bet_file import BetFile
from helios_nautilus.journal.bet_store import BetStore
from helios_nautilus.journal.connect import kill_path, state_path
from helios_nautilus.journal.equity_file import EquityFile
from helios_nautilus.journal.kill_file import KillFile
from helios_nautilus.journal.records import Mode
from helios_nautilus.llm.chain import build_provider, build_remote
from helios_nautilus.llm.news import NewsDesk
from helios_nautilus.llm.news_room import NewsRoom
from helios_nautilus.llm.news_web import build_sources
from helios_nautilus.node.gate_spending import spent_since
from helios_nautilus.node.startup import Tell
from helios_nautilus.node.tiers import Live


@contextmanager
def live_means(
    config: HeliosConfig, mode: Mode, bets: BetStore, loop: asyncio.AbstractEventLoop, tell: Tell
) -> Iterator[Live]:
    """The threads beside the engine's; they end with the node."""
    with ExitStack() as cleanup:
        predict, fit = Worker(loop, "helios-model"), Worker(loop, "helios-volatility")
        cleanup.callback(predict.close)
        cleanup.callback(fit.close)
        yield Live(
            consult=_consult(config, mode, loop, tell, cleanup),
            predict=predict,
            fit=fit,
            kill_store=_kill_store(mode),
            equity_store=equity_file(config, mode),
            bet_store=bets,
            is_spot_in_balances=mode == "live",
            news=_news(config, tell, cleanup),
        )


def _consult(
    config: HeliosConfig, mode: Mode, loop: asyncio.AbstractEventLoop, tell: Tell, cleanup: ExitStack
) -> Consult:
    if config.gate.provider not in ("anthropic", "openai"):
        return OnTheSpot(build_provider(config.gate, config.llm))
    spent = partial(spent_since, mode, tell=tell)
    beside = Beside(build_remote(config.gate, config.llm, os.environ, time.time_ns, counter=spent), loop)
    cleanup.callback(beside.close)
    return beside


def _news(config: HeliosConfig, tell: Tell, cleanup: ExitStack) -> NewsDesk | None:
    sources = build_sources(config.news)
    if not sources:
        return None
    room = NewsRoom(sources, config.news, on_trouble=partial(tell, "news"))
    room.start()
    cleanup.callback(room.stop)
    return room


def equity_file(config: HeliosConfig, mode: Mode) -> EquityFile:
    """Where the peak of an account's equity is kept."""
    return EquityFile(state_path(mode, f"equity-{_account(config, mode)}"))


def bet_file(config: HeliosConfig, mode: Mode, run_id: str, tell: Tell) -> BetFile:
    """Where the bets on an account are kept, by a run of it."""
    return BetFile(state_path(mode, f"bets-{_account(config, mode)}"), run_id, on_trouble=partial(tell, "bets"))


def _account(config: HeliosConfig, mode: Mode) -> str:
    """A paper account belongs to a configuration's name, a live one is VALR's whatever trades it."""
    return config.name if mode == "paper" else config.venue.sub_account or "main"


def _kill_store(mode: Mode) -> KillFile:
    path = kill_path(mode)
    path.parent.mkdir(parents=True, exist_ok=True)
    return KillFile(path)
