"""A soak from the opening of the exchange to the verdict: train, trade through faults, calm down, stop, judge."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from helios_nautilus.journal.connect import home_folder, open_journal, open_post
from helios_nautilus.journal.records import FillRecord, PositionRecord, PredictionRecord, Record
from helios_nautilus.simulator.exchange.faults import FaultScript
from tests.acceptance.cli import confirmed, write_config
from tests.soak.faults import draw_faults
from tests.soak.figures import acknowledgement_ms, decision_ms, percentile, slope
from tests.soak.market import FIRST, PAIRS, Desk, Plan, settings, trading_day
from tests.soak.process import Process, succeed
from tests.soak.stops import Heard, naked_secs
from tests.soak.verdict import Ledger, mistakes_of

type Kind = Literal["paper", "live"]

_CALM_SECS = 6.0
"""From the last fault to the stop: what was in doubt is settled by then."""
_SAMPLE_SECS = 0.5


class Sample(Struct, frozen=True, kw_only=True):
    """The node at a moment, in seconds since the faults began."""

    secs: float
    memory_mb: float
    lag_ms: float
    """How late its loop came to what was due, in the moment before."""


class Outcome(Struct, kw_only=True):
    """What came of a soak; ``mistakes`` is empty if nothing is wrong."""

    kind: Kind
    seed: int
    secs: float
    speed: float
    run_id: str = ""
    exit_code: int | None = None
    strikes: dict[str, int] = {}
    """Faults that struck, by kind."""
    counts: dict[str, int] = {}
    figures: dict[str, float] = {}
    replay: str = ""
    """How a backtest of the same minutes compares, on paper."""
    mistakes: list[str] = []
    folder: str = ""


async def soak(kind: Kind, folder: Path, plan: Plan, *, secs: float, seed: int) -> Outcome:
    """Trade for so long in a folder; the journal is in HELIOS_HOME."""
    outcome = Outcome(kind=kind, seed=seed, secs=secs, speed=plan.speed, folder=str(folder))
    async with trading_day(plan, seed) as desk:
        write_config(folder / "run.toml", settings(plan, desk.exchange.url))
        await _train(folder, desk)
        node = await _start(kind, folder, desk)
        try:
            samples = await _trade(node, desk, outcome)
            outcome.exit_code = await node.stop()
        except (AssertionError, TimeoutError) as error:
            outcome.mistakes.append(f"{type(error).__name__}: {error or 'the node did not stop'}")
            return outcome
        finally:
            node.kill()
        desk.exchange.catch_up()
        ledger = Ledger(dump=desk.exchange.dump(), account_id=desk.login.account_id) if kind == "live" else None
        _judge(outcome, samples, ledger)
        if kind == "paper":
            await _replay(outcome, folder)
    return outcome


async def _train(folder: Path, desk: Desk) -> None:
    since, url = f"{FIRST:%Y-%m-%d}", desk.exchange.url
    await succeed(folder, "data", "backfill", *PAIRS, "--from", since, "--catalog", "market", "--url", url)
    await succeed(folder, "train", "run.toml")


async def _start(kind: Kind, folder: Path, desk: Desk) -> Process:
    keys = {"VALR_API_KEY": desk.login.key, "VALR_API_SECRET": desk.login.secret} if kind == "live" else {}
    arguments = ("live", "run.toml", *confirmed("soak")) if kind == "live" else ("paper", "run.toml")
    return await Process.start(folder, folder / "node.out", *arguments, **keys)


async def _replay(outcome: Outcome, folder: Path) -> None:
    """Compare with a backtest of the same minutes; where trades differ, ``replay.out`` names the reasons."""
    process = await Process.start(folder, folder / "replay.out", "replay", outcome.run_id)
    code = await process.end()
    outcome.replay = {0: "trade for trade the same", 1: "differences, each with its reason in replay.out"}.get(code, "")
    if not outcome.replay:
        outcome.mistakes.append("it cannot be replayed: " + "\n".join(process.lines[-3:]))


async def _trade(node: Process, desk: Desk, outcome: Outcome) -> list[Sample]:
    """From readiness through the faults into the calm after them."""
    outcome.run_id = (await node.until("journal ")).split()[-1]
    await node.until("ready ")
    desk.exchange.play(draw_faults(outcome.seed, outcome.secs, outcome.speed))
    samples = await _watch(node, outcome.kind, outcome.secs)
    outcome.strikes = dict(Counter(strike.kind for strike in desk.exchange.faults.strikes))
    desk.exchange.play(FaultScript())
    return samples + await _watch(node, outcome.kind, _CALM_SECS, begins_secs=outcome.secs)


async def _watch(node: Process, kind: Kind, secs: float, *, begins_secs: float = 0.0) -> list[Sample]:
    samples, post, began = [], open_post(), time.monotonic()
    while (passed := time.monotonic() - began) < secs:
        assert not node.has_ended, "the node ended by itself:\n" + "\n".join(node.lines[-20:])
        status = post.status_here(kind)
        lag_ms = 0.0 if status is None else status.loop_lag_ms
        samples.append(Sample(secs=begins_secs + passed, memory_mb=node.memory_mb(), lag_ms=lag_ms))
        await asyncio.sleep(_SAMPLE_SECS)
    return samples


def _judge(outcome: Outcome, samples: Sequence[Sample], ledger: Ledger | None) -> None:
    with open_journal() as journal:
        journal.verify(outcome.run_id)
        story = [Heard(row.ts_recorded, row.record()) for row in journal.rows(outcome.run_id)]
    logs = sorted((home_folder() / "logs").glob(f"{outcome.run_id}*"))
    log = "\n".join(path.read_text(errors="replace") for path in logs)
    outcome.counts = _counts([heard.record for heard in story])
    outcome.figures = _figures(story, samples, outcome.speed)
    outcome.mistakes += mistakes_of(story, log, ledger)
    if outcome.exit_code:
        outcome.mistakes.append(f"the node ended with status {outcome.exit_code}")


def _counts(records: Sequence[Record]) -> dict[str, int]:
    decisions = {each.ts_ns for each in records if isinstance(each, PredictionRecord)}
    kinds = Counter(type(each) for each in records)
    return {
        "decisions": len(decisions),
        "fills": kinds[FillRecord],
        "trades": kinds[PositionRecord],
        "rows": len(records),
    }


def _figures(story: Sequence[Heard], samples: Sequence[Sample], speed: float) -> dict[str, float]:
    late, records = samples[len(samples) // 3 :], [heard.record for heard in story]
    decided, acknowledged = decision_ms(records, speed), acknowledgement_ms(records, speed)
    return {
        "bar to size, p50 ms": percentile(decided, 0.5),
        "bar to size, p95 ms": percentile(decided, 0.95),
        "sent to there, p50 ms": percentile(acknowledged, 0.5),
        "sent to there, p95 ms": percentile(acknowledged, 0.95),
        "loop late by, p99 ms": percentile([each.lag_ms for each in samples], 0.99),
        "longest without a stop, s": max(naked_secs(story).values(), default=0.0),
        "memory at the end, MB": samples[-1].memory_mb,
        "memory growth, MB/h": slope([each.secs for each in late], [each.memory_mb for each in late]),
    }
