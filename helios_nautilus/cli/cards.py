"""A model's card in words."""

from collections.abc import Iterator

from helios_nautilus.cli.output import show_time
from helios_nautilus.models.bootstrap import Interval
from helios_nautilus.models.checkpoint import ModelCard
from helios_nautilus.models.dataset import Span
from helios_nautilus.models.promotion import RIVAL_WORDS, find_objections


def describe_card(card: ModelCard) -> Iterator[str]:
    """One line for each thing there is to know."""
    plan, splits = card.plan, card.splits
    yield f"{card.preset}, {card.parameters:,} parameters, made {show_time(card.created_ns)}"
    yield f"trades {', '.join(card.instrument_ids)} on {card.timeframes.decision} decisions"
    yield f"features {card.spec_hash}: {card.n_features} of each of {', '.join(card.timeframes.names)}"
    yield (
        f"labels {card.label.kind}; plan: hold {plan.hold_mins} min, stop {plan.stop_sigmas:g} sigma, target "
        f"{plan.target_ratio:g} stops, {plan.entry} entry, {plan.round_trip_cost:.2%} round trip"
    )
    yield (
        f"data {card.data_hash}: trained {_span(splits.train)}, validated {_span(splits.validation)}, "
        f"tested {_span(splits.test)}"
    )
    yield f"seed {card.seed}, code {card.code_commit or 'unknown'}, Helios {card.helios_version}"
    yield from _describe_training(card)
    yield from _describe_test(card)


def figure(value: float | None, form: str = ".4f") -> str:
    """A figure, or that it is not known."""
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:{form}}"


def _describe_training(card: ModelCard) -> Iterator[str]:
    if not card.log:
        return
    best = min(card.log, key=lambda epoch: epoch.validation_loss)
    yield (
        f"training: {card.log[-1].epoch} epochs in {sum(epoch.seconds for epoch in card.log):.0f} s; validation "
        f"log-loss from {card.log[0].validation_loss:.4f} to {best.validation_loss:.4f} in epoch {best.epoch}"
    )


def _describe_test(card: ModelCard) -> Iterator[str]:
    metrics, raw = card.test_metrics, card.raw_test_metrics
    yield (
        f"test: {metrics.count:,} rows on {card.standing.days} days; skill {figure(metrics.skill)}, "
        f"balanced accuracy {figure(metrics.balanced_accuracy)}, MCC {figure(metrics.mcc)}, "
        f"right side {figure(metrics.directional_accuracy)}"
    )
    yield (
        f"calibration: temperature {card.temperature:.3f}; log-loss {figure(raw.log_loss)} before and "
        f"{figure(metrics.log_loss)} after, calibration error {figure(raw.calibration_error)} and "
        f"{figure(metrics.calibration_error)}"
    )
    for rival in card.standing.rivals:
        words = RIVAL_WORDS[rival.name]
        yield f"lead over {words}: {_interval(rival.lead)}; about the side {_interval(rival.side_lead)}"
    yield f"edge, the lead about the side over base rates known in hindsight: {_interval(card.standing.edge)}"
    objections = find_objections(card)
    yield "the gate lets it pass" if not objections else f"the gate refuses it: {'; '.join(objections)}"


def _interval(found: Interval | None) -> str:
    return "unknown" if found is None else f"{found.estimate:.4f} ({found.low:.4f} to {found.high:.4f})"


def _span(span: Span) -> str:
    return f"{show_time(span.start_ns)} to {show_time(span.end_ns)}"
