"""Guardian's checks of an entry, fed with what the engine knows: what is held and may yet be, what prices have done."""

from collections.abc import Mapping

import numpy as np
from nautilus_trader.common.actor import Actor
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.exposures import closable_positions, exposure_of, pending_entries
from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.portfolio.guardian import (
    Check,
    EntryRequest,
    GuardianRules,
    PortfolioView,
    RecentEntry,
    check_entry,
)
from helios_nautilus.domain.portfolio.kill_switch import KillState
from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.records import CheckResult
from helios_nautilus.messages import Dossier


class EntryChecks:
    """Runs all checks, and remembers the entries that passed; usable once ``actor`` is registered.

    ``closes`` are the newest, ``histories`` the longer past, both by instrument id and kept by their owner.
    """

    def __init__(
        self, actor: Actor, rules: GuardianRules, closes: Mapping[str, float], histories: Mapping[str, MarketHistory]
    ) -> None:
        self._actor = actor
        self._rules = rules
        self._closes = closes
        self._histories = histories
        self._recent: list[RecentEntry] = []

    def run(self, dossier: Dossier, state: KillState, mark: EquityMark | None, now_ns: int) -> tuple[CheckResult, ...]:
        """What each check finds of an entry now, the kill switch and equity standing so."""
        entry = self._request(dossier, now_ns)
        checks = check_entry(entry, self._view(entry, state, mark), self._rules)
        if all(check.passed for check in checks):
            self._recent.append(RecentEntry(instrument_id=entry.instrument_id, side=entry.side, ts_ns=now_ns))
        return tuple(map(_result, checks))

    def _request(self, dossier: Dossier, now_ns: int) -> EntryRequest:
        proposal, terms = dossier.proposal, dossier.known_terms
        return EntryRequest(
            instrument_id=proposal.instrument_id.value,
            base=self._actor.cache.instrument(proposal.instrument_id).base_currency.code,
            side=proposal.side,
            notional=terms.notional,
            price=proposal.price,
            leverage=terms.leverage,
            ts_ns=now_ns,
        )

    def _view(self, entry: EntryRequest, state: KillState, mark: EquityMark | None) -> PortfolioView:
        """What the checks are told of the portfolio."""
        cache, now_ns = self._actor.cache, entry.ts_ns
        quote = cache.quote_tick(InstrumentId.from_str(entry.instrument_id))
        self._recent = [each for each in self._recent if now_ns - each.ts_ns <= self._memory_ns]
        return PortfolioView(
            kill_state=state,
            mark=mark,
            positions=tuple(exposure_of(position, self._closes) for position in closable_positions(cache)),
            pending=pending_entries(cache),
            returns=self._daily_returns(now_ns),
            last_price=self._closes.get(entry.instrument_id),
            bid=None if quote is None else quote.bid_price.as_double(),
            ask=None if quote is None else quote.ask_price.as_double(),
            recent=tuple(self._recent),
        )

    @property
    def _memory_ns(self) -> int:
        return max(NS_PER_MIN, int(self._rules.cooldown_secs * NS_PER_SEC))

    def _daily_returns(self, now_ns: int) -> dict[str, Floats]:
        days = self._rules.correlation_days
        closes = {name: history.daily_closes(now_ns)[-days - 1 :] for name, history in self._histories.items()}
        return {name: np.diff(close) / close[:-1] for name, close in closes.items() if len(close) == days + 1}


def _result(check: Check) -> CheckResult:
    return CheckResult(name=check.name, passed=check.passed, value=check.value, limit=check.limit, words=check.words)
