"""What the tables say: one function a table, from what was read to its rows."""

from collections.abc import Iterable
from typing import Final

from helios_nautilus.dashboard.pages.sheet import Cell, Column, Row
from helios_nautilus.dashboard.pages.wording import clock, lasting, left, pair, quantity, since, story_path
from helios_nautilus.dashboard.shown import (
    ShownCommand,
    ShownDecision,
    ShownEvent,
    ShownPrediction,
    ShownRebalance,
    ShownTrade,
)
from helios_nautilus.dashboard.view import is_gone
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.commands import Tier, Verb
from helios_nautilus.journal.status import MarketStatus, NodeStatus, PositionStatus, TierStatus
from helios_nautilus.report import numerals
from helios_nautilus.report.numerals import UNKNOWN, money, percent, price
from helios_nautilus.report.wording import close_words, phrase, tier_name

POSITION_COLUMNS: Final = (
    Column("Pair"),
    Column("Side"),
    Column("Quantity", "n"),
    Column("Entry", "n"),
    Column("Price", "n"),
    Column("Value", "n"),
    Column("P&L", "n"),
    Column("Stop", "n"),
    Column("Target", "n"),
    Column("Time left", "n"),
    Column("Guard"),
)
MARKET_COLUMNS: Final = (
    Column("Pair"),
    Column("Price", "n"),
    Column("Spread", "n"),
    Column("Volatility a day", "n"),
    Column("Regime"),
    Column("Quote age", "n"),
    Column("Bar age", "n"),
)
TIER_COLUMNS: Final = (Column("Tier"), Column("State"), Column("Last word", "words"))
DECISION_COLUMNS: Final = (
    Column("Time (UTC)"),
    Column("Pair"),
    Column("Likelier"),
    Column("Outcome"),
    Column("Reason", "words"),
)
PREDICTION_COLUMNS: Final = (
    Column("Time (UTC)"),
    Column("Pair"),
    Column("Buy", "n"),
    Column("Sell", "n"),
    Column("Hold", "n"),
    Column("Came true"),
)
TRADE_COLUMNS: Final = (
    Column("Closed (UTC)"),
    Column("Pair"),
    Column("Side"),
    Column("Quantity", "n"),
    Column("Entry", "n"),
    Column("Exit", "n"),
    Column("Held", "n"),
    Column("Ended by"),
    Column("Costs", "n"),
    Column("P&L", "n"),
)
EVENT_COLUMNS: Final = (Column("Time (UTC)"), Column("Level"), Column("Kind"), Column("What happened", "words"))
COMMAND_COLUMNS: Final = (
    Column("Given (UTC)"),
    Column("Command"),
    Column("By"),
    Column("Why", "words"),
    Column("Outcome"),
    Column("Answer", "words"),
)
REBALANCE_COLUMNS: Final = (
    Column("Time (UTC)"),
    Column("Reason"),
    Column("Equity", "n"),
    Column("Cash", "n"),
    Column("Weights", "words"),
)

_OUTCOMES: Final = {
    "entered": ("entered", "fine"),
    "exit": ("closed a position", ""),
    "rejected-by-strategy": ("no proposal", ""),
    "rejected-by-aether": ("Aether declined", ""),
    "rejected-by-gate": ("gate rejected", "warn"),
    "rejected-by-guardian": ("Guardian refused", "warn"),
    "rejected-by-venue": ("not filled", "warn"),
}
_LEVELS: Final = {"info": "", "warning": "warn", "critical": "alarm"}
_ANSWERS: Final = {"done": "fine", "refused": "alarm", "expired": "warn"}
_VERBS: Final[dict[Verb, str]] = {
    "halt": "emergency stop",
    "reduce_only": "reduce only",
    "resume": "clear",
    "entries_off": "auto-trading off",
    "entries_on": "auto-trading on",
    "tier_off": "off",
    "tier_on": "on",
}


def position_rows(positions: Iterable[PositionStatus], node: NodeStatus, now_ns: int) -> list[Row]:
    """Open positions; the pair leads to the story of the decision that opened it."""
    return [
        Row(
            key=f"{position.instrument_id} {position.opened_ns}",
            cells=(
                Cell(pair(position.instrument_id), href=story_path(position.decision_id)),
                Cell(position.side, tone="gain" if position.side == "LONG" else "loss"),
                Cell(quantity(position.quantity)),
                Cell(price(position.entry_price)),
                _known(price(position.price), "no quote yet"),
                _known(money(position.value, node.currency), "no quote yet"),
                Cell(money(position.pnl, node.currency, signed=True), numerals.tone(position.pnl)),
                _known(price(position.stop_price), "no stop is known"),
                _known(price(position.target_price), "no target is known"),
                _known(left(position.deadline_ns, now_ns), "no time-out is known"),
                _guard(position, node, now_ns),
            ),
        )
        for position in positions
    ]


def market_rows(markets: Iterable[MarketStatus]) -> list[Row]:
    """What is known of each pair's market."""
    return [
        Row(
            key=market.instrument_id,
            cells=(
                Cell(pair(market.instrument_id)),
                _known(price(market.price), "no price yet"),
                _known(_spread(market), "no quote yet"),
                _known(percent(market.vol_daily), "no volatility model yet"),
                _known(market.regime or UNKNOWN, "no volatility model yet"),
                _age(market.quote_age_secs, "no quote yet"),
                _age(market.bar_age_secs, "no bar yet"),
            ),
        )
        for market in markets
    ]


def tier_rows(tiers: Iterable[TierStatus], now_ns: int) -> list[Row]:
    """The tiers at work."""
    return [
        Row(
            key=tier.tier,
            cells=(
                Cell(tier_name(tier.tier).removeprefix("the ").capitalize()),
                Cell("on", "fine", is_chip=True) if tier.is_on else Cell("OFF", "alarm", is_chip=True),
                Cell(_tier_words(tier, now_ns), tone="warn" if tier.errors else ""),
            ),
        )
        for tier in tiers
    ]


def decision_rows(decisions: Iterable[ShownDecision], now_ns: int) -> list[Row]:
    """What became of predictions; the time leads to the whole story."""
    return [
        Row(
            key=f"{decision.run_id} {decision.decision_id}",
            cells=(
                Cell(clock(decision.ts_ns, now_ns), why="the whole story", href=story_path(decision.decision_id)),
                Cell(pair(decision.instrument_id)),
                Cell(f"{decision.side.lower()} {percent(decision.p_side, places=0)}"),
                _outcome(decision.outcome),
                Cell(_reason(decision)),
            ),
        )
        for decision in decisions
    ]


def prediction_rows(predictions: Iterable[ShownPrediction], now_ns: int) -> list[Row]:
    """The model's probabilities, and what happened."""
    return [
        Row(
            key=f"{prediction.run_id} {prediction.decision_id}",
            cells=(
                Cell(clock(prediction.ts_ns, now_ns), href=story_path(prediction.decision_id)),
                Cell(pair(prediction.instrument_id)),
                Cell(percent(prediction.p_buy, places=0)),
                Cell(percent(prediction.p_sell, places=0)),
                Cell(percent(prediction.p_hold, places=0)),
                _came_true(prediction),
            ),
        )
        for prediction in predictions
    ]


def trade_rows(trades: Iterable[ShownTrade], currency: str, now_ns: int) -> list[Row]:
    """Closed positions; the time leads to the story of the decision that opened it."""
    return [
        Row(
            key=f"{trade.run_id} {trade.decision_id} {trade.ts_ns}",
            cells=(
                Cell(clock(trade.ts_ns, now_ns), href=story_path(trade.decision_id)),
                Cell(pair(trade.instrument_id)),
                Cell(trade.side, tone="gain" if trade.side == "LONG" else "loss"),
                Cell(quantity(trade.quantity)),
                Cell(price(trade.entry_price)),
                Cell(price(trade.exit_price)),
                Cell(lasting((trade.ts_ns - trade.opened_ns) / NS_PER_SEC)),
                Cell(close_words(trade.close_reason)),
                Cell(money(trade.costs, currency)),
                Cell(money(trade.pnl, currency, signed=True), numerals.tone(trade.pnl)),
            ),
        )
        for trade in trades
    ]


def event_rows(events: Iterable[ShownEvent], now_ns: int) -> list[Row]:
    """What happened beside the decisions."""
    return [
        Row(
            key=f"{event.run_id} {event.ts_ns} {event.kind} {event.instrument_id} {number}",
            cells=(
                Cell(clock(event.ts_ns, now_ns)),
                Cell(event.level, _LEVELS[event.level], is_chip=True),
                Cell(event.kind.replace("_", " ")),
                Cell(event.words),
            ),
        )
        for number, event in enumerate(events)
    ]


def command_rows(commands: Iterable[ShownCommand], now_ns: int) -> list[Row]:
    """What operators ordered, and what the node said to it."""
    return [
        Row(
            key=shown.command.command_id,
            cells=(
                Cell(clock(shown.command.ts_ns, now_ns)),
                Cell(order_words(shown.command.verb, shown.command.tier)),
                Cell(f"{shown.command.who} ({shown.command.origin})"),
                Cell(shown.command.why),
                Cell(shown.answer.outcome, _ANSWERS[shown.answer.outcome], is_chip=True)
                if shown.answer is not None
                else Cell("waiting", "warn", "no node has answered yet", is_chip=True),
                Cell("" if shown.answer is None else shown.answer.words),
            ),
        )
        for shown in commands
    ]


def rebalance_rows(rebalances: Iterable[ShownRebalance], currency: str, now_ns: int) -> list[Row]:
    """The portfolio brought back to its target weights."""
    return [
        Row(
            key=f"{shown.run_id} {shown.ts_ns}",
            cells=(
                Cell(clock(shown.ts_ns, now_ns)),
                Cell(shown.reason.replace("_", " ").lower()),
                Cell(money(shown.equity, currency)),
                Cell(percent(shown.cash, places=1)),
                Cell(
                    ", ".join(
                        f"{pair(change.instrument_id)} {percent(change.current, places=1)} → "
                        f"{percent(change.target, places=1)}"
                        for change in shown.changes
                    )
                ),
            ),
        )
        for shown in rebalances
    ]


def order_words(verb: Verb, tier: Tier | None) -> str:
    """An order in two or three words."""
    return f"{tier_name(tier)} {_VERBS[verb]}" if tier else _VERBS[verb]


def _guard(position: PositionStatus, node: NodeStatus, now_ns: int) -> Cell:
    if is_gone(node, now_ns):
        return Cell("NOT WATCHED", "alarm", "stops are watched by the node, and it does not run", is_chip=True)
    if position.is_guarded:
        return Cell("stop works", "fine", is_chip=True)
    return Cell("NO STOP", "alarm", "no working stop guards this position", is_chip=True)


def _known(words: str, why: str) -> Cell:
    return Cell(words, why=why if words == UNKNOWN else "")


def _age(secs: float | None, why: str) -> Cell:
    return Cell(UNKNOWN, why=why) if secs is None else Cell(lasting(secs))


def _spread(market: MarketStatus) -> str:
    if not market.bid or not market.ask:
        return UNKNOWN
    return percent(2 * (market.ask - market.bid) / (market.ask + market.bid))


def _tier_words(tier: TierStatus, now_ns: int) -> str:
    errors = f" · {tier.errors} failed" if tier.errors else ""
    if not tier.last_ns:
        return f"nothing said yet{errors}"
    return f"{tier.words or 'spoke'} · {since(tier.last_ns, now_ns)}{errors}"


def _outcome(outcome: str) -> Cell:
    words, tone = _OUTCOMES.get(outcome, (outcome, ""))
    return Cell(words, tone, is_chip=True)


def _reason(decision: ShownDecision) -> str:
    said = {
        "rejected-by-aether": decision.aether,
        "rejected-by-gate": decision.gate,
        "rejected-by-guardian": decision.guardian,
    }
    return said.get(decision.outcome) or decision.words


def _came_true(prediction: ShownPrediction) -> Cell:
    if prediction.veto:
        return Cell("vetoed", "warn", phrase(prediction.veto))
    if prediction.label is None:
        return Cell(UNKNOWN, why="its horizon has not passed yet")
    likelier = "BUY" if prediction.p_buy >= prediction.p_sell else "SELL"
    return Cell(prediction.label, "gain" if prediction.label == likelier else "")
