"""Routes of the market as it is now: books, readings, scores, and what a size costs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from tidegauge.core.instrument import BookId
from tidegauge.core.reading import Taker
from tidegauge.runtime.window.across import ShownDaemon, ShownSymbol, ShownVenue, worst_first
from tidegauge.runtime.window.books import ShownBook, ShownLadder
from tidegauge.runtime.window.desk import ShownAlert, ShownExposure
from tidegauge.runtime.window.picture import Picture
from tidegauge.runtime.window.pricing import (
    LARGEST,
    ShownCurve,
    ShownQuote,
    curve_of,
    market_of,
    quote_of,
)
from tidegauge.runtime.window.show_books import show_ladder

from .answers import HubOf, SymbolPath, SymbolQuery, VenuePath, answer, known_book, known_symbol

router = APIRouter(tags=["market"])


Notional = Annotated[
    Decimal,
    Query(gt=0, le=LARGEST, decimal_places=8, description="How much, in quote."),
]
Side = Annotated[Literal["buy", "sell"], Query(description="What the taker does.")]
Symbols = Annotated[str, Query(max_length=4_000, description="Symbols with commas between them.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownInstrument:
    """What a symbol is on a venue."""

    venue: str
    symbol: str
    instrument: str
    kind: str
    base: str
    quote: str
    inverse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolDetail:
    """One symbol with its books, and the alerts that speak of it."""

    symbol: ShownSymbol | None
    books: list[ShownBook]
    alerts: list[ShownAlert]


@router.get("/picture", response_model=Picture)
async def picture(hub: HubOf, symbols: Symbols = "") -> Response:
    """All that is shown; of the books those of `symbols` only."""
    wanted = {name.strip().upper() for name in symbols.split(",")}
    seen = hub.picture()
    books = {key: book for key, book in seen.books.items() if book.symbol in wanted}
    return answer(
        Picture(
            at=datetime.now(UTC),
            daemons=seen.daemons,
            symbols=seen.symbols,
            venues=seen.venues,
            books=books,
            alerts=seen.alerts,
            incidents=seen.incidents,
            silences=seen.silences,
            exposures=seen.exposures,
            mutes=seen.mutes,
        )
    )


@router.get("/daemons", response_model=list[ShownDaemon])
async def daemons(hub: HubOf) -> Response:
    """Every daemon that is seen, or was until lately."""
    return answer([*hub.picture().daemons.values()])


@router.get("/venues", response_model=list[ShownVenue])
async def venues(hub: HubOf) -> Response:
    """Every venue's feed, as each daemon sees it."""
    return answer([*hub.picture().venues.values()])


@router.get("/instruments", response_model=list[ShownInstrument])
async def instruments(hub: HubOf) -> Response:
    """What every symbol is on each venue."""
    return answer(
        [
            ShownInstrument(
                venue=book.venue,
                symbol=book.symbol,
                instrument=book.instrument,
                kind=book.kind,
                base=book.base,
                quote=book.quote,
                inverse=book.inverse,
            )
            for book in hub.picture().books.values()
        ]
    )


@router.get("/symbols", response_model=list[ShownSymbol])
async def symbols(hub: HubOf) -> Response:
    """Every symbol, the worst score first; one whose score is not known comes last."""
    return answer(worst_first(hub.picture().symbols.values()))


@router.get("/symbols/{symbol}", response_model=SymbolDetail)
async def symbol_detail(hub: HubOf, symbol: SymbolPath) -> Response:
    """One symbol: score with parts, divergence, stress; its books with their signals; its alerts."""
    seen, name = hub.picture(), known_symbol(hub, symbol)
    return answer(
        SymbolDetail(
            symbol=seen.symbols.get(name),
            books=[book for book in seen.books.values() if book.symbol == name],
            alerts=[alert for alert in seen.alerts.values() if alert.symbol == name],
        )
    )


@router.get("/books/{venue}/{symbol}", response_model=ShownLadder)
async def book(
    hub: HubOf,
    venue: VenuePath,
    symbol: SymbolPath,
    levels: Annotated[int, Query(ge=1, le=1_000, description="Levels a side.")] = 20,
) -> Response:
    """The best levels of a book; none while it is not to be trusted."""
    shown = known_book(hub, venue, symbol)
    id_ = BookId(shown.venue, shown.symbol)
    found = await hub.ladders([id_], levels)
    if id_ not in found:
        return answer(
            ShownLadder(
                venue=shown.venue,
                symbol=shown.symbol,
                at=datetime.now(UTC),
                trust="unknown",
                mid=None,
                bids=(),
                asks=(),
                bid_more=True,
                ask_more=True,
            )
        )
    return answer(show_ladder(found[id_].told, levels))


@router.get("/readings/{venue}/{symbol}", response_model=ShownBook)
async def reading(hub: HubOf, venue: VenuePath, symbol: SymbolPath) -> Response:
    """The latest reading of a book, and what is made of it."""
    return answer(known_book(hub, venue, symbol))


@router.get("/exposures", response_model=list[ShownExposure])
async def exposures(hub: HubOf) -> Response:
    """How much of each asset is held, against how much may be."""
    return answer([*hub.picture().exposures.values()])


@router.get("/quote", response_model=ShownQuote)
async def quote(hub: HubOf, symbol: SymbolQuery, side: Side, notional: Notional) -> Response:
    """What a size costs now: on each venue, on the best of them, and split over all."""
    name = known_symbol(hub, symbol)
    market, held = await market_of(hub, name, notional)
    return answer(quote_of(hub, name, Taker(side), notional, market, held))


@router.get("/curve", response_model=ShownCurve)
async def curve(
    hub: HubOf,
    symbol: SymbolQuery,
    points: Annotated[int, Query(ge=2, le=200, description="How many sizes.")] = 40,
) -> Response:
    """What sizes from small to large cost now, for both sides and all venues."""
    name = known_symbol(hub, symbol)
    return answer(await curve_of(hub, name, points))
