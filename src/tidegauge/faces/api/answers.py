"""What routes have in common: who is asked, how an answer is written, what a parameter may be."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path, Query, Request, Response
from pydantic import AfterValidator

from tidegauge.core.instrument import BookId, Symbol
from tidegauge.runtime.window.books import ShownBook
from tidegauge.runtime.window.hub import Hub

from .problems import Problem

NAME = r"^[A-Za-z0-9][A-Za-z0-9._:/~-]{0,63}$"

SymbolPath = Annotated[str, Path(pattern=NAME, description="Our name of it, such as BTCUSDT.")]
SymbolQuery = Annotated[str, Query(pattern=NAME, description="Our name of it, such as BTCUSDT.")]
VenuePath = Annotated[str, Path(pattern=NAME, description="A venue, such as binance.")]
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
"""Nothing of ours is older or later, and a day more or less is still a time."""


def in_utc(at: datetime) -> datetime:
    """Return a time in UTC; one that names no zone is. Raises `ValueError` for one of another age."""
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    if not EARLIEST <= at <= LATEST:
        raise ValueError(f"must be from {EARLIEST.year} to {LATEST.year}")
    return at.astimezone(UTC)


Time = Annotated[datetime, AfterValidator(in_utc)]
Since = Annotated[Time | None, Query(alias="from", description="From when on, RFC 3339.")]
Until = Annotated[Time | None, Query(alias="to", description="Until when, RFC 3339.")]


def hub_of(request: Request) -> Hub:
    """Return what the API knows."""
    hub: Hub = request.app.state.hub
    return hub


HubOf = Annotated[Hub, Depends(hub_of)]


def answer(record: Any, status: int = 200) -> Response:
    """Return a record as JSON: exact numbers as strings, times in RFC 3339, unknown as null."""
    return Response(msgspec.json.encode(record), status, media_type="application/json")


def known_symbol(hub: Hub, name: str) -> Symbol:
    """Return a symbol in our spelling. Raises 404 for one that nobody watches, 503 while its daemon is
    away."""
    symbol = name.upper()
    if any(book.symbol == symbol for book in hub.picture().books.values()):
        return symbol
    raise _unseen(hub, symbol, f"no daemon watches {symbol}; GET /symbols says what is watched")


def known_book(hub: Hub, venue: str, symbol: str) -> ShownBook:
    """Return a book by its names. Raises as `known_symbol` does."""
    id_ = BookId(venue.lower(), symbol.upper())
    book = hub.picture().books.get(str(id_))
    if book is None:
        nobody = f"no daemon watches {id_}; GET /instruments says what is watched"
        raise _unseen(hub, id_.symbol, nobody)
    return book


def _unseen(hub: Hub, symbol: Symbol, nobody: str) -> Problem:
    away = hub.why_not(symbol)
    status = HTTPStatus.NOT_FOUND if away is None else HTTPStatus.SERVICE_UNAVAILABLE
    return Problem(status, away or nobody)
