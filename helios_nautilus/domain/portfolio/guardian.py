"""Guardian's checks before an entry: every one runs, and an unknown figure is a breach.

One function a check, each from the request, the portfolio and the rules to a `Check`. Exits are not asked about here:
they never wait. Weights are fractions of equity. Entries still working count as if they were filled, so that two
entries decided at the same bar cannot both take the last of a limit.
"""

from collections.abc import Iterable, Mapping
from math import inf, isfinite

from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.portfolio.covariance import correlation
from helios_nautilus.domain.portfolio.kill_switch import KillState
from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import ConfigError

_ROUNDING = 1e-9
"""Relative slack of a limit: a size cut to exactly 20 % must not fail on the last bit."""


class GuardianRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of an entry. A figure may reach its limit; above it is a breach."""

    max_drawdown: float = 0.15
    max_daily_loss: float = 0.05
    max_position: float = 0.20
    """The whole position after the order, as a fraction of equity."""
    max_sector: float = 0.60
    max_correlation: float = 0.90
    correlation_days: int = 30
    max_leverage: float = 3.0
    max_open_positions: int = 10
    max_price_deviation: float = 0.02
    cooldown_secs: float = 60.0
    max_orders_per_min: int = 10
    sectors: dict[str, str] = {}
    """Sector by base currency; whatever is not named belongs to ``crypto``."""

    def __post_init__(self) -> None:
        for name in ("max_drawdown", "max_daily_loss", "max_correlation", "max_price_deviation"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ConfigError(f"guardian: {name} must lie above 0 and not above 1")
        for name in ("max_position", "max_sector", "max_leverage", "max_open_positions", "max_orders_per_min"):
            if not 0.0 < getattr(self, name) < inf:
                raise ConfigError(f"guardian: {name} must be above 0")
        if not 0.0 <= self.cooldown_secs < inf or self.correlation_days < 3:
            raise ConfigError("guardian: cooldown_secs must not be negative, correlation_days must be 3 or more")

    def sector(self, base: str) -> str:
        """Sector of a base currency."""
        return self.sectors.get(base, "crypto")


class EntryRequest(Struct, frozen=True, kw_only=True):
    """The entry asked for; ``notional`` is its unsigned value in the account currency."""

    instrument_id: str
    base: str
    side: Side
    notional: float
    price: float
    """Limit price, or the worst price a market order may take."""
    leverage: float
    ts_ns: int


class Exposure(Struct, frozen=True, kw_only=True):
    """An open position, or a working entry; ``notional`` is its value in the account currency, negative if short."""

    instrument_id: str
    base: str
    notional: float


class RecentEntry(Struct, frozen=True, kw_only=True):
    """An entry order sent earlier."""

    instrument_id: str
    side: Side
    ts_ns: int


class PortfolioView(Struct, frozen=True, kw_only=True):
    """What Guardian knows of the portfolio at the moment of a request. None is unknown, and so is NaN."""

    kill_state: KillState
    mark: EquityMark | None
    positions: tuple[Exposure, ...] = ()
    pending: tuple[Exposure, ...] = ()
    """Entries that work at the venue or are on their way there."""
    returns: Mapping[str, Floats] = {}
    """Daily returns by instrument over the same last days, see `daily_returns`; absent where unknown."""
    last_price: float | None = None
    """Last trade of the request's instrument, or the last close where only bars are known."""
    bid: float | None = None
    ask: float | None = None
    """Best prices of its book; None where there is no book."""
    recent: tuple[RecentEntry, ...] = ()
    """The entries of at least the last minute and the last cool-down."""

    @property
    def equity(self) -> float | None:
        """Equity, None where unknown."""
        return None if self.mark is None else self.mark.equity

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """Open positions and working entries."""
        return self.positions + self.pending


class Check(Struct, frozen=True, kw_only=True):
    """Result of one check: passed if ``value <= limit``.

    ``value`` is None where it could not be had, which is a breach, or where none was needed, as the words then say.
    """

    name: str
    passed: bool
    value: float | None
    limit: float
    words: str


def check_entry(request: EntryRequest, view: PortfolioView, rules: GuardianRules) -> tuple[Check, ...]:
    """All checks of an entry, the kill switch first; the entry is allowed if every one passed.

    Pure and total: broken figures make failed checks, not exceptions. Raising a notional, an exposure, a drawdown, a
    loss or a count never turns a failed check into a passed one.
    """
    return (
        _kill_switch(view),
        _drawdown(view, rules),
        _daily_loss(view, rules),
        _position(request, view, rules),
        _sector(request, view, rules),
        _correlation(request, view, rules),
        _leverage(request, view, rules),
        _open_positions(request, view, rules),
        _price(request, view, rules),
        _duplicates(request, view, rules),
        _rate(request, view, rules),
    )


def _kill_switch(view: PortfolioView) -> Check:
    state = view.kill_state
    allowed = "entries are allowed" if state is KillState.NORMAL else "no entries until a human clears it"
    return _judge("kill_switch", state.level, 0, f"the kill switch is {state}: {allowed}")


def _drawdown(view: PortfolioView, rules: GuardianRules) -> Check:
    value = None if view.mark is None else view.mark.drawdown
    return _judge_share("drawdown", value, rules.max_drawdown, "the fall of equity from its peak")


def _daily_loss(view: PortfolioView, rules: GuardianRules) -> Check:
    value = None if view.mark is None else view.mark.daily_loss
    return _judge_share("daily_loss", value, rules.max_daily_loss, "the loss since 00:00 UTC")


def _position(request: EntryRequest, view: PortfolioView, rules: GuardianRules) -> Check:
    same = [exposure for exposure in view.exposures if exposure.instrument_id == request.instrument_id]
    value = _weight_after(request, same, view.equity)
    return _judge_share(
        "position", value, rules.max_position, f"{request.instrument_id} after the order, as a share of equity,"
    )


def _sector(request: EntryRequest, view: PortfolioView, rules: GuardianRules) -> Check:
    sector = rules.sector(request.base)
    same = [exposure for exposure in view.exposures if rules.sector(exposure.base) == sector]
    value = _weight_after(request, same, view.equity)
    return _judge_share("sector", value, rules.max_sector, f"sector {sector} after the order, as a share of equity,")


def _leverage(request: EntryRequest, view: PortfolioView, rules: GuardianRules) -> Check:
    """Gross exposure / equity; an order that asks for more than the limit breaches by itself, however small."""
    limit = rules.max_leverage
    value, what = _weight_after(request, view.exposures, view.equity), "portfolio leverage after the order"
    if not 0.0 < request.leverage <= limit:
        value = request.leverage if request.leverage > limit else None
        what = "leverage asked for by the order"
    known = _known(value)
    return _judge("leverage", known, limit, f"{what} is {_show(known, '.2f')}, limit {limit:.2f}")


def _correlation(request: EntryRequest, view: PortfolioView, rules: GuardianRules) -> Check:
    """Highest correlation of the two bets: a short of a twin hedges, a short of an opposite is the same bet again."""
    name, limit, ours = "correlation", rules.max_correlation, request.instrument_id
    others = [exposure for exposure in view.exposures if exposure.instrument_id != ours]
    if not others:
        return Check(name=name, passed=True, value=None, limit=limit, words="none is needed: no other position is open")
    known = []
    for other in others:
        value = _bet_correlation(request, other, view.returns, rules.correlation_days)
        if value is None:
            words = f"the correlation of {ours} with {other.instrument_id} is unknown"
            return _judge(name, None, limit, f"{words}: it takes {rules.correlation_days} daily returns of both")
        known.append((value, other.instrument_id))
    worst, twin = max(known)
    return _judge(
        name, worst, limit, f"the highest correlation of {ours} is {worst:.2f}, with {twin}, limit {limit:.2f}"
    )


def _open_positions(request: EntryRequest, view: PortfolioView, rules: GuardianRules) -> Check:
    after = len({request.instrument_id, *(exposure.instrument_id for exposure in view.exposures)})
    limit = rules.max_open_positions
    return _judge("open_positions", after, limit, f"open positions after the order are {after}, limit {limit}")


def _price(request: EntryRequest, view: PortfolioView, rules: GuardianRules) -> Check:
    value = _price_deviation(request.price, view)
    what = f"the distance of price {request.price:,.10g} from the last trade and the book"
    return _judge_share("price", value, rules.max_price_deviation, what)


def _duplicates(request: EntryRequest, view: PortfolioView, rules: GuardianRules) -> Check:
    since_ns = request.ts_ns - round(rules.cooldown_secs * NS_PER_SEC)
    bet = (request.instrument_id, request.side)
    count = sum(entry.ts_ns > since_ns and (entry.instrument_id, entry.side) == bet for entry in view.recent)
    words = f"entries {request.side} {request.instrument_id} within the last {rules.cooldown_secs:g} s: {count}"
    return _judge("duplicates", count, 0, f"{words}, limit 0")


def _rate(request: EntryRequest, view: PortfolioView, rules: GuardianRules) -> Check:
    count = 1 + sum(entry.ts_ns > request.ts_ns - NS_PER_MIN for entry in view.recent)
    limit = rules.max_orders_per_min
    return _judge("rate", count, limit, f"entries within the last minute, this one included: {count}, limit {limit}")


def _judge(name: str, value: float | None, limit: float, words: str) -> Check:
    passed = value is not None and value <= limit * (1.0 + _ROUNDING)
    return Check(name=name, passed=passed, value=value, limit=limit, words=words)


def _judge_share(name: str, value: float | None, limit: float, what: str) -> Check:
    known = _known(value)
    return _judge(name, known, limit, f"{what} is {_show(known, '.2%')}, limit {limit:.2%}")


def _known(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _show(value: float | None, form: str) -> str:
    return "unknown" if value is None else format(value, form)


def _weight_after(request: EntryRequest, exposures: Iterable[Exposure], equity: float | None) -> float | None:
    """Gross value of ``exposures`` and the new order over equity; opposite sides do not cancel out."""
    if equity is None or equity <= 0.0 or not request.notional > 0.0:
        return None
    return (request.notional + sum(abs(exposure.notional) for exposure in exposures)) / equity


def _bet_correlation(request: EntryRequest, other: Exposure, returns: Mapping[str, Floats], days: int) -> float | None:
    ours, theirs = returns.get(request.instrument_id), returns.get(other.instrument_id)
    if ours is None or theirs is None or not isfinite(other.notional) or min(len(ours), len(theirs)) < days:
        return None
    value = correlation(ours[-days:], theirs[-days:])
    return value and value * request.side.sign * (1 if other.notional >= 0.0 else -1)


def _price_deviation(price: float, view: PortfolioView) -> float | None:
    """Larger of the distances from the last trade and from the nearer side of the book, as fractions of those.

    Any price that is not above 0, or a crossed book, makes it unknown; a one-sided book is no book.
    """
    last, bid, ask = view.last_price, view.bid, view.ask
    if not all(known is None or 0.0 < known < inf for known in (price, last, bid, ask)):
        return None
    distances = []
    if last is not None:
        distances.append(abs(price / last - 1.0))
    if bid is not None and ask is not None:
        if bid > ask:
            return None
        distances.append(max(0.0, 1.0 - price / bid, price / ask - 1.0))
    return max(distances, default=None)
