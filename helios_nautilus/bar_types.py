"""Names of the bars an instrument has: the recorded ones and those Nautilus aggregates from them."""

from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.domain.timeframe import parse_timeframe

_UNITS = {"m": "MINUTE", "h": "HOUR", "d": "DAY"}


def bar_type(instrument_id: InstrumentId | str, timeframe: str, base: str) -> BarType:
    """Bar type to subscribe to: external at the base length, else aggregated inside Nautilus from it.

    Aggregated bars arrive as ``.standard()``, without the part behind the ``@``.
    """
    external = f"{_spec(base)}-EXTERNAL"
    if parse_timeframe(timeframe) == parse_timeframe(base):
        return BarType.from_str(f"{instrument_id}-{_spec(base)}-LAST-EXTERNAL")
    return BarType.from_str(f"{instrument_id}-{_spec(timeframe)}-LAST-INTERNAL@{external}")


def _spec(timeframe: str) -> str:
    return f"{timeframe[:-1]}-{_UNITS[timeframe[-1]]}"
