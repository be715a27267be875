"""Makes longer bars out of live ones, each the moment its last part is in.

Nautilus closes a live bar by its own clock, while the venue's last minute is still on its way: that minute would fall
into the next bar. Here a bar is made of its parts and of nothing else, as in training.
"""

from collections.abc import Iterable

from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.timeframe import parse_timeframe


class BarMakerConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `BarMaker`.

    Parameters
    ----------
    instrument_ids
        The traded instruments.
    base
        Length of the recorded bars.
    timeframes
        The lengths to make, multiples of it.

    """

    instrument_ids: tuple[InstrumentId, ...]
    base: str = "1m"
    timeframes: tuple[str, ...] = ("5m", "15m")


class BarMaker(Actor):
    """Publishes every longer bar whose parts have all come, where the engine's own aggregated bars would be.

    Add it after all that follow the bars: they have the last part before they get the whole. Its first parts must be
    those of whole bars.
    """

    def __init__(self, config: BarMakerConfig) -> None:
        super().__init__(config)
        self._base_ns = parse_timeframe(config.base)
        self._parts: dict[BarType, list[Bar]] = {}
        self._lengths: dict[InstrumentId, list[tuple[BarType, int]]] = {}

    def on_start(self) -> None:
        """Follow the recorded bars."""
        base = self.config.base
        for instrument_id in self.config.instrument_ids:
            self._lengths[instrument_id] = [
                (bar_type(instrument_id, name, base).standard(), parse_timeframe(name))
                for name in sorted(set(self.config.timeframes) - {base}, key=parse_timeframe)
            ]
            self.subscribe_bars(bar_type(instrument_id, base, base))

    def on_bar(self, bar: Bar) -> None:
        """Take a part, and publish the bars that it completes, the shortest first."""
        for kind, length_ns in self._lengths[bar.bar_type.instrument_id]:
            close_ns = -(-bar.ts_event // length_ns) * length_ns
            parts = self._parts.setdefault(kind, [])
            if parts and (parts[0].ts_event <= close_ns - length_ns or parts[-1].ts_event >= bar.ts_event):
                parts.clear()
            parts.append(bar)
            if len(parts) == length_ns // self._base_ns:
                self.msgbus.publish(f"data.bars.{kind}", _join(kind, parts, close_ns))
                parts.clear()


def _join(kind: BarType, parts: Iterable[Bar], close_ns: int) -> Bar:
    """One bar of many, in the order of time; exact, for prices and sizes are decimals."""
    first, *_, last = parts = tuple(parts)
    return Bar(
        kind,
        first.open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        last.close,
        type(first.volume)(sum(part.volume.as_decimal() for part in parts), first.volume.precision),
        close_ns,
        last.ts_init,
    )
