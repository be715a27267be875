import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from helios_nautilus.watch.alert import Alert
from helios_nautilus.watch.outbox import Delivered, Outbox
from helios_nautilus.watch.settings import Level
from helios_nautilus.watch.webhook import DeliveryError

PATIENCE_SECS = 20.0


def alert(kind: str, level: Level = "info") -> Alert:
    return Alert(level=level, kind=kind, words="", ts_ns=1)


class Receiver:
    """Takes what is delivered, or refuses it; lets nothing through until it is opened."""

    def __init__(self, *refusals: DeliveryError) -> None:
        self.taken: list[str] = []
        self.refusals = list(refusals)
        self.is_open = threading.Event()
        self.is_busy = threading.Event()

    def deliver(self, each: Alert) -> None:
        self.is_busy.set()
        assert self.is_open.wait(PATIENCE_SECS)
        if self.refusals:
            raise self.refusals.pop(0)
        self.taken.append(each.kind)


class Desk:
    """An outbox with its receiver, and what became of each alert."""

    def __init__(self, receiver: Receiver, attempts: int, limit: int, pause_secs: float) -> None:
        self.receiver = receiver
        self.results: list[tuple[str, Delivered]] = []
        self.told: list[str] = []
        self._grew = threading.Condition()
        self.outbox = Outbox(receiver.deliver, attempts, self._note, self.told.append, limit, pause_secs)

    def until(self, count: int) -> list[tuple[str, Delivered]]:
        with self._grew:
            assert self._grew.wait_for(lambda: len(self.results) >= count, PATIENCE_SECS), self.results
        return self.results

    def _note(self, each: Alert, result: Delivered) -> None:
        with self._grew:
            self.results.append((each.kind, result))
            self._grew.notify_all()


@contextmanager
def desk(*refusals: DeliveryError, attempts: int = 3, limit: int = 10, pause_secs: float = 0.001) -> Iterator[Desk]:
    made = Desk(Receiver(*refusals), attempts, limit, pause_secs)
    made.outbox.start()
    try:
        yield made
    finally:
        made.receiver.is_open.set()
        made.outbox.close(PATIENCE_SECS)


def occupy(made: Desk) -> None:
    """One alert is on its way, and the receiver is in no hurry."""
    made.outbox.put(alert("first"))
    assert made.receiver.is_busy.wait(PATIENCE_SECS)


def test_the_most_urgent_goes_first_and_equals_in_their_order() -> None:
    with desk() as made:
        occupy(made)
        for kind, level in (
            ("i1", "info"),
            ("w1", "warning"),
            ("c1", "critical"),
            ("w2", "warning"),
            ("c2", "critical"),
        ):
            made.outbox.put(alert(kind, level))  # type: ignore[arg-type]
        made.receiver.is_open.set()
        made.until(6)
        assert made.receiver.taken == ["first", "c1", "c2", "w1", "w2", "i1"]


def test_when_too_many_wait_the_least_urgent_goes() -> None:
    with desk(limit=2) as made:
        occupy(made)
        for kind, level in (("w1", "warning"), ("i1", "info"), ("c1", "critical"), ("i2", "info")):
            made.outbox.put(alert(kind, level))  # type: ignore[arg-type]
        assert made.results == [("i1", "dropped"), ("i2", "dropped")]
        made.receiver.is_open.set()
        assert made.until(5)[2:] == [("first", "sent"), ("c1", "sent"), ("w1", "sent")]


def test_a_delivery_that_fails_is_tried_again_and_trouble_is_told_once() -> None:
    with desk(DeliveryError("no answer"), DeliveryError("no answer")) as made:
        made.receiver.is_open.set()
        made.outbox.put(alert("a"))
        assert made.until(1) == [("a", "sent")]
        assert made.told == ["alerts are not delivered: no answer", "alerts are delivered again"]


def test_an_alert_is_given_up_after_so_many_attempts() -> None:
    with desk(*(DeliveryError("no answer") for _ in range(3)), attempts=3) as made:
        made.receiver.is_open.set()
        made.outbox.put(alert("a"))
        assert made.until(1) == [("a", "failed")]
        assert made.receiver.taken == []


def test_a_receiver_that_is_away_for_long_is_tried_again_all_the_same() -> None:
    many = 1_100  # the pause would double beyond what a float can hold
    with desk(*(DeliveryError("no answer") for _ in range(many)), attempts=many + 1, pause_secs=0.0) as made:
        made.receiver.is_open.set()
        made.outbox.put(alert("a"))
        assert made.until(1) == [("a", "sent")]


def test_what_would_fail_again_is_not_tried_again() -> None:
    with desk(DeliveryError("the receiver answered 404", is_final=True)) as made:
        made.receiver.is_open.set()
        made.outbox.put(alert("a"))
        made.outbox.put(alert("b"))
        assert made.until(2) == [("a", "failed"), ("b", "sent")]


def test_a_critical_alert_overtakes_one_that_is_being_tried_again() -> None:
    with desk(DeliveryError("no answer")) as made:
        occupy(made)
        made.outbox.put(alert("c", "critical"))
        made.receiver.is_open.set()
        made.until(2)
        assert made.receiver.taken == ["c", "first"]


def test_a_closing_outbox_delivers_what_waits_and_waits_for_no_pause() -> None:
    with desk(DeliveryError("no answer"), pause_secs=3_600.0) as made:
        occupy(made)
        made.outbox.put(alert("b"))
        made.receiver.is_open.set()
        made.outbox.close(PATIENCE_SECS)
        assert sorted(made.results) == [("b", "sent"), ("first", "sent")]


def test_a_closing_outbox_lets_go_of_what_it_has_no_time_for() -> None:
    with desk() as made:
        occupy(made)
        made.outbox.put(alert("b"))
        made.outbox.close(0.0)
        made.receiver.is_open.set()
        assert made.until(2) == [("first", "sent"), ("b", "dropped")]


def test_whoever_hears_of_trouble_may_break() -> None:
    broken: Callable[[str], None] = lambda _: 1 / 0  # type: ignore[assignment, return-value]  # noqa: E731
    receiver, done = Receiver(DeliveryError("no answer")), threading.Event()
    receiver.is_open.set()
    outbox = Outbox(receiver.deliver, 2, lambda *_: done.set(), broken, first_pause_secs=0.001)
    outbox.start()
    outbox.put(alert("a"))
    assert done.wait(PATIENCE_SECS)
    outbox.close(PATIENCE_SECS)
    assert receiver.taken == ["a"]
