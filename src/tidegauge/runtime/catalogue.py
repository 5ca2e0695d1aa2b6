"""Which instruments to watch: our symbols, looked up in each venue's own catalogue."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidegauge.core.errors import FeedError, OperatorError, VenueRefused
from tidegauge.core.instrument import Instrument, InstrumentStatus, Symbol
from tidegauge.wire.feed import Listing
from tidegauge.wire.protocol import VenueSpec

from .link import REFUSALS
from .settings import SymbolSettings
from .world import Http

OK = 200
MOST_PAGES = 100
"""Pages of a catalogue that are read; a venue that always names another one is not followed."""


class CatalogueUnavailable(FeedError):
    """The venue's catalogue cannot be had now; it may be later."""


async def fetch_catalogue(spec: VenueSpec, http: Http) -> list[Instrument]:
    """Fetch and read a venue's whole catalogue.

    Raises `VenueRefused` when the venue refuses us by region or key, `CatalogueUnavailable` when it
    does not answer, `MalformedFrame` when the answer is not a catalogue.
    """
    instruments: list[Instrument] = []
    waiting = list(spec.catalogue)
    for _page in range(MOST_PAGES):
        if not waiting:
            break
        request = waiting.pop(0)
        answer = await http.fetch(request)
        if answer.status in REFUSALS:
            raise VenueRefused(f"{request.path} was answered with HTTP {answer.status}")
        if answer.status != OK:
            why = f"HTTP {answer.status}" if answer.status else answer.body.decode(errors="replace")
            raise CatalogueUnavailable(f"{request.path}: {why}")
        instruments += spec.parse_catalogue(answer.body)
        if (following := spec.next_page(request, answer.body)) is not None:
            waiting.append(following)
    return instruments


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a catalogue to watch, and why some symbols are not there."""

    listings: tuple[Listing, ...]
    missing: tuple[tuple[Symbol, str], ...]


def select(
    spec: VenueSpec,
    instruments: Iterable[Instrument],
    symbols: Mapping[Symbol, SymbolSettings],
    *,
    hints: bool = False,
) -> Selection:
    """Pick the instrument for each symbol; one that is not trading is missing, with the reason.

    `hints`: the reason names what is spelt alike. Among thousands of names that takes some 40 ms a
    symbol, in which no book is kept: only for when somebody reads it.
    """
    by_name = {instrument.name: instrument for instrument in instruments}
    listings, missing = [], []
    taken: dict[str, Symbol] = {}
    for symbol, settings in symbols.items():
        name = settings.instruments.get(spec.name, spec.default_name(symbol))
        if name is None:
            continue
        instrument = by_name.get(name)
        if instrument is None:
            near = difflib.get_close_matches(name, by_name, n=1) if hints else ()
            hint = f"; did you mean {near[0]}?" if near else ""
            missing.append((symbol, f"{spec.name} lists no {name}{hint}"))
        elif instrument.status is InstrumentStatus.DELISTED:
            missing.append((symbol, f"{spec.name} has delisted {name}"))
        elif name in taken:
            missing.append((symbol, f"{spec.name} has {name} for {taken[name]} already"))
        else:
            taken[name] = symbol
            listings.append(Listing(symbol=symbol, instrument=instrument))
    return Selection(tuple(listings), tuple(missing))


def refuse_unknown(symbols: Iterable[Symbol], selections: Iterable[Selection]) -> None:
    """Raise `OperatorError` for a symbol that no venue lists."""
    chosen = list(selections)
    listed = {listing.symbol for selection in chosen for listing in selection.listings}
    for symbol in symbols:
        if symbol not in listed:
            reasons = [why for pick in chosen for name, why in pick.missing if name == symbol]
            raise OperatorError(
                f"No venue lists the symbol {symbol}: {'; '.join(reasons) or 'none is mapped'}",
                fix="Map it to each venue's instrument under `symbols:` in config/settings.yaml",
            )
