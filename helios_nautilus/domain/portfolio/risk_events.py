"""What is reason enough to look at the weights at once: each event is told when it begins, not as long as it lasts."""

from helios_nautilus.domain.risk.regime import Regime
from helios_nautilus.domain.timeframe import NS_PER_DAY


class RiskEvents:
    """Remembers what has been told; every method returns the words of a new event, or None.

    ``drawdown_limit`` is a fraction. A drawdown that wavers around it is told once a UTC day.
    """

    def __init__(self, drawdown_limit: float) -> None:
        self._drawdown_limit = drawdown_limit
        self._drawdown_day: int | None = None
        self._is_deep = False
        self._are_entries_off = False
        self._extreme: set[str] = set()

    def on_kill_switch(self, *, entries_allowed: bool) -> str | None:
        """The kill switch moved, or said again where it is."""
        was_off, self._are_entries_off = self._are_entries_off, not entries_allowed
        return "the kill switch allows no entries" if self._are_entries_off and not was_off else None

    def on_drawdown(self, drawdown: float, ts_ns: int) -> str | None:
        """A new mark of equity."""
        was_deep, self._is_deep = self._is_deep, drawdown > self._drawdown_limit
        day = ts_ns // NS_PER_DAY
        if not self._is_deep or was_deep or day == self._drawdown_day:
            return None
        self._drawdown_day = day
        return f"equity is {drawdown:.2%} below its peak, past {self._drawdown_limit:.2%}"

    def on_regime(self, name: str, regime: Regime | None) -> str | None:
        """The volatility regime of something held; unknown is as it was."""
        if regime is None:
            return None
        was_extreme = name in self._extreme
        (self._extreme.add if regime is Regime.EXTREME else self._extreme.discard)(name)
        return f"the volatility of {name} became extreme" if regime is Regime.EXTREME and not was_extreme else None
