"""VALR for NautilusTrader: instruments, market data and execution. ``api`` under it knows nothing of the engine."""

from helios_nautilus.adapters.valr.config import ValrDataClientConfig, ValrExecClientConfig
from helios_nautilus.adapters.valr.constants import VALR, VALR_VENUE
from helios_nautilus.adapters.valr.data import ValrDataClient
from helios_nautilus.adapters.valr.execution import ValrExecutionClient
from helios_nautilus.adapters.valr.factories import (
    ValrLiveDataClientFactory,
    ValrLiveExecClientFactory,
    get_valr_http,
    get_valr_provider,
)
from helios_nautilus.adapters.valr.providers import ValrInstrumentProvider

__all__ = [
    "VALR",
    "VALR_VENUE",
    "ValrDataClient",
    "ValrDataClientConfig",
    "ValrExecClientConfig",
    "ValrExecutionClient",
    "ValrInstrumentProvider",
    "ValrLiveDataClientFactory",
    "ValrLiveExecClientFactory",
    "get_valr_http",
    "get_valr_provider",
]
