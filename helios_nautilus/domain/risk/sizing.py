"""Aether's answer to a proposed bet: how large, or why not.

`size_position` is one pure function from what is known to a `Sizing` that holds every intermediate figure. The size is

    equity x min(f* x kelly_multiplier / (1 + vol / vol_scale) x drawdown factor, regime cap, max_fraction)

where a ``min_edge`` below 0 is taken off f* first.

Leverage never enlarges it. The Kelly fraction is the exposure already, and the caps, like Guardian's limit on a single
position, are meant for the whole position; leverage only lowers the margin that position ties up.
"""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from helios_nautilus.domain.payoff import Payoff
from helios_nautilus.domain.plan import Bracket, ExitPlan, Side
from helios_nautilus.domain.risk.drawdown import leverage_cut, size_factor
from helios_nautilus.domain.risk.kelly import kelly_fraction, net_payoff, volatility_factor
from helios_nautilus.domain.risk.leverage import leverage_for
from helios_nautilus.domain.risk.regime import PerRegime
from helios_nautilus.domain.risk.volatility import VolatilityForecast
from helios_nautilus.errors import ConfigError

type Reason = Literal[
    "sized",
    "bad_input",
    "no_volatility",
    "no_shorts",
    "low_confidence",
    "stop_too_wide",
    "few_outcomes",
    "no_edge",
    "too_small",
]
type Odds = Payoff
"""A bet's chances as the card's payoff table knows them, net of costs."""
type Cap = Literal["none", "regime", "position"]

_BEYOND_SENSE: Final = 1e15
"""No amount, payoff or distance reaches this; products of such numbers are still finite."""


class SizingRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every number of the sizing. Fractions are of equity, volatilities daily."""

    min_confidence: float = 0.55
    min_edge: float = 0.0
    """f* after costs must lie above this. Below 0 it lets losing bets through, sized by how far their f* lies above it:
    for exercising the way to a fill on data without an edge, never for trading."""
    min_outcomes: int = 30
    """A row of the payoff table measured on fewer bets is not believed."""
    bare_payoff: float = 2.0
    """b of a model whose card has no payoff table."""
    kelly_multiplier: float = 0.25
    vol_scale: float = 0.02
    drawdown_limit: float = 0.10
    drawdown_factor: float = 0.5
    regime_cap: PerRegime = PerRegime(low=0.20, medium=0.15, high=0.10, extreme=0.05)
    max_fraction: float = 0.20
    margin: bool = False
    """Whether the account trades on margin. On spot leverage is 1 and there are no shorts."""
    leverage_start: float = 0.70
    """Confidence above which leverage grows."""
    leverage_slope: float = 2.0
    leverage_regime_cut: PerRegime = PerRegime(low=0.0, medium=0.3, high=0.5, extreme=1.0)
    leverage_drawdown_limits: tuple[float, ...] = (0.10, 0.20)
    leverage_drawdown_cut: float = 0.5
    """Taken off for each of the limits the drawdown is past."""
    max_leverage: float = 3.0

    def __post_init__(self) -> None:
        caps, cuts = self.regime_cap.values, self.leverage_regime_cut.values
        if not all(0.0 < share <= 1.0 for share in (*caps, self.max_fraction, self.kelly_multiplier)):
            raise ConfigError("sizing: regime_cap, max_fraction and kelly_multiplier must lie in (0, 1]")
        if list(caps) != sorted(caps, reverse=True) or list(cuts) != sorted(cuts) or cuts[0] < 0.0:
            raise ConfigError("sizing: a worse regime must not have a higher cap or a smaller leverage cut")
        if not 0.0 <= self.drawdown_factor <= 1.0 or self.leverage_drawdown_cut < 0.0:
            raise ConfigError("sizing: a drawdown must not enlarge a bet")
        if not 0.0 <= self.min_confidence <= 1.0 or self.bare_payoff <= 0.0 or self.vol_scale <= 0.0:
            raise ConfigError("sizing: min_confidence must lie in [0, 1], bare_payoff and vol_scale above 0")
        if self.leverage_slope < 0.0 or self.max_leverage < 1.0 or round(self.max_leverage, 1) != self.max_leverage:
            raise ConfigError("sizing: leverage_slope must be 0 or more, max_leverage at least 1 and of one decimal")


class SizingInput(Struct, frozen=True, kw_only=True):
    """All that is known of a proposed bet. Equity and ``min_notional`` are in the same currency."""

    side: Side
    p_buy: float
    p_sell: float
    odds: Odds | None
    """The payoff table's answer for P(side); none where the card has no table."""
    volatility: VolatilityForecast | None
    equity: float
    drawdown: float
    plan: ExitPlan
    min_notional: float
    """Smallest order value the venue takes."""
    shorts_allowed: bool
    """Whether the venue lends this instrument."""


class Sizing(Struct, frozen=True, kw_only=True):
    """The answer, with the figures in the order they were worked out. All are finite; a declined bet has notional 0."""

    approved: bool = False
    reason: Reason = "bad_input"
    words: str = ""
    """The reason in a sentence for a trader."""
    side: str
    equity: float = 0.0
    drawdown: float = 0.0
    confidence: float = 0.0
    """P(side) / (P(BUY) + P(SELL))."""
    p_win: float = 0.0
    payoff: float = 0.0
    vol_daily: float = 0.0
    vol_source: str = "none"
    regime: str = "UNKNOWN"
    stop: float = 0.0
    target: float = 0.0
    hold_ns: int = 0
    kelly_full: float = 0.0
    edge: float = 0.0
    """f* after costs."""
    kelly_scaled: float = 0.0
    """f* x kelly_multiplier."""
    kelly_after_vol: float = 0.0
    kelly_after_drawdown: float = 0.0
    cap: float = 0.0
    """The lower of the regime's cap and that of a single position."""
    capped_by: Cap = "none"
    fraction: float = 0.0
    """Notional / equity."""
    notional: float = 0.0
    leverage: float = 1.0
    margin: float = 0.0
    """Equity the position ties up: notional / leverage."""
    risk: float = 0.0
    """Loss at the stop, before costs."""
    reward: float = 0.0
    """Gain at the target, before costs."""


def size_position(inputs: SizingInput, rules: SizingRules) -> Sizing:
    """Size a bet or decline it. Never raises for a number: what is not finite or out of range declines."""
    fault = _fault(inputs)
    if fault:
        return Sizing(side=inputs.side, words=f"Not sized: {fault}.")
    asked = _ask(inputs, rules)
    volatility = inputs.volatility
    if volatility is None or not 0.0 < volatility.vol_daily < _BEYOND_SENSE:
        return replace(asked, reason="no_volatility", words="The volatility of this pair is not known yet.")
    bet = _work_out(asked, inputs, volatility, rules)
    reason, words = _verdict(bet, inputs, rules)
    if reason == "sized":
        return replace(bet, approved=True, reason=reason, words=words)
    return replace(
        bet, reason=reason, words=words, fraction=0.0, notional=0.0, leverage=1.0, margin=0.0, risk=0.0, reward=0.0
    )


def _fault(inputs: SizingInput) -> str:
    """What is wrong with the numbers, or nothing. Written so that a NaN fails every claim."""
    p_buy, p_sell, odds = inputs.p_buy, inputs.p_sell, inputs.odds
    if not (0.0 <= p_buy <= 1.0 and 0.0 <= p_sell <= 1.0 and p_buy + p_sell <= 1.0 + 1e-6):
        return f"P(BUY) {p_buy} and P(SELL) {p_sell} are not probabilities"
    if odds is not None and not (0.0 <= odds.p_win <= 1.0 and 0.0 <= odds.payoff < _BEYOND_SENSE):
        return f"the payoff table says p {odds.p_win} and b {odds.payoff}"
    if not 0.0 < inputs.equity < _BEYOND_SENSE:
        return f"equity is {inputs.equity}"
    if not 0.0 <= inputs.drawdown <= 1.0:
        return f"drawdown is {inputs.drawdown}"
    if not 0.0 <= inputs.min_notional < _BEYOND_SENSE:
        return f"the venue's minimum is {inputs.min_notional}"
    return ""


def _ask(inputs: SizingInput, rules: SizingRules) -> Sizing:
    """The bet as proposed: its confidence and odds, still without a volatility."""
    directional = inputs.p_buy + inputs.p_sell
    p_side = inputs.p_buy if inputs.side is Side.LONG else inputs.p_sell
    confidence = p_side / directional if directional > 0.0 else 0.0
    odds = inputs.odds
    p_win, payoff = (confidence, rules.bare_payoff) if odds is None else (odds.p_win, odds.payoff)
    return Sizing(
        side=inputs.side,
        equity=inputs.equity,
        drawdown=inputs.drawdown,
        confidence=confidence,
        p_win=p_win,
        payoff=payoff,
        kelly_full=kelly_fraction(p_win, payoff),
    )


def _work_out(asked: Sizing, inputs: SizingInput, volatility: VolatilityForecast, rules: SizingRules) -> Sizing:
    """Every figure of the bet, as if it were approved."""
    bracket = _bracket(inputs.plan, volatility.vol_daily)
    scaled = (asked.kelly_full - min(rules.min_edge, 0.0)) * rules.kelly_multiplier
    after_vol = scaled * volatility_factor(volatility.vol_daily, rules.vol_scale)
    after_drawdown = after_vol * size_factor(asked.drawdown, rules.drawdown_limit, rules.drawdown_factor)
    regime_cap = rules.regime_cap.at(volatility.regime)
    cap = min(regime_cap, rules.max_fraction)
    binding: Cap = "regime" if regime_cap <= rules.max_fraction else "position"
    fraction = max(min(after_drawdown, cap), 0.0)
    notional = fraction * asked.equity
    leverage = _leverage(asked, volatility, rules)
    return replace(
        asked,
        vol_daily=volatility.vol_daily,
        vol_source=volatility.source,
        regime=volatility.regime,
        stop=bracket.stop,
        target=bracket.target,
        hold_ns=bracket.hold_ns,
        edge=_edge(asked, inputs, bracket),
        kelly_scaled=scaled,
        kelly_after_vol=after_vol,
        kelly_after_drawdown=after_drawdown,
        cap=cap,
        capped_by=binding if after_drawdown > cap else "none",
        fraction=fraction,
        notional=notional,
        leverage=leverage,
        margin=notional / leverage,
        risk=notional * bracket.stop,
        reward=notional * bracket.target,
    )


def _bracket(plan: ExitPlan, vol_daily: float) -> Bracket:
    """The plan's bracket, its distances kept finite."""
    bracket = plan.bracket(vol_daily)
    return replace(bracket, stop=min(bracket.stop, _BEYOND_SENSE), target=min(bracket.target, _BEYOND_SENSE))


def _edge(asked: Sizing, inputs: SizingInput, bracket: Bracket) -> float:
    """f* after costs. A table is net of them already; the bare payoff pays those of the plan's own bracket."""
    cost_of_win = _cost_of_win(inputs.plan)
    if bracket.target <= cost_of_win:
        return -1.0
    if inputs.odds is not None:
        return asked.kelly_full
    payoff = net_payoff(bracket.stop, bracket.target, inputs.plan.round_trip_cost, cost_of_win)
    return min(kelly_fraction(asked.p_win, payoff), asked.kelly_full)


def _cost_of_win(plan: ExitPlan) -> float:
    """Cost of an entry and of a target, which leaves as a maker, as a fraction of the position."""
    return plan.costs.of(plan.entry) + plan.costs.of("maker")


def _leverage(asked: Sizing, volatility: VolatilityForecast, rules: SizingRules) -> float:
    if not rules.margin:
        return 1.0
    cut = rules.leverage_regime_cut.at(volatility.regime)
    cut += leverage_cut(asked.drawdown, rules.leverage_drawdown_limits, rules.leverage_drawdown_cut)
    return leverage_for(asked.confidence, cut, rules.leverage_start, rules.leverage_slope, rules.max_leverage)


def _verdict(bet: Sizing, inputs: SizingInput, rules: SizingRules) -> tuple[Reason, str]:
    """The first rule the bet breaks, or "sized"; with the figures that decided, for a trader."""
    widest = bet.stop if inputs.side is Side.LONG else max(bet.stop, bet.target)
    if inputs.side is Side.SHORT and not (rules.margin and inputs.shorts_allowed):
        return "no_shorts", "No short position can be opened here; a SELL only closes."
    if bet.confidence < rules.min_confidence:
        return "low_confidence", f"Confidence {bet.confidence:.1%} is under the {rules.min_confidence:.1%} needed."
    if widest >= 1.0:
        return "stop_too_wide", f"A daily volatility of {bet.vol_daily:.1%} asks for exits beyond the price itself."
    if inputs.odds is not None and inputs.odds.count < rules.min_outcomes:
        return "few_outcomes", f"Only {inputs.odds.count} such bets were measured; {rules.min_outcomes} are needed."
    cost_of_win = _cost_of_win(inputs.plan)
    if bet.target <= cost_of_win:
        return "no_edge", f"No edge: a target of {bet.target:.2%} does not cover the costs of {cost_of_win:.2%}."
    odds = f"win chance {bet.p_win:.1%} at payoff {bet.payoff:.2f}"
    if bet.edge <= rules.min_edge:
        return "no_edge", f"No edge: {odds} is worth {bet.edge:+.1%} after costs; above {rules.min_edge:.1%} is needed."
    size = f"{bet.notional:,.2f} ({bet.fraction:.2%} of equity)"
    if bet.notional < inputs.min_notional or bet.notional <= 0.0:
        return "too_small", f"{size} is under the venue's minimum of {inputs.min_notional:,.2f}."
    limit = "" if bet.capped_by == "none" else f", capped at {bet.cap:.0%} by the {bet.capped_by}"
    return "sized", (
        f"{bet.side} {size}{limit}: {odds}, daily volatility {bet.vol_daily:.2%} ({bet.regime}); "
        f"stop {bet.stop:.2%} risks {bet.risk:,.2f} for {bet.reward:,.2f} at {bet.target:.2%}."
    )
