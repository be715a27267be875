import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.decision.schema import AnswerSource
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.journal.records import GateCallRecord
from helios_nautilus.llm.budget import DailyBudget, Reservation, Spent, count_spent
from tests.integration.journal.samples import gate_call

LIMIT = Spent(calls=3, usd=1.0)


class Calendar:
    def __init__(self) -> None:
        self.now_ns = 20_000 * NS_PER_DAY + 5

    def __call__(self) -> int:
        return self.now_ns


def _past(ts_ns: int, outcome: str = "answered", source: AnswerSource = "live") -> GateCallRecord:
    return gate_call(ts_ns=ts_ns, outcome=outcome, source=source, cost_usd=0.25)


def _reserved(budget: DailyBudget, usd: float) -> Reservation:
    reservation = budget.reserve(usd)
    assert reservation is not None
    return reservation


def test_money_is_set_aside_before_the_call_and_settled_after_it() -> None:
    budget = DailyBudget(LIMIT, Calendar())
    reservation = _reserved(budget, 0.7)
    assert budget.reserve(0.4) is None
    budget.settle(reservation, 0.1)
    assert budget.spent == Spent(calls=1, usd=pytest.approx(0.1))
    assert budget.reserve(0.4) is not None


def test_the_number_of_calls_is_limited_too() -> None:
    budget = DailyBudget(LIMIT, Calendar())
    for _ in range(3):
        _reserved(budget, 0.0)
    assert budget.reserve(0.0) is None


def test_a_call_that_did_not_go_out_is_given_back() -> None:
    budget = DailyBudget(LIMIT, Calendar())
    budget.release(_reserved(budget, 0.9))
    assert budget.spent == Spent()


def test_a_new_day_opens_a_new_budget_and_yesterdays_bill_is_not_on_it() -> None:
    calendar = Calendar()
    budget = DailyBudget(LIMIT, calendar)
    late = _reserved(budget, 0.9)
    calendar.now_ns += NS_PER_DAY
    assert budget.spent == Spent()
    budget.settle(late, 0.5)
    budget.release(late)
    assert budget.spent == Spent()


def test_a_restart_goes_on_with_what_the_day_has_cost() -> None:
    calendar, asked = Calendar(), list[int]()

    def counter(since_ns: int) -> Spent:
        asked.append(since_ns)
        return Spent(calls=2, usd=0.6)

    budget = DailyBudget(LIMIT, calendar, counter)
    assert asked == [20_000 * NS_PER_DAY]
    assert budget.reserve(0.5) is None
    _reserved(budget, 0.4)
    assert budget.reserve(0.0) is None


def test_past_calls_count_if_they_went_out_since_the_stamp() -> None:
    calls = [
        _past(9),
        _past(10),
        _past(11, "timeout", "failed"),
        _past(12, "over_budget", "failed"),
        _past(12, "missing", "failed"),
        _past(12, source="recorded"),
    ]
    assert count_spent(calls, 10) == Spent(calls=2, usd=0.5)


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.floats(0.0, 1.0), st.booleans()), max_size=30))
def test_no_day_is_ever_overdrawn(steps: list[tuple[float, float, bool]]) -> None:
    budget = DailyBudget(LIMIT, Calendar())
    for most, share, is_settled in steps:
        reservation = budget.reserve(most)
        if reservation is not None and is_settled:
            budget.settle(reservation, most * share)
        assert budget.spent.calls <= LIMIT.calls
        assert budget.spent.usd <= LIMIT.usd + 1e-9
