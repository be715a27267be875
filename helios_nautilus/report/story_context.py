"""What a gate was told, in a few lines of a story. What is not known is said as unknown."""

from collections.abc import Iterator

from helios_nautilus.domain.decision.context import GateContext, PastPrediction
from helios_nautilus.domain.decision.context import PortfolioState as GatePortfolio
from helios_nautilus.report import numerals
from helios_nautilus.report.story_parts import Fact, Teller

_HEADLINES_SHOWN = 3


def tell_context(context: GateContext, teller: Teller) -> Iterator[Fact]:
    """The market, the portfolio, the recent record and the news, as the gate had them."""
    yield Fact(label="Told: market", words=_market(context))
    yield Fact(label="Told: account", words=_portfolio(context.portfolio, teller))
    yield Fact(label="Told: record", words=_record(context.recent))
    yield Fact(label="Told: news", words=_news(context))


def _market(context: GateContext) -> str:
    market = context.market
    changes = (("24 h", market.change_24h), ("7 d", market.change_7d), ("30 d", market.change_30d))
    moves = ", ".join(f"{span} {_signed(change)}" for span, change in changes)
    return (
        f"{moves}; trend {market.trend}, volatility {market.volatility}, liquidity {market.liquidity}, correlation "
        f"{market.correlation}; spread {_known(market.spread, places=3)}, book imbalance {_signed(market.imbalance)}"
    )


def _portfolio(portfolio: GatePortfolio, teller: Teller) -> str:
    if portfolio.positions is None:
        held = "positions unknown"
    elif not portfolio.positions:
        held = "nothing held"
    else:
        held = "holding " + ", ".join(
            f"{each.side.lower()} {each.instrument_id} ({_known(each.weight)} of equity)"
            for each in portfolio.positions
        )
    equity = "unknown" if portfolio.equity is None else teller.money(portfolio.equity)
    return (
        f"equity {equity}, {_known(portfolio.drawdown)} below its peak, {_known(portfolio.exposure)} invested; {held}"
    )


def _record(recent: tuple[PastPrediction, ...]) -> str:
    if not recent:
        return "no earlier prediction here has an outcome yet"
    judged = [past.is_hit for past in recent if past.is_hit is not None]
    returns = [past.net_return for past in recent if past.net_return is not None]
    mean = f"; their plans made {_signed(sum(returns) / len(returns))} on average, net" if returns else ""
    right, wrong = sum(judged), judged.count(False)
    neither = len(recent) - right - wrong
    unpaid = f"; in {neither} neither side paid" if neither else ""
    return f"of the last {len(recent)} predictions here {right} were right and {wrong} wrong{unpaid}{mean}"


def _news(context: GateContext) -> str:
    if context.news is None:
        return "unavailable"
    headlines = context.news.headlines
    if not headlines:
        return "the sources answered and had none"
    shown = "; ".join(f"“{each.title}” ({each.source})" for each in headlines[:_HEADLINES_SHOWN])
    more = f"; and {len(headlines) - _HEADLINES_SHOWN} more" if len(headlines) > _HEADLINES_SHOWN else ""
    return f"{len(headlines)} headlines, mean sentiment {context.news.sentiment:+.2f} of -1 to 1: {shown}{more}"


def _known(share: float | None, *, places: int = 2) -> str:
    return "unknown" if share is None else numerals.percent(share, places=places)


def _signed(share: float | None) -> str:
    return "unknown" if share is None else numerals.percent(share, signed=True)
