"""The instrument that frames are about, parsed from the simulator's listing."""

from typing import Final

import msgspec

from helios_nautilus.adapters.valr.api.schemas.market import Pair
from helios_nautilus.adapters.valr.api.wire import WireDecoder
from helios_nautilus.adapters.valr.parsing import VenueInstrument, parse_instrument
from helios_nautilus.simulator.exchange.listing import load_listing
from helios_nautilus.simulator.exchange.market_json import pair_json

PAIR: Final = "BTCZAR"


def listed_instrument() -> VenueInstrument:
    """`PAIR` as the adapter has it."""
    row = msgspec.json.encode(pair_json(load_listing().pairs[PAIR]))
    return parse_instrument(WireDecoder[Pair](Pair).decode(row), {}, None, 0)
