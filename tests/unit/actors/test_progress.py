from helios_nautilus.actors.progress import ProgressActor, ProgressConfig
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.messages import TOPIC_PORTFOLIO, PortfolioState
from tests.fakes import START_NS, Kit


def test_progress_is_told_at_every_midnight_with_the_newest_equity(kit: Kit) -> None:
    told: list[tuple[int, float | None]] = []
    kit.clock.set_time(START_NS + 5 * NS_PER_HOUR)
    config = ProgressConfig(end_ns=START_NS + 3 * NS_PER_DAY)
    kit.start(ProgressActor(config, lambda ts_ns, equity: told.append((ts_ns, equity))))

    kit.advance_to(START_NS + NS_PER_DAY)
    state = PortfolioState(
        ts_ns=START_NS, equity=99_000.0, peak=1e5, drawdown=0.01, daily_loss=0.0, exposure=0.0, open_positions=0
    )
    kit.msgbus.publish(TOPIC_PORTFOLIO, state)
    kit.advance_to(START_NS + 5 * NS_PER_DAY)

    assert told == [
        (START_NS + NS_PER_DAY, None),
        (START_NS + 2 * NS_PER_DAY, 99_000.0),
        (START_NS + 3 * NS_PER_DAY, 99_000.0),
    ]
