"""Nautilus's own risk engine as a second wall behind a halt: closed once nothing is held, open for what comes late."""

from typing import Protocol

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.enums import TradingState

from helios_nautilus.actors.exposures import closable_positions


class RiskSwitch(Protocol):
    """What Guardian needs of the engine's own risk engine: the second wall."""

    def set_trading_state(self, state: TradingState) -> None:
        """Set the engine's trading state."""
        ...


class SecondWall:
    """Halts the engine behind a halt; it refuses every order then, exits too, so never while anything is to close."""

    def __init__(self, switch: RiskSwitch | None) -> None:
        self._switch = switch
        self._is_closed = False

    def look(self, cache: Cache) -> None:
        """Trading is halted: close the wall if nothing is held and nothing works.

        What comes to be held after all, by an order whose outcome was unknown, opens it again.
        """
        if closable_positions(cache):
            self.open()
        elif not (cache.orders_open_count() + cache.orders_inflight_count() + cache.orders_emulated_count()):
            self._set(TradingState.HALTED, is_closed=True)

    def open(self) -> None:
        """Let orders through."""
        self._set(TradingState.ACTIVE, is_closed=False)

    def _set(self, state: TradingState, *, is_closed: bool) -> None:
        if self._switch is not None and self._is_closed != is_closed:
            self._switch.set_trading_state(state)
            self._is_closed = is_closed
