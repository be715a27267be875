"""The venue's pairs as instruments."""

from collections.abc import Callable, Mapping
from typing import Any

from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.market import Currency as WireCurrency
from helios_nautilus.adapters.valr.api.schemas.market import Pair
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.adapters.valr.parsing import Fees, instrument_id_of, parse_fees, parse_instrument


class ValrInstrumentProvider(InstrumentProvider):
    """Loads `CurrencyPair` and `CryptoPerpetual` from the public pairs.

    With a key the fees are the account's own, else those of the first tier (``info["fees_of"]`` says which). Pairs that
    do not trade are left out unless ``include_inactive``; ``info["active"]`` tells them.
    """

    def __init__(
        self,
        http: ValrHttp,
        config: InstrumentProviderConfig | None = None,
        *,
        now_ns: Callable[[], int],
        has_key: bool = False,
        include_inactive: bool = False,
    ) -> None:
        super().__init__(config)
        self._http = http
        self._now_ns = now_ns
        self._has_key = has_key
        self._include_inactive = include_inactive
        self._active: dict[InstrumentId, bool] = {}

    def is_active(self, instrument_id: InstrumentId) -> bool:
        """Whether the pair traded when the pairs were last loaded; not so for one that is unknown."""
        return self._active.get(instrument_id, False)

    async def load_all_async(self, filters: dict[str, Any] | None = None) -> None:
        """Load every pair; raises as a read of `ValrHttp` does, and then nothing has changed. No filters are known."""
        await self._load(None, filters)

    async def load_ids_async(self, instrument_ids: list[InstrumentId], filters: dict[str, Any] | None = None) -> None:
        """Load some pairs, inactive ones too: they are asked for. Unknown ids are warned about and left out."""
        for instrument_id in instrument_ids:
            if instrument_id.venue != VALR_VENUE:
                raise ValueError(f"{instrument_id} is not an instrument of {VALR_VENUE}")
        if instrument_ids:
            await self._load(set(instrument_ids), filters)

    async def _load(self, wanted: set[InstrumentId] | None, filters: dict[str, Any] | None) -> None:
        if filters:
            raise ValueError(f"VALR's instruments are not filtered by {', '.join(filters)}")
        pairs = await self._http.get_pairs()
        currencies = {currency.short_name: currency for currency in await self._http.get_currencies()}
        fees = await self._load_fees()
        self._active = {instrument_id_of(pair.symbol): pair.active for pair in pairs}
        for pair in pairs:
            instrument_id = instrument_id_of(pair.symbol)
            if instrument_id in wanted if wanted is not None else pair.active or self._include_inactive:
                self._take(pair, currencies, fees.get(pair.symbol))
        for instrument_id in (wanted or set()) - self._instruments.keys():
            self._log.warning(f"VALR has no instrument {instrument_id}")

    async def _load_fees(self) -> dict[str, Fees]:
        """The account's fees. A key that may not see them costs their exactness, not the instruments."""
        if not self._has_key:
            return {}
        try:
            return parse_fees(await self._http.get_trade_fees())
        except VenueError as error:
            self._log.warning(f"The account's fees are not known, the first tier is shown: {error}")
            return {}

    def _take(self, pair: Pair, currencies: Mapping[str, WireCurrency], fees: Fees | None) -> None:
        """Add what can be parsed: one odd pair must not cost all the others."""
        try:
            instrument = parse_instrument(pair, currencies, fees, self._now_ns())
        except (ValueError, OverflowError) as error:
            self._log.warning(f"VALR's pair {pair.symbol} is left out: {error}")
            return
        self.add(instrument)
        self.add_currency(instrument.quote_currency)
        self.add_currency(instrument.base_currency)
