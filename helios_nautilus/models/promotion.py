"""The gate: only a model that is better than the baselines on its test span is put in charge, unless it is forced.

What counts, and why (docs/adr/0006-promotion.md): the lead over the base rates must be sure, and so must its part about
the side, for nothing else can earn; there must be a lead over LightGBM; and logistic regression must not surely be
ahead. All of it is read from the model's card (`models.rivals`).
"""

from typing import Final

from helios_nautilus.errors import ModelError
from helios_nautilus.models.bootstrap import MIN_TEST_DAYS, Interval
from helios_nautilus.models.checkpoint import ModelCard
from helios_nautilus.models.pointer import CHAMPION, Pointer
from helios_nautilus.models.registry import Registry
from helios_nautilus.models.rivals import RivalName

RIVAL_WORDS: Final[dict[RivalName, str]] = {
    "prior": "the base rates",
    "logistic": "logistic regression",
    "boosting": "LightGBM",
}


def find_objections(card: ModelCard) -> tuple[str, ...]:
    """Why a model should not be put in charge, in words; empty if it may be."""
    days = card.standing.days
    if days < MIN_TEST_DAYS:
        return (f"its test span has {days} days; at least {MIN_TEST_DAYS} are needed to tell skill from luck",)
    found: list[str] = []
    for name, words in RIVAL_WORDS.items():
        rival = card.standing.rival(name)
        if rival is None or rival.lead is None:
            found.append(f"it was never held against {words}; train it with the extra 'evaluate' installed")
        else:
            found += _weigh(name, rival.lead)
    return (*found, *_weigh_edge(card.standing.edge))


def promote(
    registry: Registry, name: str, *, ts_ns: int, who: str, why: str, force: bool = False, pointer: str = CHAMPION
) -> Pointer:
    """Put a model of the registry in charge of its features and plan, if the gate lets it pass or it is forced.

    ``who`` and ``why`` go into the history, and so does what the gate had against it. `ModelError` if it is refused, or
    is not sound.
    """
    objections = find_objections(registry.card(name))
    if objections and not force:
        raise ModelError(f"{name} is not promoted: {'; '.join(objections)} (--force overrules this and is kept)")
    return registry.promote(name, ts_ns=ts_ns, who=who, why=why, objections=objections, pointer=pointer)


def _weigh(name: RivalName, lead: Interval) -> list[str]:
    words = RIVAL_WORDS[name]
    match name:
        case "prior":
            return [f"it is not surely better than {words}: {_say(lead)}"] if lead.low <= 0 else []
        case "logistic":
            return [f"{words} is surely better: {_say(lead)}"] if lead.high < 0 else []
        case "boosting":
            return [f"it is not better than {words}: {_say(lead)}"] if lead.estimate <= 0 else []


def _weigh_edge(edge: Interval | None) -> list[str]:
    if edge is None:
        return ["its card does not say what it knows about the side; train it again"]
    return [f"it knows nothing sure about the side: {_say(edge)}"] if edge.low <= 0 else []


def _say(lead: Interval) -> str:
    if lead.estimate <= 0:
        return f"its log-loss is higher by {-lead.estimate:.4f}"
    return f"ahead by {lead.estimate:.4f}, which may be luck (95 % sure of {lead.low:.4f} only)"
