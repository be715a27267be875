"""A strategy of one's own on the tiers, and its tests: what docs/testing.md explains."""

import re
from pathlib import Path

import pytest
from nautilus_trader.model.data import Bar

from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.plan import CloseReason, Side
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import PositionRecord
from helios_nautilus.messages import Proposal, Stage, decision_id_of
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig
from tests.fakes import BTC, Kit, Tiers, at

ROOT = Path(__file__).parents[3]


class BuyTheDip(TieredStrategy):
    """Proposes a long after a bar that lost 1 %, and leaves after one that won."""

    def on_start(self) -> None:
        super().on_start()
        for instrument_id in self.config.instrument_ids:
            self.subscribe_bars(bar_type(instrument_id, self.config.decision, self.config.base))

    def on_bar(self, bar: Bar) -> None:
        super().on_bar(bar)
        instrument_id, change = bar.bar_type.instrument_id, float(bar.close) / float(bar.open) - 1.0
        if self.has_bet(instrument_id):
            if change > 0.0:
                self.leave(instrument_id, CloseReason.SIGNAL)
        elif change <= -0.01 and self.entries_allowed and not self.is_pending(instrument_id):
            self.propose(
                Proposal(
                    decision_id=decision_id_of(instrument_id.value, bar.ts_event),
                    strategy_id=self.id.value,
                    instrument_id=instrument_id,
                    side=Side.LONG,
                    ts_ns=bar.ts_event,
                    price=float(bar.close),
                    p_buy=0.6,
                    p_sell=0.2,
                    p_hold=0.2,
                )
            )


@pytest.fixture
def strategy(kit: Kit, tiers: Tiers, journal: MemoryJournal) -> BuyTheDip:
    return kit.start(BuyTheDip(TieredStrategyConfig(instrument_ids=(BTC,)), journal))


def test_a_dip_is_proposed_to_the_first_tier(kit: Kit, tiers: Tiers, strategy: BuyTheDip) -> None:
    kit.advance_to(at(5))
    kit.bar(strategy, 980_000, BTC, opened=1_000_000, timeframe="5m")

    (request,) = tiers.requests[Stage.AETHER]
    assert request.dossier.proposal.price == pytest.approx(980_000)


def test_a_smaller_loss_is_none_of_its_business(kit: Kit, tiers: Tiers, strategy: BuyTheDip) -> None:
    kit.bar(strategy, 995_000, BTC, opened=1_000_000, timeframe="5m")

    assert tiers.requests[Stage.AETHER] == []


def test_it_leaves_after_a_bar_that_won(kit: Kit, strategy: BuyTheDip, journal: MemoryJournal) -> None:
    kit.bar(strategy, 980_000, BTC, opened=1_000_000, timeframe="5m")
    kit.venue.accept(kit.order("ENTRY"))
    kit.venue.fill(kit.order("ENTRY"), 980_500)

    kit.bar(strategy, 990_000, BTC, opened=980_000, timeframe="5m")
    kit.venue.fill(kit.order("EXIT"), 989_500)

    (position,) = journal.of(PositionRecord)
    assert (position.close_reason, position.pnl > 0) == ("SIGNAL", True)


def test_what_a_tier_declines_is_not_bought(kit: Kit, tiers: Tiers, strategy: BuyTheDip) -> None:
    tiers.decline(Stage.GUARDIAN, "sector")

    kit.bar(strategy, 980_000, BTC, opened=1_000_000, timeframe="5m")

    assert kit.cache.orders() == []


def test_the_code_on_the_page_about_testing_is_the_code_that_is_tested() -> None:
    page = (ROOT / "docs" / "testing.md").read_text()
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", page, re.DOTALL)

    assert len(blocks) == page.count("```python") > 2
    for path, code in blocks:
        assert code in (ROOT / path).read_text(), f"{path} no longer says what docs/testing.md shows"
