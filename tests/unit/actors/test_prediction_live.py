"""The prediction actor when its model works on a thread of its own: slow, failing, or not there at all."""

import asyncio
from collections.abc import Coroutine, Iterator
from itertools import pairwise
from threading import Event
from typing import Any

import pytest

from helios_nautilus.actors.offload import Worker
from helios_nautilus.actors.predictor import NoModel
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_MS, NS_PER_SEC
from helios_nautilus.errors import ModelError, SpecMismatchError
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.models.service import PredictionValues
from tests.fakes import BTC, Tiers, helios, prediction
from tests.unit.actors.test_prediction import SPEC, Recorder, World, named

_PATIENCE_SECS = 10.0
BOTH_AT = {minute: [("BTCZAR", minute), ("ETHZAR", minute)] for minute in (5, 10, 15)}


class Slow(Recorder):
    """Decides when it is let to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = Event()

    def decide(self, ts_ns: int) -> list[PredictionValues | None]:
        assert self.may_go_on.wait(_PATIENCE_SECS)
        return super().decide(ts_ns)


class Failing(Recorder):
    """Fails at its first decision, and has no state to lose otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.resets: list[int] = []
        self.decisions = 0

    def decide(self, ts_ns: int) -> list[PredictionValues | None]:
        self.decisions += 1
        if self.decisions == 1:
            raise RuntimeError("CUDA error: device-side assert triggered")
        return super().decide(ts_ns)

    def reset(self, instrument: int) -> None:
        self.resets.append(instrument)


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    opened: list[Worker] = []
    yield opened
    for worker in opened:
        worker.close()


class Desk(World):
    """The actor on an event loop, with its model beside it."""

    def __init__(self, workers: list[Worker], model: Any) -> None:
        self.worker = Worker(asyncio.get_running_loop())
        workers.append(self.worker)
        super().__init__(SPEC, model=model, offload=self.worker)

    async def answered(self) -> None:
        """All that was asked so far is answered: the worker keeps the order."""
        loop = asyncio.get_running_loop()
        passed = loop.create_future()
        self.worker(lambda: None, passed.set_result)
        await asyncio.wait_for(passed, _PATIENCE_SECS)

    @property
    def missed(self) -> list[str]:
        return [event.kind for event in self.journal.of(EventRecord)]


def play(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_an_answer_in_time_is_published_with_the_time_at_which_it_came(workers: list[Worker]) -> None:
    async def story() -> None:
        model = Slow()
        desk = Desk(workers, model)
        desk.live(*range(1, 6))
        desk.pass_by(300 * NS_PER_MS)
        assert desk.published == []
        model.may_go_on.set()
        await desk.answered()

        assert named(desk.published) == BOTH_AT[5]
        assert desk.published[0].ts_init == desk.kit.clock.timestamp_ns()
        assert desk.missed == []
        desk.pass_by(5 * NS_PER_SEC)
        assert desk.missed == [], "the deadline went with the answer"

    play(story())


def test_a_late_answer_is_not_used_and_the_next_decision_has_seen_every_bar(workers: list[Worker]) -> None:
    async def story() -> None:
        model = Slow()
        desk = Desk(workers, model)
        desk.live(*range(1, 6))
        desk.pass_by(NS_PER_SEC)
        assert desk.missed == ["prediction_late"], "told at the deadline, not when the answer comes at last"
        model.may_go_on.set()
        await desk.answered()
        assert desk.published == []

        desk.live(*range(6, 11))
        await desk.answered()
        assert named(desk.published) == BOTH_AT[10]
        assert desk.missed == ["prediction_late"]
        closes = [ts_ns for ts_ns, _ in model.seen[0, 0]]
        assert len(closes) == 10
        assert {later - earlier for earlier, later in pairwise(closes)} == {NS_PER_MIN}

    play(story())


def test_a_model_that_is_still_busy_at_the_next_close_is_not_asked_again_and_bars_go_on(workers: list[Worker]) -> None:
    async def story() -> None:
        model = Slow()
        desk = Desk(workers, model)
        desk.live(*range(1, 11))
        assert desk.missed == ["prediction_late"] * 2, "one close after its deadline, and the one that could not ask"
        model.may_go_on.set()
        await desk.answered()
        desk.live(*range(11, 16))
        await desk.answered()

        assert named(desk.published) == BOTH_AT[15]
        assert len(model.seen[0, 0]) == 15

    play(story())


def test_a_failure_costs_one_decision_and_the_model_starts_from_nothing(workers: list[Worker]) -> None:
    async def story() -> None:
        model = Failing()
        desk = Desk(workers, model)
        desk.live(*range(1, 6))
        await desk.answered()
        assert desk.published == []
        (event,) = desk.journal.of(EventRecord)
        assert event.kind == "prediction_failed"
        assert "RuntimeError: CUDA error" in event.words

        desk.live(*range(6, 11))
        await desk.answered()
        assert model.resets == [0, 1]
        assert named(desk.published) == BOTH_AT[10]

    play(story())


def test_an_answer_after_the_stop_is_not_used(workers: list[Worker]) -> None:
    async def story() -> None:
        model = Slow()
        desk = Desk(workers, model)
        desk.live(*range(1, 6))
        desk.actor.stop()
        model.may_go_on.set()
        await desk.answered()
        assert desk.published == []

    play(story())


def test_without_a_model_there_are_no_entries_and_open_positions_are_managed(workers: list[Worker]) -> None:
    async def story() -> None:
        reason = SpecMismatchError("model demo was trained on features 1, but 2 are served")
        desk = Desk(workers, NoModel(reason))
        Tiers(desk.kit.msgbus)
        strategy = desk.kit.start(helios(desk.journal))
        strategy.on_prediction(prediction(BTC))
        desk.kit.venue.accept(desk.kit.order("ENTRY"))
        desk.kit.venue.fill(desk.kit.order("ENTRY"), 1_000_000)
        desk.kit.venue.accept(desk.kit.order("STOP"), desk.kit.order("TARGET"))

        desk.live(*range(1, 6))
        await desk.answered()
        (event,) = desk.journal.of(EventRecord)
        assert event.kind == "prediction_failed"
        assert "model demo was trained on features 1, but 2 are served" in event.words
        assert len(desk.kit.orders("ENTRY")) == 1

        desk.pass_by(strategy.config.plan.hold_ns)
        assert len(desk.kit.orders("EXIT")) == 1

    play(story())


def test_what_fails_beside_the_loop_unheard_is_told_to_the_loops_handler(workers: list[Worker]) -> None:
    async def story() -> None:
        loop, told = asyncio.get_running_loop(), []
        loop.set_exception_handler(lambda _loop, context: told.append(context["exception"]))
        worker = Worker(loop)
        workers.append(worker)

        def fail() -> None:
            raise ModelError("broken")

        worker(fail, lambda _none: None)
        passed = loop.create_future()
        worker(lambda: None, passed.set_result)
        await asyncio.wait_for(passed, _PATIENCE_SECS)
        assert [str(each) for each in told] == ["broken"]

    play(story())


def test_a_closed_worker_hands_nothing_back(workers: list[Worker]) -> None:
    async def story() -> None:
        loop, may_go_on, answers = asyncio.get_running_loop(), Event(), []
        worker = Worker(loop)
        workers.append(worker)
        worker(lambda: may_go_on.wait(_PATIENCE_SECS), answers.append)
        worker.close()
        may_go_on.set()
        worker._executor.shutdown(wait=True)
        passed = loop.create_future()
        loop.call_soon(passed.set_result, None)
        await passed
        assert answers == []

    play(story())
