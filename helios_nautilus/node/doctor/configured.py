"""A configuration, and whether the catalogue, the model and the gate are what it says.

Each check imports what it needs, torch and the engine among it: it is to fail by itself if that is broken.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_SEC, parse_timeframe
from helios_nautilus.errors import UnknownInstrumentError
from helios_nautilus.journal.records import Mode
from helios_nautilus.llm.cassette import Cassette
from helios_nautilus.llm.chain import remote_order
from helios_nautilus.node.doctor.examination import Finding, fail, ok, warn

if TYPE_CHECKING:
    from helios_nautilus.config import HeliosConfig
    from helios_nautilus.history.catalogue import Series
    from helios_nautilus.history.ledger import Hole


def check_config(path: Path, mode: Mode, keep: Callable[["HeliosConfig"], None]) -> Finding:
    """The file can be read and means a run, which ``keep`` is given, and one that there can be in this mode."""
    from helios_nautilus.config import load_config

    loaded = load_config(path)
    config = loaded.config
    keep(config)
    if mode != "backtest":
        from helios_nautilus.node.startup import check_live

        check_live(config)
    if config.aether.sizing.min_edge < 0.0:
        words = f"{config.name}: aether.sizing.min_edge {config.aether.sizing.min_edge:g} allows bets that lose"
        return warn(words, "0 asks of every entry that it pays for its costs")
    count = len(config.data.instruments)
    return ok(f"{config.name} ({loaded.hash}): {count} instruments, {config.account.kind} in {config.account.currency}")


def check_catalogue(config: "HeliosConfig", mode: Mode) -> Finding:
    """Definitions, bars and, where they are used, trades of every instrument; and that they reach as far as needed.

    For a paper or live run nothing need be there: its start fetches what lacks.
    """
    from helios_nautilus.history.catalogue import find_series, load_instruments
    from helios_nautilus.node.backtest import check_instruments

    catalog, names = config.data.catalog, config.data.instruments
    try:
        check_instruments(config, {each.id.value: each for each in load_instruments(catalog, names)})
    except UnknownInstrumentError as error:
        return _lacking(config, mode, str(error), names)
    found = {name: find_series(catalog, name, parse_timeframe(config.data.base)) for name in names}
    if lacking := [name for name, series in found.items() if series is None]:
        return _lacking(config, mode, f"{catalog} has no {config.data.base} bars of {', '.join(lacking)}", lacking)
    if config.data.trades and (lacking := [name for name in names if find_series(catalog, name, None) is None]):
        return fail(f"{catalog} has no trades of {', '.join(lacking)}", "import them, or write data.trades = false")
    bars = [series for series in found.values() if series is not None]
    return _check_window(config, bars) if mode == "backtest" else _check_origin(config, bars, mode)


def check_gaps(config: "HeliosConfig", mode: Mode, now_ns: int) -> Finding:
    """Holes in the bars of the time that a run looks at, training included."""
    from helios_nautilus.history.ledger import read_ledger

    start_ns, end_ns = config.training.window.start_ns, config.backtest.end_ns
    if mode != "backtest":
        start_ns, end_ns = now_ns - config.node.history_days * NS_PER_DAY, now_ns
    holes: dict[str, list[Hole]] = {}
    for ledger in read_ledger(config.data.catalog, config.data.instruments):
        if ledger.bar == config.data.base:
            inside = [hole for hole in ledger.holes if hole.last_ns > start_ns and hole.first_ns <= end_ns]
            holes |= {ledger.instrument_id: inside} if inside else {}
    if not holes:
        return ok("none")
    words = "; ".join(f"{name} lacks {sum(each.missing for each in found):,} bars" for name, found in holes.items())
    return warn(f"{words}: nothing is decided near a hole", f"helios data gaps --catalog {config.data.catalog}")


def check_model(config: "HeliosConfig", mode: Mode, now_ns: int) -> Finding:
    """The models load, are whole, and fit features, plan and window; what the promotion's gate has against them."""
    from helios_nautilus.models.promotion import find_objections
    from helios_nautilus.node.model import load_run_model, load_terms
    from helios_nautilus.node.predictions import check_predictions

    if mode == "backtest":
        terms = load_terms(config)
        if config.model.predictions == "catalogue":
            check_predictions(config, terms)
        models = [term.model for term in terms]
    else:
        models = [load_run_model(config, now_ns)]
    card, name = models[-1].card, models[-1].model_id
    words = f"{name}, {card.preset}, has seen data to {_day(card.data_end_ns)}; fits features and plan"
    if objections := find_objections(card):
        more = f" (and {len(objections) - 1} more)" if len(objections) > 1 else ""
        return warn(f"{name} fits, but {objections[0]}{more}", _show(config))
    return ok(words if len(models) == 1 else f"{len(models)} models in turn; the last: {words}")


def model_cure(config: "HeliosConfig", path: Path) -> str:
    """How a model is had that loads and fits."""
    if config.model.registry is not None:
        return f"helios retrain {path}, or helios models promote"
    return f"helios train {path}{' --replace' if config.model.folder.exists() else ''}"


def check_gate(config: "HeliosConfig", mode: Mode, path: Path) -> Finding:
    """Who answers at the gate: with what was recorded in a backtest, over the network otherwise."""
    rules, asked = config.gate, remote_order(config.gate, config.llm)
    if rules.provider == "off":
        return warn("off: no entry is examined", 'provider = "rules" examines them at no cost')
    if not asked:
        return ok("the built-in rules answer")
    if mode == "backtest" or rules.provider == "recorded":
        count = len(Cassette(config.llm.cassette))
        if not count:
            cure = f"helios gate record {path} --budget-usd 1"
            return warn(f"{config.llm.cassette} holds no answers: on_failure = {rules.on_failure} decides", cure)
        return ok(f"{count:,} recorded answers in {config.llm.cassette}")
    # A provider has the name of its package.
    if lacking := [name for name in asked if find_spec(name) is None]:
        return fail(f"no package {', '.join(lacking)}", "pip install 'helios-nautilus[llm]'")
    who = f"{' then '.join(asked)} within {rules.deadline_ms / 1000:g} s, ${config.llm.daily_usd:g} a day"
    if mode == "live" and rules.on_failure == "rules":
        return warn(f"{who}; when none answers, the rules do", 'gate.on_failure = "reject" lets nothing in then')
    return ok(who)


def _lacking(config: "HeliosConfig", mode: Mode, words: str, names: Sequence[str]) -> Finding:
    """What is said where instruments or their bars are not there."""
    if mode == "backtest":
        return fail(words, _fetch(config, names))
    return warn(words, "the start fetches them; the first time that takes a while")


def _check_window(config: "HeliosConfig", bars: Sequence["Series"]) -> Finding:
    """Whether bars of every instrument cover the backtest."""
    window, words, cure = config.backtest, _extent(config, bars), _fetch(config, config.data.instruments)
    first_ns, last_ns = max(each.first_ns for each in bars), min(each.last_ns for each in bars)
    if last_ns <= window.start_ns or first_ns > window.end_ns:
        return fail(f"{words}: nothing of the backtest from {window.start} to {window.end}", cure)
    if first_ns > window.start_ns or last_ns < window.end_ns - parse_timeframe(config.data.base):
        return warn(f"{words}: not all of the backtest from {window.start} to {window.end}", cure)
    return ok(words)


def _check_origin(config: "HeliosConfig", bars: Sequence["Series"], mode: Mode) -> Finding:
    """Whether the bars are of the real market."""
    words = _extent(config, bars)
    if any(each.provenance.is_synthetic for each in bars):
        judge = fail if mode == "live" else warn
        return judge(f"{words}, invented: no market to trade by", "name a data.catalog with VALR's own bars")
    return ok(f"{words}; the start fetches what lacks")


def _extent(config: "HeliosConfig", bars: Sequence["Series"]) -> str:
    first_ns, last_ns = max(each.first_ns for each in bars), min(each.last_ns for each in bars)
    return f"{len(bars)} series of {config.data.base} bars from {_day(first_ns)} to {_day(last_ns)}"


def _fetch(config: "HeliosConfig", names: Sequence[str]) -> str:
    """How bars are had: VALR's from VALR, others from files."""
    pairs = [name.partition(".")[0] for name in names if name.endswith(".VALR")]
    if len(pairs) < len(names):
        return f"helios data import ... --catalog {config.data.catalog}"
    start = config.training.window.start
    return f"helios data backfill {' '.join(pairs)} --from {start} --catalog {config.data.catalog}"


def _show(config: "HeliosConfig") -> str:
    """How the rest of what is known about a model is had."""
    registry, folder = config.model.registry, config.model.folder
    if registry is not None:
        return f"helios models list --registry {registry}"
    return f"helios models show {folder.name} --registry {folder.parent}"


def _day(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns // NS_PER_SEC, UTC).date().isoformat()
