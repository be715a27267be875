"""What the dashboard sees: two runs of one account told as one, figures or the reason why not, and nothing invented."""

import itertools
from collections.abc import Callable, Iterator

import psycopg
import pytest
from msgspec.structs import replace

from helios_nautilus.dashboard.view import View
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_SEC
from helios_nautilus.errors import JournalError
from helios_nautilus.journal.command_rows import CommandRows
from helios_nautilus.journal.postgres import PostgresJournal, connect
from helios_nautilus.journal.standing import StandingReader
from tests.integration.dashboard.site import NOW_NS
from tests.integration.journal.samples import RUN, mark, predict, status


@pytest.fixture
def view(database: str) -> Iterator[View]:
    reader = StandingReader(lambda: database)
    yield View(reader, "paper", clock=lambda: NOW_NS)
    reader.close()


@pytest.fixture
def empty(new_database: Callable[[], str]) -> Iterator[View]:
    url = new_database()
    reader = StandingReader(lambda: url)
    yield View(reader, "paper", clock=lambda: NOW_NS)
    reader.close()


def test_without_any_run_every_figure_says_why_it_is_missing(empty: View) -> None:
    metrics = empty.metrics()
    figures = [metrics.equity, metrics.pnl_day, metrics.sharpe, metrics.var_95, metrics.beta, metrics.kelly]
    assert [figure.value for figure in figures] == [None] * len(figures)
    assert all(figure.why for figure in figures)
    assert empty.equity("all").points == ()
    assert (empty.positions().positions, empty.trades(), empty.decisions(), empty.events()) == ((), [], [], [])


def test_without_any_run_the_status_says_how_to_start_one(empty: View) -> None:
    found = empty.status()
    assert (found.node, found.age_secs, found.is_running) == (None, None, False)
    assert "helios paper CONFIG" in found.words


@pytest.mark.parametrize(
    ("age_secs", "is_stale", "is_running", "words"),
    [
        (2, False, True, "running, not ready for entries"),
        (20, True, True, "silent for 20 s"),
        (60, True, False, "not running since"),
    ],
)
def test_a_status_ages(view: View, database: str, age_secs: int, is_stale: bool, is_running: bool, words: str) -> None:
    with connect(database) as connection:
        connection.execute("DELETE FROM node_status")
        CommandRows(connection).put_status(status(NOW_NS - age_secs * NS_PER_SEC))
    found = view.status()
    assert (found.age_secs, found.is_stale, found.is_running) == (age_secs, is_stale, is_running)
    assert words in found.words
    assert view.positions().is_stale == is_stale
    with connect(database) as connection:
        connection.execute("DELETE FROM node_status")


def test_an_account_began_where_the_first_of_its_runs_did(view: View) -> None:
    metrics = view.metrics()
    assert metrics.since_ns == NOW_NS - 54 * NS_PER_HOUR
    assert metrics.currency == "ZAR"
    assert metrics.equity.value == 100_500.0
    assert metrics.pnl_total.value == 500.0
    assert metrics.return_total.value == pytest.approx(0.005)


def test_the_day_begins_at_midnight(view: View) -> None:
    # The last mark before it was at 23:00, after an odd number of hours.
    assert view.metrics().pnl_day.value == 0.0


def test_a_fresh_status_goes_before_the_last_mark(view: View, database: str) -> None:
    with connect(database) as connection:
        CommandRows(connection).put_status(replace(status(NOW_NS - NS_PER_SEC), equity=101_000.0))
    metrics = view.metrics()
    assert (metrics.equity.value, metrics.ts_ns) == (101_000.0, NOW_NS - NS_PER_SEC)
    assert (metrics.cash.value, metrics.leverage.value) == (80_000.0, 0.2)
    with connect(database) as connection:
        connection.execute("DELETE FROM node_status")


def test_beta_is_the_slope_on_bitcoin(view: View) -> None:
    # Of returns that alternate between +1 % and its way back, on half as much.
    assert view.metrics().beta.value == pytest.approx(0.5, rel=0.01)


def test_risk_that_needs_more_days_says_how_many_there_are(view: View) -> None:
    found = view.metrics()
    for figure in (found.sharpe, found.volatility, found.var_95):
        assert (figure.value, figure.why) == (None, "needs 20 days of equity, has 3")


def test_a_curve_is_bounded_and_in_order(view: View) -> None:
    whole, hour = view.equity("all"), view.equity("1H")
    assert len(whole.points) == 54
    assert [point.ts_ns for point in whole.points] == sorted(point.ts_ns for point in whole.points)
    assert [point.ts_ns for point in hour.points] == [NOW_NS - NS_PER_HOUR]


def test_a_curve_of_many_marks_is_thinned_to_the_last_of_each_stretch(new_database: Callable[[], str]) -> None:
    url = new_database()
    run = replace(RUN, run_id="paper-1", mode="paper", ts_ns=NOW_NS - NS_PER_HOUR)
    marks = [replace(mark(NOW_NS - second * NS_PER_SEC), equity=float(second + 1)) for second in range(3600, -1, -1)]
    with connect(url) as connection:
        PostgresJournal(connection).store_run([run, *marks], run)
    reader = StandingReader(lambda: url)
    points = View(reader, "paper", clock=lambda: NOW_NS).equity("1H").points
    reader.close()
    assert 250 < len(points) <= 301
    assert (points[-1].ts_ns, points[-1].equity) == (NOW_NS, 1.0)
    assert {before.ts_ns - after.ts_ns for after, before in itertools.pairwise(points[:-1])} == {12 * NS_PER_SEC}


def test_predictions_come_with_their_outcomes(view: View) -> None:
    newest, before = view.predictions(2)
    assert (newest.decision_id, newest.outcome_ns, newest.label) == ("D-9", None, None)
    assert (before.label, before.net_return) == ("BUY", 0.01)
    assert [each.decision_id for each in view.predictions(1, before_ns=newest.ts_ns)] == [before.decision_id]


def test_paging_by_stamps_skips_nothing_that_was_said_of_one_bar(new_database: Callable[[], str]) -> None:
    url = new_database()
    run = replace(RUN, run_id="paper-1", mode="paper", ts_ns=1)
    names = [f"{pair}-{minute}" for minute in (3, 2, 1) for pair in ("SOL", "ETH", "BTC")]
    with connect(url) as connection:
        said = [predict(name, NOW_NS + int(name[-1]) * NS_PER_SEC) for name in reversed(names)]
        PostgresJournal(connection).store_run([run, *said], run)
    reader = StandingReader(lambda: url)
    view = View(reader, "paper")
    paged, before_ns = [], NOW_NS + 9 * NS_PER_SEC
    while page := view.predictions(2, before_ns=before_ns):
        paged += [each.decision_id for each in page]
        before_ns = page[-1].ts_ns
    decided = [each.decision_id for each in view.decisions(2)]
    reader.close()
    assert (paged, decided) == (names, names[:3])


def test_a_decision_says_who_ended_it_and_in_which_words(view: View) -> None:
    (declined,) = view.decisions(1)
    assert (declined.outcome, declined.reason) == ("rejected-by-aether", "no_edge")
    assert declined.words == "no edge left after costs"
    assert declined.aether == "no edge: 0.1 % after costs"
    (entered,) = view.decisions(outcome="entered")
    assert (entered.decision_id, entered.gate) == ("D-1", "rules: APPROVE. calm")
    assert entered.guardian == "all checks passed"


def test_a_story_is_found_by_any_of_its_names_and_none_by_another(view: View) -> None:
    story = view.story("O-1")
    assert story is not None
    assert (story.decision_id, story.run.run_id) == ("D-1", "paper-1")
    assert len(story.records) == 8
    assert view.story("nothing") is None


def test_a_story_is_that_of_this_mode_though_newer_runs_of_others_name_theirs_alike(
    new_database: Callable[[], str],
) -> None:
    url = new_database()
    with connect(url) as connection:
        for run_id, mode in (("paper-1", "paper"), ("live-1", "live"), ("replay-1", "backtest")):
            run = replace(RUN, run_id=run_id, mode=mode, ts_ns=NOW_NS)
            PostgresJournal(connection).store_run([run, predict("BTC-1", NOW_NS)], run)
        PostgresJournal(connection).store_run(
            [run := replace(RUN, run_id="replay-2", ts_ns=NOW_NS), predict("BTC-2", NOW_NS)], run
        )
    reader = StandingReader(lambda: url)
    paper = View(reader, "paper", clock=lambda: NOW_NS)
    story, of_a_backtest = paper.story("BTC-1"), paper.story("BTC-2")
    reader.close()
    assert story is not None
    assert (story.run.run_id, story.also, of_a_backtest) == ("paper-1", (), None)


def test_trades_events_and_rebalancings_have_the_newest_first(view: View) -> None:
    (closed,) = view.trades()
    assert (closed.close_reason, closed.pnl) == ("TAKE_PROFIT", 190.5)
    assert [(event.kind, event.level) for event in view.events()] == [("kill_switch", "critical"), ("drift", "warning")]
    (event, _) = view.events()
    assert event.words == "HALT: by hand"
    (rebalanced,) = view.rebalances()
    assert (rebalanced.reason, rebalanced.changes[0].target) == ("DAILY", 0.2)


def test_the_reader_cannot_write(database: str) -> None:
    reader = StandingReader(lambda: database)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), reader.connection() as connection:
        connection.execute("INSERT INTO node_status VALUES ('paper', 1, 'x', '{}')")
    reader.close()


def test_a_question_behind_one_that_does_not_come_back_is_given_up(database: str) -> None:
    reader = StandingReader(lambda: database, answer_secs=0.05)
    view = View(reader, "paper", clock=lambda: NOW_NS)
    with reader.connection(), pytest.raises(JournalError, match="does not answer"):
        view.trades()
    assert len(view.trades()) == 1
    reader.close()


def test_a_database_that_went_away_is_asked_again_after_a_pause(database: str) -> None:
    where, seconds = [database], [0.0]
    reader = StandingReader(lambda: where[0], clock=lambda: seconds[0])
    view = View(reader, "paper", clock=lambda: NOW_NS)
    assert len(view.trades()) == 1
    with psycopg.connect(database) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(JournalError):
        view.trades()
    where[0] = "postgresql://nobody@127.0.0.1:1/none"
    with pytest.raises(JournalError, match="refused"):
        view.trades()
    where[0] = database
    with pytest.raises(JournalError, match="refused"):
        view.trades()
    seconds[0] = 2.0
    assert len(view.trades()) == 1
    reader.close()
