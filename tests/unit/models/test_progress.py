import io

import pytest

from helios_nautilus.models.checkpoint import EpochLog
from helios_nautilus.models.progress import Meter, Ticker

LOG = EpochLog(epoch=3, train_loss=1.0234, validation_loss=1.05, seconds=2.5)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def test_pace_is_what_was_done_since_the_start_by_the_time_it_took():
    clock = Clock()
    meter = Meter(4, 0.0, clock)
    meter.count(10, 3000)
    meter.count(10, 1000)
    clock.now += 8.0
    pace = meter.pace(2, 0.4)
    assert (pace.epoch, pace.epochs, pace.share) == (2, 4, 0.4)
    assert (pace.steps_per_sec, pace.decisions_per_sec) == (2.5, 500.0)
    assert pace.secs_left == pytest.approx(12.0)


def test_time_left_after_a_break_counts_only_what_was_done_since():
    clock = Clock()
    meter = Meter(4, 0.5, clock)
    clock.now += 10.0
    assert meter.pace(3, 0.6).secs_left == pytest.approx(40.0)


def test_terminal_shows_the_pace_in_one_line_that_makes_way_for_others():
    lines, terminal, clock = [], Terminal(), Clock()
    ticker, meter = Ticker(lines.append, terminal), Meter(12, 0.0, clock)
    meter.count(5, 5000)
    clock.now += 60.0
    ticker.paced(meter.pace(3, 0.25))
    ticker.epoch(LOG)
    shown = terminal.getvalue()
    assert "\n" not in shown
    assert "epoch 3/12  25%  83 decisions/s  0.08 steps/s  0:03:00 left at most" in shown
    assert shown.endswith("\r\x1b[K")
    assert lines == ["  epoch  3  train 1.0234  validation 1.0500  2.5 s"]


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_pace_is_shown_nowhere_but_on_a_terminal(stream):
    lines, clock = [], Clock()
    ticker, meter = Ticker(lines.append, stream), Meter(12, 0.0, clock)
    ticker.paced(meter.pace(1, 0.1))
    ticker.noted("out of memory")
    assert lines == ["out of memory"]
    assert stream is None or stream.getvalue() == ""
