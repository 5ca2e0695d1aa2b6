"""What sizes of a symbol cost, from the ladders the hub holds."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import log10

from tidegauge.core.exact import plain
from tidegauge.core.instrument import BookId, Symbol, base_and_quote
from tidegauge.core.reading import Taker
from tidegauge.core.trust import Trust
from tidegauge.risk.plan import BPS
from tidegauge.risk.quoting import Market, VenueQuote

from .across import ShownPortion
from .hub import HeldLadder, Hub
from .show_across import show_portion
from .wire import Terms

LARGEST = Decimal(10) ** 15
"""Of the sizes (quote) that a price may be asked for."""

MOST_MARKETS = 16
"""That are kept for the next who asks; one of five deep books takes 25 MB."""

LEAST_CURVE, MOST_CURVE = Decimal(1_000), Decimal(5_000_000)
DIGITS = 2
"""Of the sizes of a curve: 1,300, 1,700, 2,100 …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedVenue:
    """A size on one venue, or `why` it cannot be told. Numbers as in `risk.quoting.VenueQuote`."""

    venue: str
    trust: str
    age_s: float | None
    quote: str
    rate: Decimal | None
    filled: bool | None
    filled_fraction: float | None
    average: float | None
    worst: Decimal | None
    slippage_bps: float | None
    partial_slippage_bps: float | None
    cost: float | None
    floor: bool | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedTogether:
    """A size split over the venues in the cheapest way. `filled`: in quote."""

    filled: Decimal
    average: float
    slippage_bps: float | None
    floor: bool
    portions: tuple[ShownPortion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownQuote:
    """What a size (`notional`, in `quote`) costs. `fees_counted`: in `best` and `together`."""

    symbol: str
    side: str
    notional: Decimal
    quote: str
    at: datetime
    venues: tuple[QuotedVenue, ...]
    best: str | None
    together: QuotedTogether | None
    left_out: tuple[tuple[str, str], ...]
    fees_counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCurve:
    """The slippage (bps) of each of `sizes` (quote), by venue and side; null where it does not fill."""

    symbol: str
    quote: str
    at: datetime
    sizes: tuple[Decimal, ...]
    venues: dict[str, dict[str, list[float | None]]]
    together: dict[str, list[float | None]]


Held = Mapping[BookId, HeldLadder]


async def market_of(hub: Hub, symbol: Symbol, notional: Decimal) -> tuple[Market, Held]:
    """Return the books of a symbol that may be trusted, as deep as a size needs."""
    held = await hub.ladders(hub.books_of(symbol), levels=1, quote=_needed(hub, symbol, notional))
    terms, levels = hub.terms(symbol), tuple(held.values())
    known = hub.markets.get(symbol)
    if known is not None and known[:2] == (terms, levels):
        making = known[2]
    else:
        # Five deep books take 75 ms: in a thread, so that others are answered meanwhile.
        making = asyncio.create_task(asyncio.to_thread(_market, symbol, held, terms))
        hub.markets.pop(symbol, None)
        while len(hub.markets) >= MOST_MARKETS:
            del hub.markets[next(iter(hub.markets))]
        hub.markets[symbol] = (terms, levels, making)
    # Of one who leaves, the others still want it.
    return await asyncio.shield(making), held


def _market(symbol: Symbol, held: Held, terms: Terms) -> Market:
    books = {
        id_.venue: each.told.resting
        for id_, each in held.items()
        if each.told.resting is not None and each.told.trust == Trust.LIVE
    }
    return Market(
        books,
        quotes={id_.venue: each.told.quote for id_, each in held.items()},
        home=base_and_quote(symbol)[1],
        rates=terms.rates,
        fees=terms.fees,
    )


def _needed(hub: Hub, symbol: Symbol, notional: Decimal) -> Decimal:
    """Return how much has to rest in each book for a size to fill: more of it where the book's quote is
    worth less, or a fee is taken off."""
    terms, books = hub.terms(symbol), hub.picture().books.values()
    quotes = {book.quote for book in books if book.symbol == symbol}
    worth = min([Decimal(1), *(terms.rates[each] for each in quotes if each in terms.rates)])
    kept = 1 - Decimal(max([0.0, *terms.fees.values()])) / BPS
    return notional / (worth * kept)


def quote_of(
    hub: Hub, symbol: Symbol, taker: Taker, notional: Decimal, market: Market, held: Held
) -> ShownQuote:
    """Return what a size costs, with every venue of the symbol in it, asked or not."""
    notional = plain(notional)
    quote = market.quote(taker, notional)
    asked = {each.venue: each for each in quote.venues}
    left_out = dict(quote.left_out)
    together = quote.together
    return ShownQuote(
        symbol=symbol,
        side=str(taker),
        notional=notional,
        quote=quote.quote,
        at=min((each.told.at for each in held.values()), default=datetime.now(UTC)),
        venues=tuple(
            _asked(held[id_], asked[id_.venue])
            if id_.venue in asked
            else _not_asked(id_, held.get(id_), left_out.get(id_.venue))
            for id_ in hub.books_of(symbol)
        ),
        best=quote.best,
        together=None
        if together is None
        else QuotedTogether(
            filled=plain(together.filled),
            average=together.average,
            slippage_bps=together.slippage_bps,
            floor=together.floor,
            portions=tuple(show_portion(each) for each in together.portions),
        ),
        left_out=quote.left_out,
        fees_counted=quote.fees_counted,
    )


async def curve_of(hub: Hub, symbol: Symbol, points: int) -> ShownCurve:
    """Return what sizes up to what the deepest book holds cost, or up to `MOST_CURVE`."""
    market, held = await market_of(hub, symbol, MOST_CURVE)
    sizes = sizes_of(min(MOST_CURVE, market.largest), points)
    venues: dict[str, dict[str, list[float | None]]] = {}
    together: dict[str, list[float | None]] = {}
    for taker in Taker:
        by_venue, together[str(taker)] = market.curve(taker, sizes)
        for venue, line in by_venue.items():
            venues.setdefault(venue, {})[str(taker)] = line
    return ShownCurve(
        symbol=symbol,
        quote=market.home,
        at=min((each.told.at for each in held.values()), default=datetime.now(UTC)),
        sizes=sizes,
        venues=venues,
        together=together,
    )


def sizes_of(largest: Decimal, points: int) -> tuple[Decimal, ...]:
    """Return at most so many round sizes, each a like factor above the last; none without a book."""
    if largest <= 0:
        return ()
    least = min(LEAST_CURVE, largest)
    decades = log10(largest / least)
    sizes = (
        Decimal(f"{float(least) * 10 ** (decades * place / (points - 1)):.{DIGITS}g}")
        for place in range(points)
    )
    return tuple(sorted({Decimal(f"{size:f}") for size in sizes if size > 0}))


def _asked(held: HeldLadder, quote: VenueQuote) -> QuotedVenue:
    return QuotedVenue(
        venue=quote.venue,
        trust=held.told.trust,
        age_s=held.told.age_s,
        quote=quote.quote,
        rate=quote.rate,
        filled=quote.filled,
        filled_fraction=quote.filled_fraction,
        average=quote.average,
        worst=quote.worst,
        slippage_bps=quote.slippage_bps,
        partial_slippage_bps=quote.partial_slippage_bps,
        cost=quote.cost,
        floor=quote.floor,
        why=None,
    )


def _not_asked(id_: BookId, held: HeldLadder | None, why: str | None) -> QuotedVenue:
    told = None if held is None else held.told
    reason = why or ("its levels did not come in time" if told is None else told.reason)
    return QuotedVenue(
        venue=id_.venue,
        trust="unknown" if told is None else told.trust,
        age_s=None if told is None else told.age_s,
        quote="" if told is None else told.quote,
        rate=None,
        filled=None,
        filled_fraction=None,
        average=None,
        worst=None,
        slippage_bps=None,
        partial_slippage_bps=None,
        cost=None,
        floor=None,
        why=reason,
    )
