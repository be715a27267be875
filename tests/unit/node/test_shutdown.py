import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

from helios_nautilus.config import NodeSection
from helios_nautilus.domain.plan import CloseReason
from helios_nautilus.node.shutdown import Shutdown


class Scene:
    """A node, its readiness and its strategy, as far as a stop touches them; ``done`` is what happened, in order."""

    def __init__(self, *, is_running: bool = True, **settings: Any) -> None:
        self.done: list[str] = []
        self.told: list[str] = []
        self.is_settled = False
        self.stopped = asyncio.Event()
        self.shutdown = Shutdown(
            SimpleNamespace(trader=SimpleNamespace(is_running=is_running), stop_async=self._stop),
            SimpleNamespace(close_entries=lambda: self.done.append("entries off")),
            SimpleNamespace(stand_down=self._stand_down, is_settled=lambda flatten: self.is_settled),
            NodeSection(**settings),
            lambda _, words: self.told.append(words),
        )

    def _stand_down(self, reason: CloseReason, *, flatten: bool) -> None:
        self.done.append("closing" if flatten else "cancelling")

    async def _stop(self) -> None:
        self.done.append("stopped")
        self.stopped.set()


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await body()

    asyncio.run(bounded())


def test_a_stop_closes_entries_then_positions_and_the_engine_when_all_is_settled() -> None:
    async def body() -> None:
        scene = Scene()
        scene.shutdown.request()
        while scene.done != ["entries off", "closing"]:
            await asyncio.sleep(0)
        scene.is_settled = True
        await scene.stopped.wait()
        assert scene.done == ["entries off", "closing", "stopped"]
        assert scene.told == ["entries are off; closing positions"]

    run(body)


def test_positions_stay_open_where_the_configuration_says_so() -> None:
    async def body() -> None:
        scene = Scene(flatten_on_stop=False)
        scene.is_settled = True
        scene.shutdown.request()
        await scene.stopped.wait()
        assert scene.done == ["entries off", "cancelling", "stopped"]

    run(body)


def test_a_second_signal_leaves_out_the_waiting_and_what_is_left_is_said() -> None:
    async def body() -> None:
        scene = Scene(stop_secs=3600.0)
        scene.shutdown.request()
        scene.shutdown.request()
        await scene.stopped.wait()
        assert scene.done == ["entries off", "closing", "stopped"]
        assert scene.told[-1] == "not everything was closed: look at the venue's orders and positions"

    run(body)


def test_waiting_has_an_end() -> None:
    async def body() -> None:
        scene = Scene(stop_secs=0.01)
        scene.shutdown.request()
        await scene.stopped.wait()
        assert "not everything was closed" in scene.told[-1]

    run(body)


def test_a_node_that_does_not_trade_yet_just_stops() -> None:
    async def body() -> None:
        scene = Scene(is_running=False)
        assert not scene.shutdown.was_asked
        scene.shutdown.request()
        await scene.stopped.wait()
        assert scene.shutdown.was_asked
        assert scene.done == ["stopped"]

    run(body)
