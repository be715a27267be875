"""Names of the bars an instrument has, the recorded ones and those aggregated from them, and who makes the latter."""

from nautilus_trader.common.actor import Actor
from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import ClientId, InstrumentId

from helios_nautilus.domain.timeframe import name_timeframe, parse_timeframe

_UNITS = {"m": "MINUTE", "h": "HOUR", "d": "DAY"}


def name_bar_type(instrument_id: InstrumentId | str, length_ns: int) -> str:
    """The engine's name of recorded bars, e.g. ``BTCZAR.VALR-1-MINUTE-LAST-EXTERNAL``; whole minutes, in the largest
    unit that fits.
    """
    return f"{instrument_id}-{_spec(length_ns)}-LAST-EXTERNAL"


def bar_type(instrument_id: InstrumentId | str, timeframe: str, base: str) -> BarType:
    """Bar type to subscribe to: external at the base length, else aggregated inside Nautilus from it.

    Aggregated bars arrive as ``.standard()``, without the part behind the ``@``.
    """
    length_ns, base_ns = parse_timeframe(timeframe), parse_timeframe(base)
    if length_ns == base_ns:
        return BarType.from_str(name_bar_type(instrument_id, base_ns))
    return BarType.from_str(f"{instrument_id}-{_spec(length_ns)}-LAST-INTERNAL@{_spec(base_ns)}-EXTERNAL")


def follow_bars(
    component: Actor, instrument_id: InstrumentId | str, timeframe: str, base: str, maker: ClientId | None = None
) -> BarType:
    """Subscribe a component to bars and return their type.

    Those longer than the recorded ones are aggregated by Nautilus, or published by ``maker``: a client that the data
    engine leaves alone. A live node has one, for Nautilus closes a live bar by the clock, before its last part is in.
    """
    kind = bar_type(instrument_id, timeframe, base)
    component.subscribe_bars(kind, client_id=maker if kind.is_composite() else None)
    return kind


def _spec(length_ns: int) -> str:
    name = name_timeframe(length_ns)
    return f"{name[:-1]}-{_UNITS[name[-1]]}"
