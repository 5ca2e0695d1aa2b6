"""What OKX's server lists, and how it spells numbers."""

from dataclasses import replace
from decimal import Decimal

from tidegauge.simulator.exchange import Speller
from tidegauge.simulator.listing import Listing

SWAP = "SWAP"
CONTRACT_STEP = Decimal("0.01")
"""The smallest size of a swap, in contracts."""


def instrument_type(listing: Listing) -> str:
    """Return SPOT or SWAP."""
    return SWAP if listing.name.endswith("-SWAP") else "SPOT"


class OkxSpeller:
    """Writes prices and sizes without zeros at the end; the sizes of swaps are contracts."""

    def __init__(self, listing: Listing) -> None:
        if instrument_type(listing) == SWAP:
            places = -int(CONTRACT_STEP.as_tuple().exponent)
            listing = replace(listing, step=CONTRACT_STEP, size_places=places)
        self._speller = Speller(listing)

    def price(self, tick: int) -> str:
        """Return a price."""
        return _bare(self._speller.price(tick))

    def size(self, lots: int) -> str:
        """Return a size."""
        return _bare(self._speller.size(lots))


def instrument_row(listing: Listing) -> dict[str, object]:
    """Return an instrument as `/api/v5/public/instruments` lists it."""
    swap = instrument_type(listing) == SWAP
    step = f"{CONTRACT_STEP if swap else listing.step:f}"
    pair = f"{listing.base}-{listing.quote}"
    value = f"{(listing.step / CONTRACT_STEP).normalize():f}"
    return {
        "instType": instrument_type(listing),
        "instId": listing.name,
        "instFamily": pair if swap else "",
        "uly": pair if swap else "",
        "baseCcy": "" if swap else listing.base,
        "quoteCcy": "" if swap else listing.quote,
        "settleCcy": listing.quote if swap else "",
        "ctVal": value if swap else "",
        "ctMult": "1" if swap else "",
        "ctValCcy": listing.base if swap else "",
        "ctType": "linear" if swap else "",
        "tickSz": f"{listing.tick:f}",
        "lotSz": step,
        "minSz": step,
        "state": "live",
        "listTime": "1611907686000",
        "expTime": "",
        "lever": "100" if swap else "10",
    }


def _bare(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
