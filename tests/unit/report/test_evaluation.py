import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.models.bootstrap import Interval
from helios_nautilus.models.dataset import Span, Splits
from helios_nautilus.models.evaluate import CalibrationBin, ConfidenceBin, Metrics
from helios_nautilus.models.importance import Importance
from helios_nautilus.models.judgement import (
    Comparison,
    EquityLine,
    FoldSummary,
    Judgement,
    Showing,
    Slice,
    SliceFigures,
    SliceKind,
    Verdict,
)
from helios_nautilus.models.money import Takings
from helios_nautilus.report import findings
from helios_nautilus.report.evaluation import render_evaluation, write_evaluation
from helios_nautilus.report.evaluation_charts import evaluation_charts
from tests.unit.report.test_page import HOSTILE, Text, without_plotly

DAY = 86_400_000_000_000
MODELS = ("prior", "logistic", "boosting", "network", "ensemble")
BASELINES = MODELS[:3]


SLICES: Final[tuple[tuple[SliceKind, str], ...]] = (("regime", "LOW"), ("hour", "07"), ("instrument", "BTCZAR.VALR"))


def interval(estimate: float) -> Interval:
    return Interval(estimate=estimate, low=estimate - 0.01, high=estimate + 0.01)


def takings(*, total: float = -0.4, deflated: float | None = 0.1) -> tuple[Takings, ...]:
    return tuple(
        Takings(
            entry=entry,
            threshold=0.6,
            rows=200,
            rows_mean_net=total / 150,
            trades=100,
            mean_net=total / 100,
            total_net=total,
            win_rate=0.4,
            sharpe=None,
            deflated_sharpe=deflated,
        )
        for entry in ("taker", "maker")
    )


def metrics(skill: float) -> Metrics:
    return Metrics(
        count=1000,
        log_loss=1.0 - skill,
        prior_log_loss=1.0,
        skill=skill,
        accuracy=0.4,
        balanced_accuracy=0.36,
        mcc=0.09,
        directional_accuracy=0.53,
        directional_top=0.56,
        directional_deciles=tuple(
            ConfidenceBin(confidence_from=0.5 + at / 100, count=100, accuracy=0.5 + at / 100) for at in range(10)
        ),
        information_coefficient=None,
        calibration_error=0.01,
        taken=0,
        taken_mean_net=None,
    )


def showing(model: str, money: tuple[Takings, ...]) -> Showing:
    curve = (
        CalibrationBin(p_mean=0.25, frequency=0.2, count=1500),
        CalibrationBin(p_mean=0.55, frequency=0.6, count=9),
    )
    return Showing(
        model=model,
        metrics=metrics(0.03),
        skill=interval(0.03),
        mcc=interval(0.09),
        directional=interval(0.53),
        directional_top=None,
        calibration_before=curve,
        calibration_after=curve,
        error_before=0.05,
        takings=money,
        folds=(metrics(0.03),),
    )


def judgement_of(
    verdicts: dict[tuple[str, str], Verdict] | None = None,
    *,
    money: tuple[Takings, ...] | None = None,
    **fields: Any,
) -> Judgement:
    """A judgement in which every model is better than every baseline, save where ``verdicts`` say otherwise."""
    verdicts, money = verdicts or {}, money or takings()
    span = Span(start_ns=20_000 * DAY, end_ns=20_030 * DAY)
    figures = {model: SliceFigures(skill=0.01, mcc=None, directional_accuracy=0.52) for model in MODELS[1:]}
    judgement = Judgement(
        name="trial",
        helios_version="0",
        created_ns=0,
        preset="helios-nano",
        parameters=123_456,
        model_folder=None,
        instrument_ids=("BTCZAR.VALR", "ETHZAR.VALR"),
        timeframes=("1m", "5m", "15m"),
        label="plan_outcome",
        plan=ExitPlan(),
        spec_hash="spec",
        data_hash="data",
        count=1000,
        days=30,
        trials=20,
        folds=(
            FoldSummary(
                splits=Splits(train=span, validation=span, test=span),
                train_rows=5000,
                validation_rows=800,
                test_rows=1000,
                temperature=dict.fromkeys(MODELS, 1.1),
                network_weight=0.4,
            ),
        ),
        showings=tuple(showing(model, money) for model in MODELS),
        comparisons=tuple(
            Comparison(
                model=model,
                baseline=baseline,
                difference=interval(0.02),
                side=None,
                verdict=verdicts.get((model, baseline), "better"),
            )
            for model in ("network", "ensemble")
            for baseline in BASELINES
        ),
        slices=tuple(
            Slice(by=by, value=value, count=500, figures=figures, attention=(0.2, 0.3, 0.5)) for by, value in SLICES
        ),
        importance=(Importance(lesion="group", part="price", added_loss={"boosting": 0.01, "network": 0.02}),),
        day_stamps_ns=(20_001 * DAY, 20_002 * DAY),
        equity=tuple(
            EquityLine(model=model, entry=entry, threshold=0.6, total=(-0.1, -0.4))
            for model in ("network", "ensemble")
            for entry in ("taker", "maker")
        ),
        alarms=(),
    )
    return replace(judgement, **fields)


def test_better_than_every_baseline_is_said_of_a_model_only_if_it_is() -> None:
    judgement = judgement_of({("network", "boosting"): "unclear"})
    assert findings.headline(judgement) == "The ensemble of network and trees is better than every baseline."
    words = list(findings.sentences(judgement))
    assert words[0] == (
        "The network is better than the prior and the logistic regression; "
        "it may or may not be better than boosted trees."
    )
    assert words[1] == (
        "The ensemble of network and trees is better than the prior, the logistic regression and boosted trees."
    )


def test_one_baseline_that_is_surely_not_beaten_is_a_no() -> None:
    verdicts: dict[tuple[str, str], Verdict] = {
        ("network", "logistic"): "not better",
        ("ensemble", "prior"): "not better",
    }
    assert findings.headline(judgement_of(verdicts)) == "Not better than the baselines."
    assert "it is not better than the logistic regression" in next(findings.sentences(judgement_of(verdicts)))


def test_what_is_neither_is_unclear() -> None:
    verdicts: dict[tuple[str, str], Verdict] = {
        ("network", "boosting"): "not better",
        ("ensemble", "boosting"): "unclear",
    }
    assert findings.headline(judgement_of(verdicts)) == "Unclear: no model is surely better than every baseline."


def test_too_few_days_are_said_to_be_too_few() -> None:
    assert next(findings.sentences(judgement_of(days=4))) == "4 test days are too few for a verdict; it takes 10."


@pytest.mark.parametrize(
    ("money", "words"),
    [
        (takings(), "no threshold made money, neither as taker nor as maker"),
        (takings(total=0.4), "made +0.400 % a trade on 100 trades as taker at a confidence of 0.60, but luck among 20"),
        (takings(total=0.4, deflated=None), "but luck among 20 variants may be all there is to it"),
        (takings(total=0.4, deflated=0.99), "luck among 20 variants is an unlikely reason"),
    ],
)
def test_what_trading_would_have_made_is_said_with_how_lucky_it_may_be(money: tuple[Takings, ...], words: str) -> None:
    *_, last = findings.sentences(judgement_of(money=money))
    assert words in last.replace("\u00a0", " ")


def test_the_page_is_well_formed_and_every_link_has_its_target() -> None:
    page = Text(render_evaluation(judgement_of()))
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


def test_the_page_asks_nothing_of_the_network() -> None:
    page = without_plotly(render_evaluation(judgement_of()))
    assert "http" not in page.replace("http-equiv", "")
    assert not re.search(r"\bsrc=|<link|@import|url\(", page)
    assert "default-src 'none'" in page


def test_every_chart_has_its_place_on_the_page() -> None:
    judgement = judgement_of()
    ids = Text(render_evaluation(judgement)).ids
    assert set(evaluation_charts(judgement)) <= set(ids)
    assert {each for each in ids if each.startswith("chart-")} == {*evaluation_charts(judgement), "chart-specs"}


def test_the_page_shows_the_verdict_and_the_figures_behind_it() -> None:
    text = Text(render_evaluation(judgement_of())).text
    for words in (
        "are better than every baseline",
        "trained anew in every fold",
        "0.0200 (0.0100 to 0.0300)",
        "1 000 unseen rows on 30 days in 1 fold",
        "0.0200 to 0.0400",
        "best of 20 worthless variants",
        "0.35 % taker fee",
    ):
        assert words in text


def test_what_is_too_good_to_be_true_is_said_at_the_top() -> None:
    assert "Too good to be true" not in Text(render_evaluation(judgement_of())).text
    text = Text(
        render_evaluation(judgement_of(alarms=("network: skill over the prior is 0.40; look for a leak",)))
    ).text
    assert text.index("look for a leak") < text.index("All models on the same rows")


def test_names_from_outside_cannot_break_the_page() -> None:
    page = render_evaluation(judgement_of(name=HOSTILE, model_folder=HOSTILE, instrument_ids=(HOSTILE,)))
    assert Text(page).scripts == Text(render_evaluation(judgement_of())).scripts
    assert "{{ 7 * 7 }}" in Text(page).text


def test_without_importance_and_without_a_model_trained_anew() -> None:
    text = Text(render_evaluation(judgement_of(importance=(), model_folder="models/champion"))).text
    assert "Not measured." in text
    assert "models/champion" in text


def test_page_and_figures_are_written_side_by_side(tmp_path: Path) -> None:
    judgement = judgement_of()
    write_evaluation(judgement, tmp_path / "reports")
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["evaluation.html", "evaluation.json"]
    assert msgspec.json.decode((tmp_path / "reports" / "evaluation.json").read_bytes(), type=Judgement) == judgement
