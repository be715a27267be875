"""Guardian's checks: each limit, each figure that can be missing, and the properties that hold for any portfolio."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.portfolio.guardian import (
    Check,
    EntryRequest,
    Exposure,
    GuardianRules,
    PortfolioView,
    RecentEntry,
    check_entry,
)
from helios_nautilus.domain.portfolio.kill_switch import KillState
from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_SEC
from helios_nautilus.errors import ConfigError
from helios_nautilus.journal.records import CheckResult

NOW = 20_000 * NS_PER_DAY
RULES = GuardianRules()
NAMES = (
    "kill_switch",
    "drawdown",
    "daily_loss",
    "position",
    "sector",
    "correlation",
    "leverage",
    "open_positions",
    "price",
    "duplicates",
    "rate",
)
RETURNS = {name: np.random.default_rng(seed).normal(0.0, 0.03, 30) for seed, name in enumerate("ABCDEFGHIJKL")}


def a_mark(equity: float = 100_000.0, peak: float = 100_000.0, day_start: float = 100_000.0) -> EquityMark:
    return EquityMark(ts_ns=NOW, equity=equity, peak=peak, day_start=day_start)


def a_request(**changes: object) -> EntryRequest:
    request = EntryRequest(
        instrument_id="A", base="A", side=Side.LONG, notional=5_800.0, price=100.0, leverage=1.0, ts_ns=NOW
    )
    return msgspec.structs.replace(request, **changes)


def a_view(**changes: object) -> PortfolioView:
    view = PortfolioView(kill_state=KillState.NORMAL, mark=a_mark(), returns=RETURNS, last_price=100.0)
    return msgspec.structs.replace(view, **changes)


def held(name: str, notional: float, base: str | None = None) -> Exposure:
    return Exposure(instrument_id=name, base=base or name, notional=notional)


def failed(request: EntryRequest, view: PortfolioView, rules: GuardianRules = RULES) -> set[str]:
    return {check.name for check in check_entry(request, view, rules) if not check.passed}


def check(name: str, request: EntryRequest, view: PortfolioView, rules: GuardianRules = RULES) -> Check:
    return next(check for check in check_entry(request, view, rules) if check.name == name)


def test_a_quiet_portfolio_passes_every_check_and_all_of_them_are_reported():
    checks = check_entry(a_request(), a_view(), RULES)

    assert tuple(check.name for check in checks) == NAMES
    assert all(check.passed and check.words for check in checks)


def test_all_checks_run_even_if_the_first_one_fails():
    checks = check_entry(a_request(price=200.0), a_view(kill_state=KillState.HALT, mark=None), RULES)

    assert len(checks) == len(NAMES)


@pytest.mark.parametrize("state", [KillState.REDUCE_ONLY, KillState.HALT])
def test_a_kill_switch_that_is_not_normal_refuses(state: KillState):
    assert failed(a_request(), a_view(kill_state=state)) == {"kill_switch"}


def test_a_drawdown_beyond_15_percent_refuses_and_at_15_percent_it_does_not():
    assert failed(a_request(), a_view(mark=a_mark(85_000.0, day_start=85_000.0))) == set()
    assert failed(a_request(), a_view(mark=a_mark(84_900.0, day_start=84_900.0))) == {"drawdown"}


def test_a_loss_beyond_5_percent_since_midnight_refuses():
    view = a_view(mark=a_mark(equity=94_900.0))

    assert failed(a_request(), view) == {"daily_loss"}
    assert check("daily_loss", a_request(), view).words == "the loss since 00:00 UTC is 5.10%, limit 5.00%"


def test_the_whole_position_counts_with_what_is_held_and_what_is_working():
    view = a_view(positions=(held("A", 10_000.0),), pending=(held("A", 5_000.0),))

    assert check("position", a_request(notional=5_000.0), view).value == pytest.approx(0.20)
    assert failed(a_request(notional=5_000.0), view) == set()
    assert failed(a_request(notional=5_001.0), view) == {"position"}


def test_a_position_held_the_other_way_does_not_make_room():
    assert failed(a_request(), a_view(positions=(held("A", -15_000.0),))) == {"position"}


def test_a_size_cut_to_exactly_the_cap_is_not_refused_for_the_last_bit():
    for equity in (99_999.99, 123_456.78, 1e-3, 3.3333333e9):
        view = a_view(mark=a_mark(equity, equity, equity))
        assert failed(a_request(notional=0.2 * equity), view) == set()


def test_unmapped_currencies_share_the_sector_crypto():
    view = a_view(positions=tuple(held(name, 19_000.0) for name in "BCD"))

    assert failed(a_request(), view) == {"sector"}
    assert failed(a_request(), view, GuardianRules(sectors={"B": "defi"})) == set()
    assert "sector crypto" in check("sector", a_request(), view).words


def test_a_twin_of_an_open_position_is_refused():
    returns = {**RETURNS, "B": RETURNS["A"] + 1e-4 * RETURNS["B"]}
    view = a_view(positions=(held("B", 1_000.0), held("C", 1_000.0)), returns=returns)

    assert failed(a_request(), view) == {"correlation"}
    assert "with B" in check("correlation", a_request(), view).words


def test_a_twin_that_is_still_being_entered_counts_as_open():
    assert failed(
        a_request(), a_view(pending=(held("B", 1_000.0),), returns={"A": RETURNS["A"], "B": RETURNS["A"]})
    ) == {"correlation"}


def test_a_short_of_a_twin_is_a_hedge_and_a_short_of_an_opposite_is_the_same_bet():
    twins = {"A": RETURNS["A"], "B": RETURNS["A"]}
    opposites = {"A": RETURNS["A"], "B": -RETURNS["A"]}
    short = a_view(positions=(held("B", -1_000.0),))

    assert failed(a_request(), msgspec.structs.replace(short, returns=twins)) == set()
    assert failed(a_request(), msgspec.structs.replace(short, returns=opposites)) == {"correlation"}
    assert failed(a_request(side=Side.SHORT), msgspec.structs.replace(short, returns=twins)) == {"correlation"}


def test_correlation_needs_no_history_while_nothing_else_is_open():
    assert failed(a_request(), a_view(returns={})) == set()
    assert failed(a_request(), a_view(returns={}, positions=(held("A", 1_000.0),))) == set()
    assert check("correlation", a_request(), a_view(returns={})).value is None


@pytest.mark.parametrize(
    "returns",
    [
        {},
        {"A": RETURNS["A"]},
        {"B": RETURNS["B"]},
        {"A": RETURNS["A"], "B": RETURNS["B"][:29]},
        {"A": RETURNS["A"], "B": np.zeros(30)},
        {"A": RETURNS["A"], "B": np.where(np.arange(30) == 7, np.nan, RETURNS["B"])},
    ],
    ids=["none", "not theirs", "not ours", "29 days", "never moved", "a hole"],
)
def test_a_correlation_that_cannot_be_known_is_a_breach(returns: dict[str, np.ndarray]):
    view = a_view(returns=returns, positions=(held("B", 1_000.0),))

    assert failed(a_request(), view) == {"correlation"}
    assert check("correlation", a_request(), view).value is None


def test_only_the_last_30_days_are_correlated():
    older = np.random.default_rng(99).normal(size=60)
    returns = {"A": np.concatenate([older, RETURNS["A"]]), "B": np.concatenate([-older, RETURNS["A"]])}

    assert check("correlation", a_request(), a_view(returns=returns, positions=(held("B", 1.0),))).value == (
        pytest.approx(1.0)
    )


def test_gross_exposure_beyond_three_times_equity_refuses():
    rules = GuardianRules(max_sector=9.0)
    view = a_view(positions=(held("B", 200_000.0), held("C", -95_000.0)))

    assert failed(a_request(notional=5_000.0), view, rules) == set()
    assert failed(a_request(notional=5_001.0), view, rules) == {"leverage"}


def test_an_order_that_asks_for_more_leverage_than_allowed_is_refused_however_small():
    assert failed(a_request(notional=1.0, leverage=3.1), a_view()) == {"leverage"}
    assert failed(a_request(leverage=math.nan), a_view()) == {"leverage"}


def test_an_eleventh_position_is_refused_and_adding_to_the_tenth_is_not():
    ten = tuple(held(name, 100.0) for name in "ABCDEFGHIJ")

    assert failed(a_request(), a_view(positions=ten)) == set()
    assert failed(a_request(instrument_id="K", base="K"), a_view(positions=ten)) == {"open_positions"}
    assert failed(a_request(instrument_id="K", base="K"), a_view(positions=ten[:9], pending=ten[9:])) == {
        "open_positions"
    }


@pytest.mark.parametrize(
    ("price", "last", "bid", "ask", "passes"),
    [
        (101.9, 100.0, None, None, True),
        (102.1, 100.0, None, None, False),
        (97.9, 100.0, None, None, False),
        (101.0, None, 99.0, 101.0, True),
        (103.1, None, 99.0, 101.0, False),
        (96.9, None, 99.0, 101.0, False),
        (100.0, 100.0, 103.0, 104.0, False),
        (103.0, 100.0, 103.0, 104.0, False),
        (100.0, 100.0, 101.0, 99.0, False),
        (100.0, None, None, None, False),
        (100.0, None, 99.0, None, False),
        (100.0, 100.0, 99.0, None, True),
    ],
    ids=[
        "near the trade",
        "above the trade",
        "below the trade",
        "at the ask",
        "above the ask",
        "below the bid",
        "trade fine, far from the book",
        "book fine, far from the trade",
        "crossed book",
        "nothing known",
        "half a book and no trade",
        "half a book, trade fine",
    ],
)
def test_a_price_is_held_against_the_last_trade_and_the_book(
    price: float, last: float | None, bid: float | None, ask: float | None, passes: bool
):
    view = a_view(last_price=last, bid=bid, ask=ask)

    assert failed(a_request(price=price), view) == (set() if passes else {"price"})


def test_the_same_bet_again_within_60_seconds_is_a_duplicate():
    def sent(secs: float, side: Side = Side.LONG, name: str = "A") -> PortfolioView:
        entry = RecentEntry(instrument_id=name, side=side, ts_ns=NOW - round(secs * NS_PER_SEC))
        return a_view(recent=(entry,))

    assert failed(a_request(), sent(59.9)) == {"duplicates"}
    assert failed(a_request(), sent(60.0)) == set()
    assert failed(a_request(), sent(1.0, side=Side.SHORT)) == set()
    assert failed(a_request(), sent(1.0, name="B")) == set()


def test_an_eleventh_entry_within_a_minute_is_refused():
    others = tuple(RecentEntry(instrument_id=name, side=Side.LONG, ts_ns=NOW) for name in "BCDEFGHIJK")
    long_ago = RecentEntry(instrument_id="L", side=Side.LONG, ts_ns=NOW - 60 * NS_PER_SEC)

    assert failed(a_request(), a_view(recent=(*others[:9], long_ago))) == set()
    assert failed(a_request(), a_view(recent=others)) == {"rate"}


def test_unknown_equity_fails_every_check_that_needs_it_and_no_other():
    assert failed(a_request(), a_view(mark=None)) == {"drawdown", "daily_loss", "position", "sector", "leverage"}


def test_equity_of_nothing_leaves_no_room():
    assert {"drawdown", "daily_loss", "position", "sector", "leverage"} == failed(
        a_request(), a_view(mark=a_mark(equity=0.0))
    )


BROKEN = st.sampled_from([math.nan, math.inf, -math.inf])


@given(broken=BROKEN)
def test_a_figure_that_is_not_finite_never_passes_the_check_that_needs_it(broken: float):
    money = {"position", "sector", "leverage"}

    assert money <= failed(a_request(notional=broken), a_view())
    assert "price" in failed(a_request(price=broken), a_view())
    assert "leverage" in failed(a_request(leverage=broken), a_view())
    for quote in ("last_price", "bid", "ask"):
        assert "price" in failed(a_request(), a_view(**{quote: broken}))
    assert money <= failed(a_request(), a_view(positions=(held("A", broken),)))
    assert {"sector", "leverage", "correlation"} <= failed(a_request(), a_view(pending=(held("B", broken),)))


@given(notional=st.one_of(st.floats(max_value=0.0), BROKEN))
def test_an_order_of_no_size_is_refused(notional: float):
    assert "position" in failed(a_request(notional=notional), a_view())


MONEY = st.floats(0.01, 400_000.0)
EXPOSURES = st.lists(
    st.builds(held, st.sampled_from("ABCDEFGHIJKL"), st.one_of(MONEY, MONEY.map(lambda x: -x))), max_size=12
).map(tuple)
VIEWS = st.builds(
    lambda positions, pending, fall, loss, last, recent: a_view(
        positions=positions,
        pending=pending,
        mark=a_mark((1 - fall) * 100_000.0, day_start=(1 - fall) * 100_000.0 / (1 - loss)),
        last_price=last,
        recent=recent,
    ),
    EXPOSURES,
    EXPOSURES,
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.5),
    st.floats(95.0, 105.0),
    st.lists(
        st.builds(
            RecentEntry,
            instrument_id=st.sampled_from("ABC"),
            side=st.sampled_from(Side),
            ts_ns=st.integers(NOW - 90 * NS_PER_SEC, NOW),
        ),
        max_size=12,
    ).map(tuple),
)
REQUESTS = st.builds(
    lambda name, side, notional, leverage: a_request(
        instrument_id=name, base=name, side=side, notional=notional, leverage=leverage
    ),
    st.sampled_from("ABCDEFGHIJKL"),
    st.sampled_from(Side),
    MONEY,
    st.floats(1.0, 4.0),
)


@given(request=REQUESTS, view=VIEWS)
def test_nothing_above_a_limit_ever_passes(request: EntryRequest, view: PortfolioView):
    for result in check_entry(request, view, RULES):
        assert result.value is None or math.isfinite(result.value)
        if result.passed and result.value is not None:
            assert result.value <= result.limit * (1 + 1e-8)
    exposures = [*view.positions, *view.pending]
    gross = request.notional + sum(abs(exposure.notional) for exposure in exposures)
    ours = request.notional + sum(abs(e.notional) for e in exposures if e.instrument_id == request.instrument_id)
    refused = failed(request, view)
    assert "position" in refused or ours <= 0.2 * view.mark.equity * (1 + 1e-8)
    assert "sector" in refused or gross <= 0.6 * view.mark.equity * (1 + 1e-8)


@given(request=REQUESTS, view=VIEWS, factor=st.floats(1.0, 10.0), more=EXPOSURES, deeper=st.floats(0.0, 0.5))
@settings(max_examples=150)
def test_more_risk_never_turns_a_refusal_into_a_pass(
    request: EntryRequest, view: PortfolioView, factor: float, more: tuple[Exposure, ...], deeper: float
):
    before = failed(request, view)
    mark = view.mark
    poorer = msgspec.structs.replace(mark, equity=mark.equity * (1 - deeper))
    riskier = [
        (msgspec.structs.replace(request, notional=request.notional * factor), view),
        (msgspec.structs.replace(request, leverage=request.leverage * factor), view),
        (request, msgspec.structs.replace(view, positions=view.positions + more)),
        (request, msgspec.structs.replace(view, pending=view.pending + more)),
        (request, msgspec.structs.replace(view, mark=poorer)),
        (request, msgspec.structs.replace(view, mark=msgspec.structs.replace(mark, peak=mark.peak * factor))),
        (request, msgspec.structs.replace(view, kill_state=KillState.HALT)),
        (request, msgspec.structs.replace(view, recent=view.recent * 2)),
    ]
    for worse_request, worse_view in riskier:
        assert before <= failed(worse_request, worse_view)


def test_the_check_maps_one_to_one_onto_the_journals():
    names = [field.name for field in msgspec.structs.fields(Check)]

    assert names == [field.name for field in msgspec.structs.fields(CheckResult)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_drawdown": 0.0},
        {"max_daily_loss": 1.1},
        {"max_position": math.nan},
        {"max_leverage": -1.0},
        {"cooldown_secs": -1.0},
        {"correlation_days": 2},
    ],
)
def test_a_limit_that_makes_no_sense_is_a_config_error(wrong: dict[str, float]):
    with pytest.raises(ConfigError, match="guardian"):
        GuardianRules(**wrong)


def test_an_unknown_limit_is_not_accepted():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"max_drawdwon": 0.1}, GuardianRules)
