"""The trailing stop: it follows the best close since the entry at a distance of some ATRs of the decision bar."""

from collections.abc import Mapping

from nautilus_trader.indicators import AverageTrueRange
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.bar_types import follow_bars
from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.lifecycle import Phase
from helios_nautilus.domain.plan import CloseReason
from helios_nautilus.strategies.bets import Bet, Bets
from helios_nautilus.strategies.desk import Desk
from helios_nautilus.strategies.exits import Exits

_ATR_BARS = 14


class Trail:
    """Moves the stops of open bets; without ``follow`` it does nothing.

    ``past`` are the decision bars before the start, by instrument id: with them a bet that outlived a restart is
    trailed from the first bar on.
    """

    def __init__(self, strategy: Strategy, bets: Bets, desk: Desk, exits: Exits, past: Mapping[str, Bars]) -> None:
        self._strategy = strategy
        self._bets = bets
        self._desk = desk
        self._exits = exits
        self._past = past
        self._atr: dict[BarType, AverageTrueRange] = {}

    def follow(self, instrument_id: InstrumentId) -> None:
        """Listen to an instrument's decision bars; what is known of them from before a stop stays."""
        config = self._strategy.config
        kind = follow_bars(self._strategy, instrument_id, config.decision, config.base, config.bar_maker).standard()
        if kind not in self._atr:
            self._atr[kind] = _atr_after(self._past.get(instrument_id.value))

    def clear(self) -> None:
        """Forget the bars of the last run."""
        self._atr.clear()

    def on_bar(self, bar: Bar) -> None:
        """Trail the stop behind the best close since the entry."""
        atr = self._atr.get(bar.bar_type)
        if atr is None:
            return
        atr.handle_bar(bar)
        bet = self._bets.on(bar.bar_type.instrument_id)
        if bet is None or bet.life.phase is not Phase.OPEN or not atr.initialized:
            return
        if bet.life.opened_ns is not None and bar.ts_event < bet.life.opened_ns:  # made up for after a restart
            return
        sign, close = bet.life.side.sign, bar.close.as_double()
        bet.extreme = close if bet.extreme is None else sign * max(sign * close, sign * bet.extreme)
        if bet.life.trail(bet.extreme, atr.value, self._strategy.config.plan.trail_atr):
            self._bets.keep()
        if sign * (close - bet.life.stop_price) <= 0:  # the venue would refuse a stop that lies in the market
            self._exits.leave(bet.instrument_id, CloseReason.STOP_LOSS)
        else:
            self._move_stop(bet)

    def _move_stop(self, bet: Bet) -> None:
        """Bring the stop to where the bet's life has it; also when an earlier move was refused."""
        order = self._desk.order(bet.stop)
        if order is None or order.is_pending_update or not self._desk.works(bet.stop):
            return
        price = self._desk.instrument(bet.instrument_id).make_price(bet.life.stop_price)
        if price != order.trigger_price:
            self._strategy.modify_order(order, trigger_price=price)
            self._exits.check_later(bet)


def _atr_after(past: Bars | None) -> AverageTrueRange:
    """As the last of these bars leaves it; one more than it averages, for a true range begins at the close before."""
    atr = AverageTrueRange(_ATR_BARS)
    if past is not None:
        columns = (column[-_ATR_BARS - 1 :].tolist() for column in (past.high, past.low, past.close))
        for high, low, close in zip(*columns, strict=True):
            atr.update_raw(high, low, close)
    return atr
